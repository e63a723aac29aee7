/* peers_explain - the peers as the page and gslbctl see them.  Control thread. */
#include "gslb/link.h"
#include "gslb/peers.h"
#include "lib/clock.h"
#include "lib/json.h"

static const char *kind_text(enum link_kind k)
{
	switch (k) {
	case LINK_UNKNOWN:
		return "unknown";
	case LINK_GSLBD:
		return "gslbd";
	case LINK_K8GB:
		return "k8gb";
	}
	return "";
}

static cJSON *explain_link(const struct link *l)
{
	cJSON *o = cJSON_CreateObject(), *a = cJSON_AddArrayToObject(o, "addresses");

	for (size_t i = 0; i < l->nservers; i++) {
		char text[NETADDR_TEXT_MAX];

		cJSON_AddItemToArray(
			a, cJSON_CreateString(netaddr_to_text_port(&l->servers[i], text)));
	}
	cJSON_AddStringToObject(o, "zone", l->zone->name);
	cJSON_AddStringToObject(o, "name_server", l->ns_name);
	cJSON_AddStringToObject(o, "state", peer_life_text(l->state.life));
	cJSON_AddStringToObject(o, "kind", kind_text(l->kind));
	if (l->state.heard_ms)
		cJSON_AddNumberToObject(o, "last_seen_ms_ago",
					(double)(clock_mono_ms() - l->state.heard_ms));
	else
		cJSON_AddNullToObject(o, "last_seen_ms_ago");
	cJSON_AddNumberToObject(o, "rtt_ms", l->rtt_ms);
	if (l->error)
		cJSON_AddStringToObject(o, "error", l->error);
	else
		cJSON_AddNullToObject(o, "error");
	cJSON_AddItemToObject(o, "hears", json_from_strv(&l->hears));
	cJSON_AddNumberToObject(o, "hosts_waiting", (double)(l->waiting.n + l->running.n));
	return o;
}

void peers_explain(const struct peers *p, cJSON *out)
{
	for (size_t t = 0; t < p->g->peer_tags.n; t++) {
		cJSON *first = NULL, *zones = cJSON_CreateObject();

		for (size_t i = 0; i < p->nlinks; i++) {
			const struct link *l = p->links[i];

			if (l->peer != t)
				continue;
			if (first == NULL)
				first = explain_link(l);
			cJSON_AddItemToObject(zones, l->zone->name, explain_link(l));
		}
		if (first == NULL)
			first = cJSON_CreateObject();
		cJSON_AddItemToObject(first, "zones", zones);
		cJSON_AddItemToObject(out, p->g->peer_tags.s[t], first);
	}
}
