#include "sync/domain_filter.h"

#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/idna.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/regexp.h"

struct domain_filter {
	struct strv include, exclude;                 /* normal form; a leading dot is kept */
	struct regexp *regex_include, *regex_exclude; /* NULL if not given */
};

static void take_normal(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; from && i < from->n; i++) {
		char *s = idna_normal(from->s[i]);

		if (*s == '\0' || strcmp(s, ".") == 0)
			free(s); /* blank entries of a list mean nothing */
		else
			strv_take(to, s);
	}
}

int domain_filter_new(const struct strv *include, const struct strv *exclude,
		      const char *regex_include, const char *regex_exclude,
		      struct domain_filter **ret, char **ret_why)
{
	struct domain_filter *f = MEM_NEW(struct domain_filter);
	int err = 0;

	if (regex_include && *regex_include)
		err = regexp_new(regex_include, &f->regex_include, ret_why);
	if (err == 0 && regex_exclude && *regex_exclude)
		err = regexp_new(regex_exclude, &f->regex_exclude, ret_why);
	if (err) {
		domain_filter_free(f);
		return err;
	}
	take_normal(&f->include, include);
	take_normal(&f->exclude, exclude);
	*ret = f;
	return 0;
}

int domain_filter_from_config(const struct config *c, struct domain_filter **ret, char **ret_why)
{
	return domain_filter_new(config_list(c, OPT_DOMAIN_FILTER),
				 config_list(c, OPT_EXCLUDE_DOMAINS),
				 config_text(c, OPT_REGEX_DOMAIN_FILTER),
				 config_text(c, OPT_REGEX_DOMAIN_EXCLUSION), ret, ret_why);
}

int domain_filter_from_json(const cJSON *o, struct domain_filter **ret, char **ret_why)
{
	struct strv include = { 0 }, exclude = { 0 };
	int err;

	json_strings(o, "include", &include);
	json_strings(o, "filters", &include);
	json_strings(o, "exclude", &exclude);
	const char *ri = json_text(o, "regexInclude"), *rx = json_text(o, "regexExclude");
	if ((include.n || exclude.n) && ((ri && *ri) || (rx && *rx))) {
		*ret_why = mem_strdup("domain filter with both lists and regular expressions");
		err = ERR_INVALID;
	} else {
		err = domain_filter_new(&include, &exclude, ri, rx, ret, ret_why);
	}
	strv_fini(&include);
	strv_fini(&exclude);
	return err;
}

static void add_sorted(cJSON *o, const char *name, const struct strv *v)
{
	struct strv sorted = { 0 };

	if (v->n == 0)
		return;
	strv_copy(&sorted, v);
	strv_sort(&sorted);
	cJSON_AddItemToObject(o, name, json_from_strv(&sorted));
	strv_fini(&sorted);
}

cJSON *domain_filter_to_json(const struct domain_filter *f)
{
	cJSON *o = cJSON_CreateObject();

	if (f == NULL)
		return o;
	if (f->regex_include)
		(void)cJSON_AddStringToObject(o, "regexInclude", regexp_text(f->regex_include));
	if (f->regex_exclude)
		(void)cJSON_AddStringToObject(o, "regexExclude", regexp_text(f->regex_exclude));
	if (f->regex_include == NULL && f->regex_exclude == NULL) {
		add_sorted(o, "include", &f->include);
		add_sorted(o, "exclude", &f->exclude);
	}
	return o;
}

void domain_filter_free(struct domain_filter *f)
{
	if (f == NULL)
		return;
	strv_fini(&f->include);
	strv_fini(&f->exclude);
	regexp_free(f->regex_include);
	regexp_free(f->regex_exclude);
	free(f);
}

bool domain_filter_is_configured(const struct domain_filter *f)
{
	return f && (f->regex_include || f->regex_exclude || f->include.n || f->exclude.n);
}

/* NAME is normal. */
static bool list_matches(const struct strv *list, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < list->n; i++) {
		const char *d = list->s[i];
		size_t n = strlen(d);

		if (len < n || strcmp(name + len - n, d) != 0)
			continue;
		if (d[0] == '.' ? len > n : len == n || name[len - n - 1] == '.')
			return true;
	}
	return false;
}

static bool match_normal(const struct domain_filter *f, const char *name)
{
	if (f->regex_include || f->regex_exclude) {
		if (f->regex_exclude && regexp_matches(f->regex_exclude, name))
			return false;
		return f->regex_include == NULL || regexp_matches(f->regex_include, name);
	}
	if (f->include.n && !list_matches(&f->include, name))
		return false;
	return !list_matches(&f->exclude, name);
}

bool domain_filter_match(const struct domain_filter *f, const char *name)
{
	if (!domain_filter_is_configured(f))
		return true;
	if (idna_is_normal(name))
		return match_normal(f, name);
	char *normal = idna_normal(name);
	bool yes = match_normal(f, normal);
	free(normal);
	return yes;
}

bool domain_filter_match_parent(const struct domain_filter *f, const char *zone)
{
	if (f == NULL)
		return true;
	char *normal = idna_normal(zone);
	size_t len = strlen(normal);
	bool yes = f->include.n == 0;

	if (list_matches(&f->exclude, normal)) {
		yes = false;
		goto out;
	}
	for (size_t i = 0; !yes && i < f->include.n; i++) {
		const char *d = f->include.s[i];
		size_t n = strlen(d);

		yes = d[0] != '.' && n > len && d[n - len - 1] == '.' &&
		      strcmp(d + n - len, normal) == 0;
	}
out:
	free(normal);
	return yes;
}

bool domain_filter_match_zone(const struct domain_filter *f, const char *zone)
{
	if (domain_filter_match(f, zone))
		return true;
	/* an expression says nothing about parents: names are filtered one by one */
	if (f->regex_include || f->regex_exclude)
		return true;
	return domain_filter_match_parent(f, zone);
}
