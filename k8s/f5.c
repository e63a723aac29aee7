#include "k8s/f5.h"

#include <string.h>
#include <strings.h>

#include "k8s/draft.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

void f5_collect(struct source_run *run, const struct object *obj, const char *source)
{
	const struct source_settings *s = source_settings(run);
	const char *address = json_text(object_status(obj), "vsAddress");
	const char *wanted = json_text(object_spec(obj), "virtualServerAddress");
	const char *host = json_text(object_spec(obj), "host");
	struct strv names = { 0 }, targets = { 0 };
	struct draft d;

	/* without an address the controller has not taken it up */
	if (!source_filter_passes(s, obj) || address == NULL || *address == '\0' ||
	    strcasecmp(address, "none") == 0)
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (targets.n == 0)
		strv_add(&targets, wanted && *wanted ? wanted : address);
	if (host)
		strv_add(&names, host);
	json_strings(object_spec(obj), "hostAliases", &names);
	draft_begin(&d, run, obj, source, source);
	draft_drop_properties(&d);
	draft_add_names(&d, &names, &targets);
	draft_add_templated(&d, draft_add_name_with_targets, &targets);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
}
