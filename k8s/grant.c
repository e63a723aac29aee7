#include "k8s/grant.h"

#include <string.h>

#include "k8s/source.h"
#include "lib/json.h"

struct question {
	const struct grant_ref *from, *to;
	const char *name;
	bool granted;
};

static bool is_text(const cJSON *o, const char *path, const char *want)
{
	const char *have = json_text(o, path);

	return have && strcmp(have, want) == 0;
}

static bool names_from(const cJSON *spec, const struct grant_ref *from)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(spec, "from"))
		if (is_text(it, "group", from->group) && is_text(it, "kind", from->kind) &&
		    is_text(it, "namespace", from->namespace))
			return true;
	return false;
}

static bool names_to(const cJSON *spec, const struct grant_ref *to, const char *name)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(spec, "to")) {
		const char *only = json_text(it, "name");

		if (is_text(it, "group", to->group) && is_text(it, "kind", to->kind) &&
		    (only == NULL || *only == '\0' || strcmp(only, name) == 0))
			return true;
	}
	return false;
}

static void look(void *ctx, const struct object *grant)
{
	struct question *q = ctx;

	if (names_from(object_spec(grant), q->from) && names_to(object_spec(grant), q->to, q->name))
		q->granted = true;
}

bool grant_exists(struct source_run *run, const struct grant_ref *from, const struct grant_ref *to,
		  const char *name)
{
	struct question q = { .from = from, .to = to, .name = name };

	source_each(run, KIND_REFERENCE_GRANT, to->namespace, look, &q);
	return q.granted;
}
