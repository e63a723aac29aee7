#include "k8s/fqdn_template.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/go_template.h"
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

struct fqdn_template {
	struct go_template *fqdn, *target, *fqdn_target; /* NULL if not given */
	bool combine;
};

static const char blanks[] = " \t\r\n\v\f";

static int parse(const char *flag, const struct strv *values, struct go_template **ret,
		 char **ret_why)
{
	char *text = values && values->n ? strv_join(values, ",") : NULL;
	char *why = NULL;
	int err = 0;

	if (text && text[strspn(text, blanks)] && (err = go_template_parse(text, ret, &why)) < 0) {
		*ret_why = mem_printf("--%s \"%s\": %s", flag, text, why);
		free(why);
	}
	free(text);
	return err;
}

int fqdn_template_new(const struct strv *fqdn, const struct strv *target,
		      const struct strv *fqdn_target, bool combine, struct fqdn_template **ret,
		      char **ret_why)
{
	struct fqdn_template *t = MEM_NEW(struct fqdn_template);
	int err;

	t->combine = combine;
	if ((err = parse("fqdn-template", fqdn, &t->fqdn, ret_why)) < 0 ||
	    (err = parse("target-template", target, &t->target, ret_why)) < 0 ||
	    (err = parse("fqdn-target-template", fqdn_target, &t->fqdn_target, ret_why)) < 0) {
		fqdn_template_free(t);
		return err;
	}
	*ret = t;
	return 0;
}

void fqdn_template_free(struct fqdn_template *t)
{
	if (t == NULL)
		return;
	go_template_free(t->fqdn);
	go_template_free(t->target);
	go_template_free(t->fqdn_target);
	free(t);
}

bool fqdn_template_has_names(const struct fqdn_template *t)
{
	return t->fqdn != NULL;
}

bool fqdn_template_has_targets(const struct fqdn_template *t)
{
	return t->target != NULL;
}

bool fqdn_template_has_pairs(const struct fqdn_template *t)
{
	return t->fqdn_target != NULL;
}

bool fqdn_template_combines(const struct fqdn_template *t)
{
	return t->combine;
}

static void add_parts(const char *text, struct strv *v)
{
	struct strv parts = { 0 };

	for (const char *at = text;; at++) {
		size_t n = strcspn(at, ","), skip = strspn(at, blanks);
		const char *from = at + (skip < n ? skip : n), *to = at + n;

		while (to > from && strchr(blanks, to[-1]))
			to--;
		if (to > from && to[-1] == '.')
			to--;
		if (to > from)
			strv_take(&parts, mem_strndup(from, (size_t)(to - from)));
		at += n;
		if (*at == '\0')
			break;
	}
	strv_uniq(&parts);
	for (size_t i = 0; i < parts.n; i++)
		strv_add(v, parts.s[i]);
	strv_fini(&parts);
}

static int run(const struct go_template *t, const char *flag, const struct object *obj,
	       const char *source, struct strv *v, char **ret_why)
{
	struct go_template_data data = {
		.object = obj->json,
		.raw = source && strcmp(source, "unstructured") == 0,
		.source = source,
	};
	struct buf out = { 0 };
	char *why = NULL;
	int err;

	if (t == NULL)
		return 0;
	if ((err = go_template_run(t, &data, &out, &why)) < 0) {
		*ret_why = mem_printf("--%s: %s", flag, why);
		free(why);
	} else {
		add_parts(buf_str(&out), v);
	}
	buf_fini(&out);
	return err;
}

int fqdn_template_names(const struct fqdn_template *t, const struct object *obj, const char *source,
			struct strv *v, char **ret_why)
{
	return run(t->fqdn, "fqdn-template", obj, source, v, ret_why);
}

int fqdn_template_targets(const struct fqdn_template *t, const struct object *obj,
			  const char *source, struct strv *v, char **ret_why)
{
	return run(t->target, "target-template", obj, source, v, ret_why);
}

int fqdn_template_pairs(const struct fqdn_template *t, const struct object *obj, const char *source,
			struct strv *v, char **ret_why)
{
	return run(t->fqdn_target, "fqdn-target-template", obj, source, v, ret_why);
}
