#include "sync/hetzner_label.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/endpoint.h"
#include "lib/json.h"
#include "lib/mem.h"

#define PREFIX "webhook/hetzner-label-"

bool hetzner_label_is(const char *property)
{
	return strncmp(property, PREFIX, strlen(PREFIX)) == 0;
}

void hetzner_label_read(const cJSON *rrset, struct endpoint *e)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(rrset, "labels")) {
		if (!cJSON_IsString(it))
			continue;
		char *name = mem_printf(PREFIX "%s", it->string);

		endpoint_set_prop(e, name, it->valuestring);
		free(name);
	}
}

cJSON *hetzner_label_json(const struct endpoint *e)
{
	cJSON *labels = NULL;

	for (size_t i = 0; i < e->nprovider_specific; i++) {
		const char *name = e->provider_specific[i].name;

		if (!hetzner_label_is(name))
			continue;
		if (labels == NULL)
			labels = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(labels, name + strlen(PREFIX),
					      e->provider_specific[i].value);
	}
	return labels;
}

bool hetzner_label_differ(const struct endpoint *before, const struct endpoint *after)
{
	cJSON *have = before ? hetzner_label_json(before) : NULL;
	cJSON *want = hetzner_label_json(after);
	bool differ = want && !cJSON_Compare(have, want, true);

	cJSON_Delete(have);
	cJSON_Delete(want);
	return differ;
}

void hetzner_label_keep(const struct endpoint *standing, struct endpoint *wish)
{
	for (size_t i = 0; i < wish->nprovider_specific; i++)
		if (hetzner_label_is(wish->provider_specific[i].name))
			return;
	for (size_t i = 0; i < standing->nprovider_specific; i++)
		if (hetzner_label_is(standing->provider_specific[i].name))
			endpoint_set_prop(wish, standing->provider_specific[i].name,
					  standing->provider_specific[i].value);
}
