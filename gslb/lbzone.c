#include "gslb/lbzone.h"

#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/mem.h"

char *lbzone_ns_name(const char *prefix, const char *tag, const char *zone, const char *parent)
{
	size_t own = strlen(zone) - strlen(parent) - 1;
	char *label = mem_strndup(zone, own);

	for (char *p = label; *p; p++)
		if (*p == '.')
			*p = '-';
	char *text = mem_printf("%s%s-%s.%s", prefix, tag, label, parent);
	char *name = dname_text_normal(text);
	free(text);
	free(label);
	return name;
}

static int check_ns_name(const struct zone_decl *d, const char *prefix, const char *tag,
			 char **ret_why)
{
	char *name = lbzone_ns_name(prefix, tag, d->load_balanced_zone, d->parent_zone);
	uint8_t wire[DNAME_MAX];
	int err = dname_from_text(name, wire);

	if (err == ERR_TOO_LONG)
		*ret_why = mem_printf("zone %s: the name server of geo tag %s would be called %s: "
				      "its label has %zu characters, the name %zu; 63 and 253 are "
				      "allowed",
				      d->load_balanced_zone, tag, name, strcspn(name, "."),
				      strlen(name));
	else if (err || !dname_text_is_host(name, false))
		*ret_why = mem_printf("zone %s: the name server of geo tag %s would be called %s, "
				      "which is no host name",
				      d->load_balanced_zone, tag, name);
	bool bad = err || !dname_text_is_host(name, false);
	free(name);
	return bad ? ERR_INVALID : 0;
}

int lbzone_check(const struct zone_decl *d, const char *prefix, const char *tag, char **ret_why)
{
	const char *zone = d->load_balanced_zone, *parent = d->parent_zone;

	if (d->error) {
		*ret_why = mem_strdup(d->error);
		return ERR_INVALID;
	}
	if (!zone || !dname_text_is_host(zone, false)) {
		*ret_why = mem_printf("zone %s is no domain name", zone ? zone : "(none)");
		return ERR_INVALID;
	}
	if (!parent || !dname_text_is_host(parent, false)) {
		*ret_why = mem_printf("zone %s: its parent zone %s is no domain name", zone,
				      parent ? parent : "(none)");
		return ERR_INVALID;
	}
	if (!dname_text_is_below(zone, parent) || strlen(zone) <= strlen(parent)) {
		*ret_why = mem_printf("zone %s is not below its parent zone %s", zone, parent);
		return ERR_INVALID;
	}
	return check_ns_name(d, prefix, tag, ret_why);
}

struct lbzone *lbzone_new(const struct zone_decl *d, const char *prefix, const char *own)
{
	struct lbzone *z = MEM_NEW(struct lbzone);

	z->name = dname_text_normal(d->load_balanced_zone);
	z->parent = dname_text_normal(d->parent_zone);
	z->id = mem_strdup(d->id);
	z->neg_ttl_s = d->neg_ttl_s;
	z->do_finalize = d->do_finalize;
	z->deleting = d->deleting;
	z->own_ns = lbzone_ns_name(prefix, own, z->name, z->parent);
	(void)dname_from_text(z->name, z->wire); /* lbzone_check has seen it */
	(void)dname_lower(z->wire, z->wire);
	z->has_state = lbzone_state_origin(z, own, z->state_wire) == 0;
	z->apex_dirty = true;
	return z;
}

void lbzone_free(struct lbzone *z)
{
	if (z == NULL)
		return;
	free(z->name);
	free(z->parent);
	free(z->id);
	free(z->own_ns);
	for (size_t i = 0; z->changes && i < LBZONE_CHANGES_MAX; i++)
		free(z->changes[i]);
	free(z->changes);
	free(z);
}

int lbzone_state_origin(const struct lbzone *z, const char *tag, uint8_t *out)
{
	uint8_t prefix[DNAME_MAX];
	char *text = mem_printf("%s." LBZONE_STATE_LABEL ".", tag);
	int err = dname_from_text(text, prefix);

	free(text);
	if (err)
		return err;
	(void)dname_lower(prefix, prefix);
	return dname_join(prefix, z->wire, out);
}

int lbzone_state_name(const struct lbzone *z, const uint8_t *host, const uint8_t *origin,
		      uint8_t *out)
{
	size_t own = dname_len(host) - dname_len(z->wire);
	uint8_t prefix[DNAME_MAX] = "\5_apex";

	if (own) {
		memcpy(prefix, host, own);
		prefix[own] = 0;
	}
	return dname_join(prefix, origin, out);
}

int lbzone_parse(const char *text, struct zone_decl **ret, char **ret_why)
{
	struct strv parts = { 0 };
	char *end = NULL;
	unsigned long ttl = 0;
	int err = 0;

	strv_split(&parts, text, ":");
	if (parts.n == 3)
		ttl = strtoul(parts.s[2], &end, 10);
	if (parts.n != 3 || *end || ttl > INT32_MAX) {
		*ret_why = mem_printf("DNS_ZONES: '%s' is not PARENT:ZONE:NEGTTL", text);
		err = ERR_INVALID;
	} else {
		struct zone_decl *z = MEM_NEW(struct zone_decl);

		z->parent_zone = dname_text_normal(parts.s[0]);
		z->load_balanced_zone = dname_text_normal(parts.s[1]);
		z->id = mem_printf("config:%s", z->load_balanced_zone);
		z->neg_ttl_s = (unsigned)ttl;
		*ret = z;
	}
	strv_fini(&parts);
	return err;
}
