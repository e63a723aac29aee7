#include "server/acl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/strv.h"
#include "lib/tsig_keys.h"

bool acl_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *back = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			back = text;
		} else if (*pattern && strncasecmp(pattern, text, 1) == 0) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* --- options ------------------------------------------------------------------------------ */

static bool is_term(const char *s)
{
	struct netprefix p;

	return strncmp(s, "key:", 4) == 0 || strcmp(s, "any") == 0 ||
	       netprefix_from_text(s, &p) == 0;
}

/* Is PART a list of terms? */
static bool is_who(const char *part)
{
	struct strv terms = { 0 };
	bool all = true;

	strv_split(&terms, part, ",");
	for (size_t i = 0; i < terms.n; i++)
		all = all && is_term(terms.s[i]);
	all = all && terms.n;
	strv_fini(&terms);
	return all;
}

static int add_term(struct acl_rule *r, const char *text, const struct tsig_keys *keys)
{
	if (strcmp(text, "any") == 0)
		return 0;
	if (strncmp(text, "key:", 4) == 0) {
		const struct tsig_key *k = tsig_keys_find(keys, text + 4);

		if (k == NULL)
			return ERR_NOT_FOUND;
		r->keys = mem_array(r->keys, r->nkeys + 1, sizeof(*r->keys));
		r->keys[r->nkeys++] = k;
		return 0;
	}
	r->prefixes = mem_array(r->prefixes, r->nprefixes + 1, sizeof(*r->prefixes));
	return netprefix_from_text(text, &r->prefixes[r->nprefixes++]);
}

static int add_who(struct acl_rule *r, const char *part, const struct tsig_keys *keys)
{
	struct strv terms = { 0 };
	int err = 0;

	strv_split(&terms, part, ",");
	for (size_t i = 0; i < terms.n && err == 0; i++)
		err = add_term(r, terms.s[i], keys);
	strv_fini(&terms);
	return err;
}

/* "NAMES" or "NAMES:TYPE,TYPE" */
static int add_names(struct acl_rule *r, const char *part)
{
	const char *colon = strchr(part, ':');
	struct strv types = { 0 };
	uint8_t name[DNAME_MAX];
	int err = 0;

	char *names = colon ? mem_strndup(part, (size_t)(colon - part)) : mem_strdup(part);
	r->names = dname_text_normal(names);
	free(names);
	if (strchr(r->names, '*') == NULL)
		err = dname_from_text(r->names, name);
	if (colon)
		strv_split(&types, colon + 1, ",");
	for (size_t i = 0; i < types.n && err == 0; i++) {
		uint16_t type = 0;

		err = rrtype_from_text(types.s[i], &type);
		r->types = mem_array(r->types, r->ntypes + 1, sizeof(*r->types));
		r->types[r->ntypes++] = type;
	}
	strv_fini(&types);
	return err ? ERR_SYNTAX : 0;
}

static int add_zone(struct acl_rule *r, const char *part)
{
	uint8_t zone[DNAME_MAX];
	int err = dname_from_text(part, zone);

	if (err == 0)
		r->zone = mem_dup(zone, dname_len(zone));
	return err;
}

static int rule_parse(struct acl_rule *r, const char *text, bool names,
		      const struct tsig_keys *keys)
{
	struct strv parts = { 0 };
	size_t i = 0;
	int err = 0;

	strv_split(&parts, text, "=");
	if (parts.n == 0 || (parts.n > 1 && !is_who(parts.s[0])))
		err = parts.n ? add_zone(r, parts.s[i++]) : ERR_SYNTAX;
	if (err == 0)
		err = i < parts.n && is_who(parts.s[i]) ? add_who(r, parts.s[i], keys) : ERR_SYNTAX;
	i++;
	if (err == 0 && i < parts.n)
		err = names ? add_names(r, parts.s[i++]) : ERR_SYNTAX;
	if (err == 0 && i != parts.n)
		err = ERR_SYNTAX;
	strv_fini(&parts);
	return err;
}

int acl_load(struct acl *a, const char *option, const struct strv *texts, bool names,
	     const struct tsig_keys *keys, char **ret_why)
{
	for (size_t i = 0; i < texts->n; i++) {
		a->rules = mem_array(a->rules, a->n + 1, sizeof(struct acl_rule));
		struct acl_rule *r = &a->rules[a->n++];
		memset(r, 0, sizeof(*r));
		int err = rule_parse(r, texts->s[i], names, keys);
		if (err == 0)
			continue;
		*ret_why = mem_printf("%s=%s: %s", option, texts->s[i],
				      err == ERR_NOT_FOUND ? "no --tsig-key of that name"
				      : names ? "want [ZONE=]PREFIX|key:NAME[=NAMES[:TYPE,…]]"
					      : "want [ZONE=]PREFIX|key:NAME");
		return err;
	}
	return 0;
}

void acl_fini(struct acl *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->rules[i].zone);
		free(a->rules[i].prefixes);
		free(a->rules[i].keys);
		free(a->rules[i].names);
		free(a->rules[i].types);
	}
	free(a->rules);
	*a = (struct acl){ 0 };
}

/* --- questions ------------------------------------------------------------------------------ */

static bool who_matches(const struct acl_rule *r, const uint8_t *zone, const struct netaddr *client,
			const struct tsig_key *key)
{
	if (r->zone && !dname_equal(r->zone, zone))
		return false;
	for (size_t i = 0; i < r->nprefixes; i++)
		if (!netprefix_contains(&r->prefixes[i], client))
			return false;
	for (size_t i = 0; i < r->nkeys; i++)
		if (r->keys[i] != key)
			return false;
	return true;
}

bool acl_allows(const struct acl *a, const uint8_t *zone, const struct netaddr *client,
		const struct tsig_key *key)
{
	for (size_t i = 0; i < a->n; i++)
		if (who_matches(&a->rules[i], zone, client, key))
			return true;
	return false;
}

static bool name_matches(const struct acl_rule *r, const char *owner)
{
	if (r->names == NULL)
		return true;
	if (strchr(r->names, '*'))
		return acl_glob(r->names, owner);
	return dname_text_is_below(owner, r->names);
}

static bool type_matches(const struct acl_rule *r, uint16_t type)
{
	for (size_t i = 0; i < r->ntypes; i++)
		if (r->types[i] == type)
			return true;
	return r->ntypes == 0;
}

bool acl_allows_name(const struct acl *a, const uint8_t *zone, const struct netaddr *client,
		     const struct tsig_key *key, const uint8_t *owner, uint16_t type)
{
	char *text = dname_text(owner);
	bool allowed = false;

	for (size_t i = 0; i < a->n && !allowed; i++)
		allowed = who_matches(&a->rules[i], zone, client, key) &&
			  name_matches(&a->rules[i], text) && type_matches(&a->rules[i], type);
	free(text);
	return allowed;
}
