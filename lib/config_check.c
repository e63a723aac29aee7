/*
 * config_check - what must hold between options before anything is opened.
 *
 * The rules of ExternalDNS (its start-up validation), of k8gb (tags, zones,
 * servers) and ranges of numbers.  Names of sources and providers are checked by
 * the rooms that have the tables.  Called by config_load; pure.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config_store.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/netaddr.h"
#include "lib/privilege.h"
#include "lib/rrtype.h"

typedef int (*check_cb)(const struct config *c, char **ret_why);

/* Fail with words; an expression, so that rules read as one line. */
#define REFUSE(...) (*ret_why = mem_printf(__VA_ARGS__), ERR_INVALID)

static bool is_empty(const struct config *c, enum option o)
{
	return !*config_text(c, o);
}

static bool has_provider(const struct config *c, const char *name)
{
	return strv_has(config_list(c, OPT_PROVIDER), name);
}

/* --- values out of a set ----------------------------------------------------- */

static const struct {
	enum option option;
	const char *values; /* separated by blanks; a leading blank: may be empty */
} sets[] = {
	{ OPT_POLICY, "sync upsert-only create-only" },
	{ OPT_REGISTRY, "txt noop aws-sd dynamodb crd" },
	{ OPT_LOG_FORMAT, "text json simple" },
	{ OPT_AWS_ZONE_TYPE, " public private" },
	{ OPT_GOOGLE_ZONE_VISIBILITY, " public private" },
	{ OPT_COMPATIBILITY, " mate molecule kops-dns-controller" },
	{ OPT_CLOUDFLARE_CUSTOM_HOSTNAMES_MIN_TLS_VERSION, "1.0 1.1 1.2 1.3" },
	{ OPT_CLOUDFLARE_CUSTOM_HOSTNAMES_CERTIFICATE_AUTHORITY,
	  "google ssl_com lets_encrypt none" },
	{ OPT_RFC2136_LOAD_BALANCING_STRATEGY, "disabled random round-robin" },
};

static bool is_one_of(const char *values, const char *text)
{
	size_t len = strlen(text);

	if (!len)
		return *values == ' ';
	while (*values) {
		size_t n = strcspn(values, " ");

		if (n == len && !memcmp(values, text, n))
			return true;
		values += n + (values[n] == ' ');
	}
	return false;
}

static int check_sets(const struct config *c, char **ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		const char *text = config_text(c, sets[i].option);

		if (!is_one_of(sets[i].values, text))
			return REFUSE("--%s: '%s' is none of: %s",
				      config_option_name(sets[i].option), text,
				      sets[i].values + (sets[i].values[0] == ' '));
	}
	return 0;
}

static int check_list_sets(const struct config *c, char **ret_why)
{
	static const struct {
		enum option option;
		const char *values;
	} lists[] = {
		{ OPT_EVENTS_EMIT, "RecordReady RecordDeleted RecordError" },
		{ OPT_SERVICE_TYPE_FILTER, " ClusterIP NodePort LoadBalancer ExternalName" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct strv *l = config_list(c, lists[i].option);

		for (size_t j = 0; j < l->n; j++) {
			if (!is_one_of(lists[i].values, l->s[j]))
				return REFUSE("--%s: '%s' is none of: %s",
					      config_option_name(lists[i].option), l->s[j],
					      lists[i].values + (lists[i].values[0] == ' '));
		}
	}
	return 0;
}

/* --- numbers ------------------------------------------------------------------ */

static const struct {
	enum option option;
	int64_t min, max;
} ranges[] = {
	{ OPT_WORKERS, 0, 1024 },
	{ OPT_RATE_LIMIT, 0, 1000000 },
	{ OPT_RATE_LIMIT_SLIP, 0, 10 },
	{ OPT_EDNS_SIZE, 512, 65535 },
	{ OPT_MAX_TCP_CLIENTS, 1, 1000000 },
	{ OPT_EDGE_DNS_SERVER_PORT, 1, 65535 },
	{ OPT_NS_RECORD_TTL, 0, INT32_MAX }, /* RFC 2181 8 */
	{ OPT_RECONCILE_REQUEUE_SECONDS, 0, INT32_MAX },
	{ OPT_ZONE_DELEGATION_RECONCILE_REQUEUE_SECONDS, 0, INT32_MAX },
	{ OPT_ZONE_DELEGATION_RECOVERY_SECONDS, 0, INT32_MAX },
	{ OPT_MASS_DELETE_LIMIT, 0, INT32_MAX },
	{ OPT_MASS_DELETE_SHARE, 0, 100 },
	{ OPT_RFC2136_PORT, 0, 65535 },
	{ OPT_BATCH_CHANGE_SIZE, 1, INT32_MAX },
	{ OPT_AWS_BATCH_CHANGE_SIZE, 1, INT32_MAX },
	{ OPT_AWS_BATCH_CHANGE_SIZE_BYTES, 1, INT32_MAX },
	{ OPT_AWS_BATCH_CHANGE_SIZE_VALUES, 1, INT32_MAX },
	{ OPT_GOOGLE_BATCH_CHANGE_SIZE, 1, INT32_MAX },
	{ OPT_RFC2136_BATCH_CHANGE_SIZE, 1, INT32_MAX },
	{ OPT_CLOUDFLARE_DNS_RECORDS_PER_PAGE, 1, 5000000 },
};

static int check_ranges(const struct config *c, char **ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		int64_t n = config_number(c, ranges[i].option);

		if (n < ranges[i].min || n > ranges[i].max)
			return REFUSE("--%s: %lld is not between %lld and %lld",
				      config_option_name(ranges[i].option), (long long)n,
				      (long long)ranges[i].min, (long long)ranges[i].max);
	}
	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (option_rows[i].type == OPTION_DURATION && c->v[i].number < 0)
			return REFUSE("--%s: %s is negative", option_rows[i].name, c->v[i].text);
	}
	return 0;
}

/* --- ExternalDNS --------------------------------------------------------------- */

static int check_log_level(const struct config *c, char **ret_why)
{
	enum log_level level;

	if (log_level_from_text(config_text(c, OPT_LOG_LEVEL), &level))
		return REFUSE(
			"--log-level: '%s' is none of: trace debug info warning error fatal panic",
			config_text(c, OPT_LOG_LEVEL));
	return 0;
}

/* Octets that a base64 text (RFC 4648 4) decodes to, 0 if it is none. */
static size_t base64_octets(const char *text)
{
	size_t n = 0, pad = 0;

	for (; *text; text++, n++) {
		if (*text == '=' && pad < 2)
			pad++;
		else if (pad || (!isalnum((unsigned char)*text) && !strchr("+/-_", *text)))
			return 0;
	}
	return n % 4 ? 0 : n / 4 * 3 - pad;
}

static int check_txt_registry(const struct config *c, char **ret_why)
{
	const char *key = config_text(c, OPT_TXT_ENCRYPT_AES_KEY);

	if (!is_empty(c, OPT_TXT_PREFIX) && !is_empty(c, OPT_TXT_SUFFIX))
		return REFUSE("--txt-prefix and --txt-suffix exclude each other");
	if (strcmp(config_text(c, OPT_REGISTRY), "txt") != 0)
		return 0;
	if (is_empty(c, OPT_TXT_OWNER_ID))
		return REFUSE("--txt-owner-id must not be empty");
	if (strpbrk(config_text(c, OPT_TXT_OWNER_ID), ",\""))
		return REFUSE("--txt-owner-id must not hold a comma or a quote");
	if (config_bool(c, OPT_TXT_ENCRYPT_ENABLED) && !*key)
		return REFUSE("--txt-encrypt-enabled needs --txt-encrypt-aes-key");
	if (*key && strlen(key) != 32 && base64_octets(key) != 32)
		return REFUSE("--txt-encrypt-aes-key must be 32 bytes, plain or base64");
	return 0;
}

static int check_registry(const struct config *c, char **ret_why)
{
	const char *r = config_text(c, OPT_REGISTRY);

	if (!strcmp(r, "aws-sd") || !strcmp(r, "dynamodb") || !strcmp(r, "crd"))
		return REFUSE("--registry=%s is not supported; use txt", r);
	return 0;
}

static int check_rfc2136(const struct config *c, char **ret_why)
{
	bool gss = config_bool(c, OPT_RFC2136_GSS_TSIG);

	if (!has_provider(c, "rfc2136"))
		return 0;
	if (gss && config_bool(c, OPT_RFC2136_INSECURE))
		return REFUSE("--rfc2136-insecure and --rfc2136-gss-tsig exclude each other");
	if (gss && (is_empty(c, OPT_RFC2136_KERBEROS_REALM) ||
		    is_empty(c, OPT_RFC2136_KERBEROS_USERNAME) ||
		    is_empty(c, OPT_RFC2136_KERBEROS_PASSWORD)))
		return REFUSE("--rfc2136-gss-tsig needs --rfc2136-kerberos-realm, "
			      "--rfc2136-kerberos-username and --rfc2136-kerberos-password");
	return 0;
}

static int check_azure(const struct config *c, char **ret_why)
{
	if ((has_provider(c, "azure") || has_provider(c, "azure-dns") ||
	     has_provider(c, "azure-private-dns")) &&
	    is_empty(c, OPT_AZURE_CONFIG_FILE))
		return REFUSE("--provider=azure needs --azure-config-file");
	return 0;
}

static int check_sources(const struct config *c, char **ret_why)
{
	const char *prefix = config_text(c, OPT_ANNOTATION_PREFIX);

	if (config_list(c, OPT_INGRESS_CLASS)->n &&
	    strstr(config_text(c, OPT_ANNOTATION_FILTER), "kubernetes.io/ingress.class"))
		return REFUSE("--ingress-class excludes an --annotation-filter on "
			      "kubernetes.io/ingress.class");
	if (config_bool(c, OPT_IGNORE_HOSTNAME_ANNOTATION) &&
	    !config_list(c, OPT_FQDN_TEMPLATE)->n && !config_list(c, OPT_FQDN_TARGET_TEMPLATE)->n)
		return REFUSE("--ignore-hostname-annotation needs --fqdn-template");
	if (!*prefix || prefix[strlen(prefix) - 1] != '/')
		return REFUSE("--annotation-prefix: '%s' does not end with a slash", prefix);
	return 0;
}

static int check_record_types(const struct config *c, char **ret_why)
{
	static const enum option o[] = { OPT_MANAGED_RECORD_TYPES, OPT_EXCLUDE_RECORD_TYPES };

	for (size_t i = 0; i < ARRAY_SIZE(o); i++) {
		const struct strv *l = config_list(c, o[i]);

		for (size_t j = 0; j < l->n; j++) {
			uint16_t type;

			if (rrtype_from_text(l->s[j], &type))
				return REFUSE("--%s: '%s' is no record type",
					      config_option_name(o[i]), l->s[j]);
		}
	}
	return 0;
}

static int check_tls(const struct config *c, char **ret_why)
{
	if (is_empty(c, OPT_TLS_CLIENT_CERT) != is_empty(c, OPT_TLS_CLIENT_CERT_KEY))
		return REFUSE("--tls-client-cert and --tls-client-cert-key need each other");
	return 0;
}

/* --- gslbd ----------------------------------------------------------------------- */

static int check_cookie_secret(const struct config *c, char **ret_why)
{
	const char *hex = config_text(c, OPT_COOKIE_SECRET);

	if (*hex && (strlen(hex) != 32 || strspn(hex, "0123456789abcdefABCDEF") != 32))
		return REFUSE("--cookie-secret must be 32 hexadecimal digits (128 bits)");
	if (*hex && !is_empty(c, OPT_COOKIE_SECRET_FILE))
		return REFUSE("--cookie-secret and --cookie-secret-file exclude each other");
	return 0;
}

static int check_user(const struct config *c, char **ret_why)
{
	char *why = NULL;

	if (!privilege_check(config_text(c, OPT_USER), &why))
		return 0;
	*ret_why = mem_printf("--user: %s", why);
	free(why);
	return ERR_INVALID;
}

static int check_addresses(const struct config *c, char **ret_why)
{
	const struct strv *l = config_list(c, OPT_LISTEN);

	for (size_t i = 0; i < l->n; i++) {
		struct netaddr a;

		if (netaddr_from_text_port(l->s[i], 53, &a))
			return REFUSE("--listen: '%s' is no ADDR:PORT or [ADDR]:PORT", l->s[i]);
	}
	return 0;
}

static int check_prefixes(const struct config *c, char **ret_why)
{
	static const enum option o[] = { OPT_RATE_LIMIT_EXEMPT, OPT_ECS_TRUST,
					 OPT_TARGET_NET_FILTER, OPT_EXCLUDE_TARGET_NET,
					 OPT_NAT64_NETWORKS };

	for (size_t i = 0; i < ARRAY_SIZE(o); i++) {
		const struct strv *l = config_list(c, o[i]);

		for (size_t j = 0; j < l->n; j++) {
			struct netprefix p;

			if (netprefix_from_text(l->s[j], &p))
				return REFUSE("--%s: '%s' is no network like 10.0.0.0/8",
					      config_option_name(o[i]), l->s[j]);
		}
	}
	return 0;
}

/* "KEY=VALUE" in every value of these lists. */
static int check_pairs(const struct config *c, char **ret_why)
{
	static const enum option o[] = { OPT_ZONE, OPT_PEER, OPT_PRIMARY, OPT_CATALOG_ZONE,
					 OPT_ZONE_ALLOW };

	for (size_t i = 0; i < ARRAY_SIZE(o); i++) {
		const struct strv *l = config_list(c, o[i]);

		for (size_t j = 0; j < l->n; j++) {
			const char *eq = strchr(l->s[j], '=');

			if (!eq || eq == l->s[j] || !eq[1])
				return REFUSE("--%s: '%s' is not %s", config_option_name(o[i]),
					      l->s[j], option_rows[o[i]].arg);
		}
	}
	return 0;
}

/* --- k8gb -------------------------------------------------------------------------- */

/* Letters, digits, hyphen; part of a label, so at most 63. */
static bool is_geo_tag(const char *tag)
{
	size_t len = strlen(tag);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)tag[i]) && tag[i] != '-')
			return false;
	}
	return len >= 1 && len <= 63;
}

static int check_geo_tags(const struct config *c, char **ret_why)
{
	const char *own = config_text(c, OPT_CLUSTER_GEO_TAG);
	const struct strv *ext = config_list(c, OPT_EXT_GSLB_CLUSTERS_GEO_TAGS);

	if (!*own && (config_list(c, OPT_DNS_ZONES)->n || ext->n))
		return REFUSE(
			"CLUSTER_GEO_TAG (--cluster-geo-tag) is not set: this cluster's zones "
			"need it");
	if (*own && !is_geo_tag(own))
		return REFUSE("CLUSTER_GEO_TAG: '%s' has other characters than letters, digits and "
			      "hyphens, or is longer than 63",
			      own);
	for (size_t i = 0; i < ext->n; i++) {
		if (!is_geo_tag(ext->s[i]))
			return REFUSE("EXT_GSLB_CLUSTERS_GEO_TAGS: '%s' has other characters than "
				      "letters, digits and hyphens, or is longer than 63",
				      ext->s[i]);
		for (size_t j = 0; j < i; j++) {
			if (!strcmp(ext->s[i], ext->s[j]))
				return REFUSE("EXT_GSLB_CLUSTERS_GEO_TAGS: '%s' is named twice",
					      ext->s[i]);
		}
	}
	return 0;
}

/* "parent:zone:ttl" */
static int check_zone(const char *text, char **ret_why)
{
	struct strv part = { 0 };
	char *end = NULL;
	int err = 0;

	strv_split(&part, text, ":");
	if (part.n != 3)
		err = REFUSE("DNS_ZONES: '%s' is not PARENT:ZONE:NEGTTL", text);
	else if (!dname_text_is_host(part.s[0], false) || !dname_text_is_host(part.s[1], false))
		err = REFUSE("DNS_ZONES: '%s' holds a name that is no domain", text);
	else if (!dname_text_is_below(part.s[1], part.s[0]) ||
		 dname_text_is_below(part.s[0], part.s[1]))
		err = REFUSE("DNS_ZONES: '%s' is not below its parent '%s'", part.s[1], part.s[0]);
	else if (strtol(part.s[2], &end, 10) < 0 || *end || end == part.s[2])
		err = REFUSE("DNS_ZONES: '%s' is no TTL in '%s'", part.s[2], text);
	strv_fini(&part);
	return err;
}

static int check_zones(const struct config *c, char **ret_why)
{
	const struct strv *zones = config_list(c, OPT_DNS_ZONES);

	for (size_t i = 0; i < zones->n; i++) {
		int err = check_zone(zones->s[i], ret_why);

		if (err)
			return err;
	}
	return 0;
}

/* HOST[:PORT]; k8gb refuses IPv6 here, we take "[v6]:port" too. */
static bool is_server(const char *text)
{
	struct netaddr a;
	const char *colon = strrchr(text, ':');
	char *end = NULL;
	long port = colon ? strtol(colon + 1, &end, 10) : 53;
	bool ok;

	if (!netaddr_from_text_port(text, 53, &a))
		return a.port > 0;
	if (port < 1 || port > 65535 || (colon && (!isdigit((unsigned char)colon[1]) || *end)))
		return false;
	char *host = mem_strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	ok = dname_text_is_host(host, false) && strspn(host, "0123456789.") != strlen(host);
	free(host);
	return ok;
}

static int check_edge_servers(const struct config *c, char **ret_why)
{
	const struct strv *l = config_list(c, OPT_EDGE_DNS_SERVERS);

	for (size_t i = 0; i < l->n; i++) {
		if (!is_server(l->s[i]))
			return REFUSE("EDGE_DNS_SERVERS: '%s' is no HOST or HOST:PORT", l->s[i]);
	}
	if (!l->n && !is_empty(c, OPT_EDGE_DNS_SERVER) &&
	    !is_server(config_text(c, OPT_EDGE_DNS_SERVER)))
		return REFUSE("EDGE_DNS_SERVER: '%s' is no host",
			      config_text(c, OPT_EDGE_DNS_SERVER));
	return 0;
}

static int check_exposed(const struct config *c, char **ret_why)
{
	const struct strv *l = config_list(c, OPT_CLUSTER_EXPOSED_IPS);

	for (size_t i = 0; i < l->n; i++) {
		struct netaddr a;

		if (netaddr_from_text(l->s[i], &a))
			return REFUSE("CLUSTER_EXPOSED_IPS: '%s' is no address", l->s[i]);
		for (size_t j = 0; j < i; j++) {
			if (!strcmp(l->s[i], l->s[j]))
				return REFUSE("CLUSTER_EXPOSED_IPS: '%s' is named twice", l->s[i]);
		}
	}
	return 0;
}

int config_check(const struct config *c, char **ret_why)
{
	static const check_cb checks[] = {
		check_sets,         check_list_sets,    check_ranges,       check_log_level,
		check_txt_registry, check_registry,     check_rfc2136,      check_azure,
		check_sources,      check_record_types, check_tls,          check_cookie_secret,
		check_user,         check_addresses,    check_prefixes,     check_pairs,
		check_geo_tags,     check_zones,        check_edge_servers, check_exposed
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int err = checks[i](c, ret_why);

		if (err)
			return err;
	}
	return 0;
}
