#include "server/remote.h"

#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/strv.h"
#include "lib/tsig_keys.h"

enum { DNS_PORT = 53 };

static int set_zone(struct remote *r, const char *text, size_t len)
{
	char *name = mem_strndup(text, len);
	uint8_t zone[DNAME_MAX];
	int err = dname_from_text(name, zone);

	free(name);
	if (err)
		return err;
	r->zone = mem_dup(zone, dname_len(zone));
	(void)dname_lower(r->zone, r->zone); /* its length is not needed */
	return 0;
}

static int parse(struct remote *r, const char *text, bool zone_needed, bool allow_ns,
		 const struct tsig_keys *keys)
{
	const char *eq = strchr(text, '=');
	struct strv parts = { 0 };
	int err = eq ? set_zone(r, text, (size_t)(eq - text)) : zone_needed ? ERR_SYNTAX : 0;

	strv_split(&parts, eq ? eq + 1 : text, ",");
	if (err == 0 && (parts.n == 0 || parts.n > 2))
		err = ERR_SYNTAX;
	if (err == 0 && allow_ns && strcmp(parts.s[0], "ns") == 0)
		r->is_ns = true;
	else if (err == 0)
		err = netaddr_from_text_port(parts.s[0], DNS_PORT, &r->addr);
	if (err == 0 && parts.n == 2) {
		if (strncmp(parts.s[1], "key:", 4) != 0)
			err = ERR_SYNTAX;
		else if ((r->key = tsig_keys_find(keys, parts.s[1] + 4)) == NULL)
			err = ERR_NOT_FOUND;
	}
	strv_fini(&parts);
	return err;
}

int remotes_load(struct remotes *r, const char *option, const struct strv *texts, bool zone_needed,
		 bool allow_ns, const struct tsig_keys *keys, char **ret_why)
{
	for (size_t i = 0; i < texts->n; i++) {
		r->list = mem_array(r->list, r->n + 1, sizeof(struct remote));
		struct remote *one = &r->list[r->n++];
		memset(one, 0, sizeof(*one));
		int err = parse(one, texts->s[i], zone_needed, allow_ns, keys);
		if (err == 0)
			continue;
		*ret_why = mem_printf("%s=%s: %s", option, texts->s[i],
				      err == ERR_NOT_FOUND ? "no --tsig-key of that name"
				      : zone_needed        ? "want ZONE=ADDR[:PORT][,key:NAME]"
							   : "want [ZONE=]ADDR[:PORT][,key:NAME]");
		return err == ERR_NOT_FOUND ? err : ERR_SYNTAX;
	}
	return 0;
}

void remotes_fini(struct remotes *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->list[i].zone);
	free(r->list);
	*r = (struct remotes){ 0 };
}
