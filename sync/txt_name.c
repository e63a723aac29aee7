#include "sync/txt_name.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

#define TEMPLATE "%{record_type}"

/* Types that may stand in a typed name. */
static const char *const types[] = { "A",   "AAAA", "CNAME", "NS",    "MX",  "SRV",
				     "PTR", "TXT",  "NAPTR", "DNAME", "CAA", "DS" };

static char *lower(const char *s)
{
	char *l = mem_strdup(s);

	for (char *p = l; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return l;
}

int txt_name_init(struct txt_name *t, const char *prefix, const char *suffix, const char *wildcard,
		  char **ret_why)
{
	if (*prefix && *suffix) {
		*ret_why = mem_strdup("--txt-prefix and --txt-suffix exclude each other");
		return ERR_INVALID;
	}
	*t = (struct txt_name){ .prefix = lower(prefix),
				.suffix = lower(suffix),
				.wildcard = lower(wildcard) };
	t->has_template = strstr(t->prefix, TEMPLATE) || strstr(t->suffix, TEMPLATE);
	return 0;
}

void txt_name_fini(struct txt_name *t)
{
	free(t->prefix);
	free(t->suffix);
	free(t->wildcard);
	*t = (struct txt_name){ 0 };
}

/* AFFIX with each template replaced by TYPE in lower case. */
static void put_affix(struct buf *out, const char *affix, const char *type)
{
	for (const char *at; (at = strstr(affix, TEMPLATE)) != NULL;
	     affix = at + strlen(TEMPLATE)) {
		buf_add(out, affix, (size_t)(at - affix));
		for (const char *p = type; *p; p++)
			buf_putc(out, (char)tolower((unsigned char)*p));
	}
	buf_puts(out, affix);
}

static char *make(const struct txt_name *t, const char *dns_name, const char *type, bool typed)
{
	struct buf out = { 0 };
	size_t first = strcspn(dns_name, ".");

	put_affix(&out, t->prefix, type);
	if (typed && !t->has_template) {
		for (const char *p = type; *p; p++)
			buf_putc(&out, (char)tolower((unsigned char)*p));
		buf_putc(&out, '-');
	}
	if (*t->wildcard && first == 1 && dns_name[0] == '*')
		buf_puts(&out, t->wildcard);
	else
		buf_add(&out, dns_name, first);
	put_affix(&out, t->suffix, type);
	buf_puts(&out, dns_name + first);
	return buf_take(&out);
}

struct piece {
	char *at, *end; /* END leaves room for the NUL */
	bool cut;
};

static void put(struct piece *o, const char *s, size_t n, bool lower_case)
{
	if (n > (size_t)(o->end - o->at)) {
		n = (size_t)(o->end - o->at);
		o->cut = true;
	}
	memcpy(o->at, s, n);
	for (size_t i = 0; lower_case && i < n; i++)
		o->at[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
	o->at += n;
}

static void put_affix_typed(struct piece *o, const struct txt_name *t, const char *affix,
			    const char *type)
{
	while (t->has_template) {
		const char *at = strstr(affix, TEMPLATE);

		if (at == NULL)
			break;
		put(o, affix, (size_t)(at - affix), false);
		put(o, type, strlen(type), true);
		affix = at + strlen(TEMPLATE);
	}
	put(o, affix, strlen(affix), false);
}

bool txt_name_put_typed(const struct txt_name *t, const char *dns_name, const char *record_type,
			char *out)
{
	struct piece o = { .at = out, .end = out + TXT_NAME_MAX - 1 };
	size_t first = strcspn(dns_name, ".");

	put_affix_typed(&o, t, t->prefix, record_type);
	if (!t->has_template) {
		put(&o, record_type, strlen(record_type), true);
		put(&o, "-", 1, false);
	}
	if (*t->wildcard && first == 1 && dns_name[0] == '*')
		put(&o, t->wildcard, strlen(t->wildcard), false);
	else
		put(&o, dns_name, first, false);
	put_affix_typed(&o, t, t->suffix, record_type);
	put(&o, dns_name + first, strlen(dns_name + first), false);
	*o.at = '\0';
	return !o.cut;
}

char *txt_name_typed(const struct txt_name *t, const char *dns_name, const char *record_type)
{
	return make(t, dns_name, record_type, true);
}

char *txt_name_legacy(const struct txt_name *t, const char *dns_name)
{
	return make(t, dns_name, "", false);
}

char *txt_name_fallback(const struct txt_name *t, const char *dns_name, const char *kind,
			const char *zone)
{
	struct buf label = { 0 };
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	(void)EVP_Digest(dns_name, strlen(dns_name), hash, &len, EVP_sha256(), NULL);
	buf_printf(&label, "gslbd-%s-", kind);
	for (size_t i = 0; i < 5; i++)
		buf_printf(&label, "%02x", hash[i]);
	const char *rest = strchr(dns_name, '.');
	buf_printf(&label, ".%s", strcmp(dns_name, zone) == 0 || rest == NULL ? zone : rest + 1);
	char *name = make(t, buf_str(&label), kind, false);
	if (!txt_name_fits(name)) { /* deep names: straight below the zone then */
		free(name);
		label.len = strcspn(label.data, ".");
		label.data[label.len] = '\0';
		buf_printf(&label, ".%s", zone);
		name = make(t, buf_str(&label), kind, false);
	}
	buf_fini(&label);
	return name;
}

bool txt_name_fits(const char *name)
{
	size_t label = 0;

	if (strlen(name) > 253)
		return false;
	for (const char *p = name; *p; p++) {
		label = *p == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

/* A legacy reading cannot be told from a template's with an empty type. */
static void add_reading(const struct txt_name *t, const char *type, const char *name,
			struct strv *ret)
{
	size_t n = strlen(t->wildcard);

	if (*name == '\0' || *name == '.')
		return;
	strv_take(ret, mem_printf("%s %s", type, name));
	if (n && strncmp(name, t->wildcard, n) == 0 && (name[n] == '.' || name[n] == '\0'))
		strv_take(ret, mem_printf("%s *%s", type, name + n));
}

/* NAME without the affixes made for TYPE; NULL if they are not there. */
static char *strip(const struct txt_name *t, const char *name, const char *type)
{
	struct buf affix = { 0 };
	char *out = NULL;

	if (*t->suffix) {
		/* a suffix that holds dots reaches over as many labels */
		put_affix(&affix, t->suffix, type);
		const char *end = name;
		size_t dots = 0;

		for (const char *p = t->suffix; *p; p++)
			dots += *p == '.';
		end += strcspn(end, ".");
		for (; dots && *end; dots--)
			end += 1 + strcspn(end + 1, ".");
		size_t len = (size_t)(end - name), n = affix.len;
		if (dots == 0 && len > n && memcmp(end - n, buf_str(&affix), n) == 0)
			out = mem_printf("%.*s%s", (int)(len - n), name, end);
	} else {
		put_affix(&affix, t->prefix, type);
		if (strncmp(name, buf_str(&affix), affix.len) == 0)
			out = mem_strdup(name + affix.len);
	}
	buf_fini(&affix);
	return out;
}

void txt_name_readings(const struct txt_name *t, const char *txt_name, struct strv *ret)
{
	for (size_t i = 0; t->has_template && i < ARRAY_SIZE(types); i++) {
		char *name = strip(t, txt_name, types[i]);

		if (name)
			add_reading(t, types[i], name, ret);
		free(name);
	}
	char *name = strip(t, txt_name, "");
	if (name == NULL)
		return;
	/* with a template, versions before wrote "TYPE-" behind the bare affix as well */
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t n = strlen(types[i]);

		if (strncasecmp(name, types[i], n) == 0 && name[n] == '-')
			add_reading(t, types[i], name + n + 1, ret);
	}
	add_reading(t, "-", name, ret);
	free(name);
}
