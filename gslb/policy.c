#include "gslb/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/netmap.h"
#include "gslb/probe.h"
#include "gslb/strategy.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"

/* Note what is wrong, the first thing only; an expression. */
#define WRONG(...) (*ret_why ? (void)0 : (void)(*ret_why = mem_printf(__VA_ARGS__)))

/* --- small parts --------------------------------------------------------------------- */

struct word {
	const char *text;
	int value;
};

static int one_of(const cJSON *spec, const char *path, const struct word *words, size_t n, int def,
		  char **ret_why)
{
	const char *text = json_text(spec, path);

	for (size_t i = 0; text && i < n; i++)
		if (strcmp(words[i].text, text) == 0)
			return words[i].value;
	if (text)
		WRONG("spec.%s: '%s' is not known", path, text);
	return def;
}

static uint64_t duration(const cJSON *spec, const char *path, char **ret_why)
{
	const char *text = json_text(spec, path);
	int64_t ms = 0;

	if (text && (clock_duration_ms(text, &ms) || ms < 0)) {
		WRONG("spec.%s: '%s' is no duration", path, text);
		return 0;
	}
	return (uint64_t)ms;
}

static unsigned number(const cJSON *spec, const char *path, int64_t min, int64_t max, int64_t def,
		       char **ret_why)
{
	int64_t n = json_number(spec, path, def);

	if (n < min || n > max) {
		WRONG("spec.%s: %lld is not between %lld and %lld", path, (long long)n,
		      (long long)min, (long long)max);
		return (unsigned)def;
	}
	return (unsigned)n;
}

bool policy_list_has_host(const struct strv *list, const char *host)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *p = list->s[i];

		if (strcmp(p, host) == 0 || strcmp(p, "*") == 0)
			return true;
		if (strncmp(p, "*.", 2) == 0 && dname_text_is_below(host, p + 2) &&
		    strlen(host) > strlen(p + 2))
			return true;
	}
	return false;
}

/* --- tiers -------------------------------------------------------------------------------- */

static void read_tiers(const cJSON *spec, struct policy *p, char **ret_why)
{
	const cJSON *list = json_get(spec, "tiers"), *t = NULL;

	if (cJSON_GetArraySize(list) > SITE_TIERS_MAX - 1) {
		WRONG("spec.tiers: more than %d", SITE_TIERS_MAX - 1);
		return;
	}
	cJSON_ArrayForEach(t, list) {
		p->tiers = mem_array(p->tiers, p->ntiers + 1, sizeof(*p->tiers));
		struct policy_tier *own = &p->tiers[p->ntiers];
		char *why = NULL;

		*own = (struct policy_tier){ .name = mem_strdup(json_text(t, "name")) };
		json_strings(t, "geoTags", &own->geo_tags);
		json_strings(t, "members", &own->members);
		own->min_live_percent = number(t, "minLivePercent", 0, 100, 0, &why);
		if (why)
			WRONG("spec.tiers[%zu].minLivePercent: not between 0 and 100", p->ntiers);
		free(why);
		if (own->geo_tags.n + own->members.n == 0)
			WRONG("spec.tiers[%zu]: names neither geoTags nor members", p->ntiers);
		p->ntiers++;
	}
}

/* --- geography ------------------------------------------------------------------------------ */

static void read_networks(const cJSON *site, size_t i, struct policy_site *s, char **ret_why)
{
	struct strv texts = { 0 };

	json_strings(site, "networks", &texts);
	s->networks = mem_calloc(texts.n, sizeof(*s->networks));
	for (size_t n = 0; n < texts.n; n++) {
		if (netprefix_from_text(texts.s[n], &s->networks[s->nnetworks]))
			WRONG("spec.geography.sites[%zu].networks: '%s' is no network", i,
			      texts.s[n]);
		else
			s->nnetworks++;
	}
	strv_fini(&texts);
}

static void read_site(const cJSON *site, struct policy *p, char **ret_why)
{
	const cJSON *lat = json_get(site, "latitude"), *lon = json_get(site, "longitude");
	const cJSON *asns = json_get(site, "asns"), *n = NULL;
	size_t i = p->nsites;

	p->sites = mem_array(p->sites, p->nsites + 1, sizeof(*p->sites));
	struct policy_site *s = &p->sites[p->nsites++];
	*s = (struct policy_site){ .geo_tag = mem_strdup(json_text(site, "geoTag")) };
	if (s->geo_tag == NULL) {
		WRONG("spec.geography.sites[%zu].geoTag: missing", i);
		s->geo_tag = mem_strdup("");
	}
	if (cJSON_IsNumber(lat) && cJSON_IsNumber(lon)) {
		s->has_coordinates = true;
		s->latitude = lat->valuedouble;
		s->longitude = lon->valuedouble;
		if (fabs(s->latitude) > 90 || fabs(s->longitude) > 180)
			WRONG("spec.geography.sites[%zu]: no place on earth", i);
	}
	read_networks(site, i, s, ret_why);
	s->asns = mem_calloc((size_t)cJSON_GetArraySize(asns), sizeof(*s->asns));
	cJSON_ArrayForEach(n, asns) {
		if (cJSON_IsNumber(n))
			s->asns[s->nasns++] = (uint32_t)n->valuedouble;
	}
	json_strings(site, "countries", &s->countries);
	json_strings(site, "continents", &s->continents);
}

static void read_geography(const cJSON *spec, struct policy *p, char **ret_why)
{
	static const struct word matches[] = { { "Field", POLICY_MATCH_FIELD },
					       { "Nearest", POLICY_MATCH_NEAREST },
					       { "Map", POLICY_MATCH_MAP } };
	const cJSON *geo = json_get(spec, "geography"), *site = NULL;

	if (geo == NULL)
		return;
	p->match = one_of(spec, "geography.match", matches, ARRAY_SIZE(matches), POLICY_MATCH_NONE,
			  ret_why);
	if (p->match == POLICY_MATCH_NONE)
		WRONG("spec.geography.match: missing");
	p->fence = json_bool(geo, "fence", false);
	json_strings(geo, "fields", &p->fields);
	if (p->match == POLICY_MATCH_FIELD && p->fields.n == 0)
		WRONG("spec.geography.fields: match Field needs them");
	cJSON_ArrayForEach(site, json_get(geo, "sites"))
		read_site(site, p, ret_why);
	if (p->match != POLICY_MATCH_FIELD && p->nsites == 0)
		WRONG("spec.geography.sites: match Nearest and Map need them");
	if (p->nsites > 64)
		WRONG("spec.geography.sites: more than 64");
	else if (p->match == POLICY_MATCH_MAP)
		p->map = netmap_new(p->sites, p->nsites);
	for (size_t i = 0; p->match == POLICY_MATCH_NEAREST && i < p->nsites; i++)
		if (!p->sites[i].has_coordinates)
			WRONG("spec.geography.sites[%zu]: match Nearest needs latitude and "
			      "longitude",
			      i);
}

/* --- all down --------------------------------------------------------------------------------- */

static void read_all_down(const cJSON *spec, struct policy *p, char **ret_why)
{
	static const struct word answers[] = { { "NoData", ALL_DOWN_NODATA },
					       { "All", ALL_DOWN_ALL },
					       { "LastKnownGood", ALL_DOWN_LAST_GOOD },
					       { "Fallback", ALL_DOWN_FALLBACK },
					       { "Refused", ALL_DOWN_REFUSED } };
	const char *host = json_text(spec, "allDown.hostname");

	p->all_down = one_of(spec, "allDown.answer", answers, ARRAY_SIZE(answers), ALL_DOWN_NODATA,
			     ret_why);
	json_strings(spec, "allDown.addresses", &p->fallback_addresses);
	if (host)
		p->fallback_hostname = dname_text_normal(host);
	for (size_t i = 0; i < p->fallback_addresses.n; i++) {
		struct netaddr a;

		if (netaddr_from_text(p->fallback_addresses.s[i], &a))
			WRONG("spec.allDown.addresses: '%s' is no address",
			      p->fallback_addresses.s[i]);
	}
	if (p->all_down == ALL_DOWN_FALLBACK && !p->fallback_addresses.n && !host)
		WRONG("spec.allDown: answer Fallback needs addresses or hostname");
}

/* --- all -------------------------------------------------------------------------------------- */

static void read_failover(const cJSON *spec, struct policy *p, char **ret_why)
{
	static const struct word modes[] = { { "Automatic", 0 }, { "Manual", 1 } };

	p->failover_delay_ms = duration(spec, "failover.delay", ret_why);
	p->failback_delay_ms = duration(spec, "failback.delay", ret_why);
	p->is_failback_manual =
		one_of(spec, "failback.mode", modes, ARRAY_SIZE(modes), 0, ret_why) != 0;
	if (json_get(spec, "damping")) {
		p->damping_turns = number(spec, "damping.turns", 2, 1000, 2, ret_why);
		p->damping_within_ms = duration(spec, "damping.within", ret_why);
		p->damping_hold_ms = duration(spec, "damping.hold", ret_why);
	}
	p->slow_start_ms = duration(spec, "slowStart", ret_why);
}

static void read_readiness(const cJSON *spec, struct policy *p, char **ret_why)
{
	struct strv hosts = { 0 };

	p->readiness.least = number(spec, "readiness.minReady", 0, 100000, 0, ret_why);
	p->readiness.percent = number(spec, "readiness.minReadyPercent", 0, 100, 0, ret_why);
	p->readiness.serving = json_bool(spec, "readiness.serving", false);
	json_strings(spec, "dependsOn", &hosts);
	for (size_t i = 0; i < hosts.n; i++)
		strv_take(&p->depends_on, dname_text_normal(hosts.s[i]));
	strv_fini(&hosts);
}

static void read_choice(const cJSON *spec, struct policy *p, char **ret_why)
{
	static const struct word quorums[] = { { "Own", QUORUM_OWN },
					       { "Local", QUORUM_LOCAL },
					       { "Any", QUORUM_ANY },
					       { "Majority", QUORUM_MAJORITY },
					       { "All", QUORUM_ALL } };
	static const struct word by[] = { { "None", 0 }, { "ClientNetwork", 1 } };

	p->quorum = one_of(spec, "quorum", quorums, ARRAY_SIZE(quorums), QUORUM_MAJORITY, ret_why);
	p->count = number(spec, "count", 0, 64, 0, ret_why);
	p->is_sticky = one_of(spec, "stickiness.by", by, ARRAY_SIZE(by), 0, ret_why) != 0;
	p->v4_prefix = (uint8_t)number(spec, "stickiness.ipv4PrefixLength", 0, 32, 24, ret_why);
	p->v6_prefix = (uint8_t)number(spec, "stickiness.ipv6PrefixLength", 0, 128, 56, ret_why);
}

/* RFC 9460: the host itself with what it speaks, e.g. "1 . alpn=h2,h3 port=8443". */
static void read_https(const cJSON *spec, struct policy *p, char **ret_why)
{
	struct strv alpn = { 0 };
	unsigned port = number(spec, "https.port", 0, 65535, 0, ret_why);
	struct buf b = { 0 };

	if (json_get(spec, "https") == NULL)
		return;
	json_strings(spec, "https.alpn", &alpn);
	for (size_t i = 0; i < alpn.n; i++)
		if (!*alpn.s[i] || strspn(alpn.s[i], "abcdefghijklmnopqrstuvwxyz0123456789.-/") !=
					   strlen(alpn.s[i]))
			WRONG("spec.https.alpn: '%s' is no protocol", alpn.s[i]);
	char *list = strv_join(&alpn, ",");
	buf_puts(&b, "1 .");
	if (alpn.n)
		buf_printf(&b, " alpn=%s", list);
	if (port)
		buf_printf(&b, " port=%u", port);
	p->https = buf_take(&b);
	free(list);
	strv_fini(&alpn);
}

/* Probes are read for each host (Host header and SNI default to it); here they are checked. */
static void check_probes(const cJSON *spec, bool trusted, struct policy *p, char **ret_why)
{
	const cJSON *list = json_get(spec, "probes"), *item = NULL;
	size_t i = 0;

	cJSON_ArrayForEach(item, list) {
		struct probe_spec *s = NULL;
		char *why = NULL;

		if (probe_spec_read(item, "host.example", &s, &why))
			WRONG("spec.probes[%zu].%s", i, why ? why : "?");
		else if (!trusted && (strcasecmp(s->ops->name, "Exec") == 0 ||
				      strcasecmp(s->ops->name, "File") == 0))
			WRONG("spec.probes[%zu].type: %s only from --manifests", i, s->ops->name);
		probe_spec_free(s);
		free(why);
		i++;
	}
	if (i)
		p->probes = cJSON_Duplicate(list, true);
	p->probes_required = number(spec, "probesRequired", 0, 8, 0, ret_why);
	if (p->probes_required > i)
		WRONG("spec.probesRequired: more than there are probes");
}

char *policy_check_target(const cJSON *spec)
{
	static const struct {
		const char *kind, *groups[2];
	} rows[] = {
		{ "Gslb", { "k8gb.io", "k8gb.absa.oss" } },
		{ "Ingress", { "networking.k8s.io" } },
		{ "Service", { "" } },
		{ "HTTPRoute", { "gateway.networking.k8s.io" } },
		{ "GRPCRoute", { "gateway.networking.k8s.io" } },
		{ "TLSRoute", { "gateway.networking.k8s.io" } },
		{ "TCPRoute", { "gateway.networking.k8s.io" } },
		{ "UDPRoute", { "gateway.networking.k8s.io" } },
	};
	const char *group = json_text(spec, "targetRef.group");
	const char *kind = json_text(spec, "targetRef.kind");

	for (size_t i = 0; group && *group && kind && i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].kind, kind) == 0 && strcmp(rows[i].groups[0], group) != 0 &&
		    (rows[i].groups[1] == NULL || strcmp(rows[i].groups[1], group) != 0))
			return mem_printf("spec.targetRef.group: %s has no kind %s", group, kind);
	return NULL;
}

static void read_target(const cJSON *spec, struct policy *p)
{
	struct strv hosts = { 0 };

	json_strings(spec, "hosts", &hosts);
	for (size_t i = 0; i < hosts.n; i++)
		strv_take(&p->hosts, dname_text_normal(hosts.s[i]));
	strv_fini(&hosts);
	p->target_kind = mem_strdup(json_text(spec, "targetRef.kind"));
	p->target_name = mem_strdup(json_text(spec, "targetRef.name"));
}

int policy_parse(const char *id, const cJSON *spec, bool trusted, struct policy **ret,
		 char **ret_why)
{
	struct policy *p = MEM_NEW(struct policy);
	const char *slash = strchr(id, '/');

	*ret_why = NULL;
	p->refs = 1;
	p->id = mem_strdup(id);
	p->namespace = mem_strndup(id, slash ? (size_t)(slash - id) : 0);
	if (!cJSON_IsObject(spec))
		WRONG("spec: missing");
	read_target(spec, p);
	read_readiness(spec, p, ret_why);
	read_tiers(spec, p, ret_why);
	read_failover(spec, p, ret_why);
	read_geography(spec, p, ret_why);
	read_choice(spec, p, ret_why);
	read_all_down(spec, p, ret_why);
	read_https(spec, p, ret_why);
	check_probes(spec, trusted, p, ret_why);
	if (*ret_why == NULL)
		*ret_why = policy_check_target(spec);
	if (*ret_why) {
		policy_unref(p);
		return ERR_INVALID;
	}
	*ret = p;
	return 0;
}

struct policy *policy_ref(struct policy *p)
{
	if (p)
		p->refs++;
	return p;
}

static void site_fini(struct policy_site *s)
{
	free(s->geo_tag);
	free(s->networks);
	free(s->asns);
	strv_fini(&s->countries);
	strv_fini(&s->continents);
}

void policy_unref(struct policy *p)
{
	if (p == NULL || --p->refs)
		return;
	for (size_t i = 0; i < p->ntiers; i++) {
		free(p->tiers[i].name);
		strv_fini(&p->tiers[i].geo_tags);
		strv_fini(&p->tiers[i].members);
	}
	for (size_t i = 0; i < p->nsites; i++)
		site_fini(&p->sites[i]);
	netmap_unref(p->map);
	free(p->tiers);
	free(p->sites);
	strv_fini(&p->fields);
	strv_fini(&p->hosts);
	strv_fini(&p->fallback_addresses);
	strv_fini(&p->depends_on);
	cJSON_Delete(p->probes);
	free(p->https);
	free(p->id);
	free(p->target_kind);
	free(p->target_name);
	free(p->namespace);
	free(p->fallback_hostname);
	free(p);
}
