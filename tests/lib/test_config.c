/* config: command line, environment, file, rules; by the references of ExternalDNS and k8gb. */
#include "lib/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/config_doc.h"
#include "lib/config_table.h"
#include "lib/mem.h"

#define MAX_WORDS 12

/* Run config_load with what it prints to standard error kept in TEXT (4 KiB). */
static struct config *load(const char *const *argv, const char *const *env, int *ret_exit,
			   char *text)
{
	char *av[MAX_WORDS + 2] = { mem_strdup("gslbd") };
	char *ev[MAX_WORDS + 1] = { NULL };
	FILE *tmp = tmpfile();
	int saved = dup(STDERR_FILENO), argc = 1;
	struct config *c;
	size_t n;

	for (size_t i = 0; argv && argv[i]; i++)
		av[argc++] = mem_strdup(argv[i]);
	for (size_t i = 0; env && env[i]; i++)
		ev[i] = mem_strdup(env[i]);
	fflush(stderr);
	dup2(fileno(tmp), STDERR_FILENO);
	*ret_exit = -1;
	c = config_load(argc, av, ev, ret_exit);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(tmp);
	n = fread(text, 1, 4095, tmp);
	text[n] = '\0';
	fclose(tmp);
	for (size_t i = 0; av[i]; i++)
		free(av[i]);
	for (size_t i = 0; ev[i]; i++)
		free(ev[i]);
	return c;
}

static struct config *load_ok(const char *const *argv, const char *const *env)
{
	char text[4096];
	int code;
	struct config *c = load(argv, env, &code, text);

	if (!c)
		fail_msg("refused: %s", text);
	return c;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static char *joined(const struct config *c, enum option o)
{
	return strv_join(config_list(c, o), "|");
}

static void assert_list(const struct config *c, enum option o, const char *expected)
{
	char *s = joined(c, o);

	assert_string_equal(s, expected);
	free(s);
}

static void defaults_are_those_of_the_references(void **state)
{
	struct config *c = load_ok(NULL, NULL);

	(void)state;
	assert_string_equal(config_text(c, OPT_TXT_OWNER_ID), "default");
	assert_string_equal(config_text(c, OPT_REGISTRY), "txt");
	assert_string_equal(config_text(c, OPT_POLICY), "sync");
	assert_string_equal(config_text(c, OPT_GLUEA_PREFIX), "gslb-ns-");
	assert_string_equal(config_text(c, OPT_ANNOTATION_PREFIX), "external-dns.kubernetes.io/");
	assert_string_equal(config_text(c, OPT_CLUSTER_GEO_TAG), "");
	assert_list(c, OPT_MANAGED_RECORD_TYPES, "A|AAAA|CNAME");
	assert_list(c, OPT_LISTEN, "[::]:5353");
	assert_list(c, OPT_SOURCE, "");
	assert_int_equal(config_ms(c, OPT_INTERVAL), 60000);
	assert_int_equal(config_number(c, OPT_NS_RECORD_TTL), 30);
	assert_int_equal(config_number(c, OPT_RECONCILE_REQUEUE_SECONDS), 30);
	assert_true(config_bool(c, OPT_EXCLUDE_UNSCHEDULABLE));
	assert_false(config_bool(c, OPT_ONCE));
	assert_false(config_is_set(c, OPT_METRICS_ADDRESS));
	assert_int_equal(config_warnings(c)->n, 0);
	config_free(c);
}

static void flags_are_written_as_with_kingpin(void **state)
{
	struct config *c = load_ok(WORDS("--txt-owner-id=eu", "--txt-prefix", "_x.", "--once",
					 "--no-exclude-unschedulable", "--source=ingress",
					 "--source", "service", "--interval=1m30s",
					 "--domain-filter=a.example,b", "--dry-run=false"),
				   NULL);

	(void)state;
	assert_string_equal(config_text(c, OPT_TXT_OWNER_ID), "eu");
	assert_string_equal(config_text(c, OPT_TXT_PREFIX), "_x.");
	assert_true(config_bool(c, OPT_ONCE));
	assert_true(config_is_set(c, OPT_ONCE));
	assert_false(config_bool(c, OPT_EXCLUDE_UNSCHEDULABLE));
	assert_false(config_bool(c, OPT_DRY_RUN));
	assert_list(c, OPT_SOURCE, "ingress|service");
	assert_list(c, OPT_DOMAIN_FILTER, "a.example,b"); /* not split at commas */
	assert_int_equal(config_ms(c, OPT_INTERVAL), 90000);
	config_free(c);
	c = load_ok(WORDS("--managed-record-types=A,CNAME", "--managed-record-types=TXT"), NULL);
	assert_list(c, OPT_MANAGED_RECORD_TYPES, "A|CNAME|TXT"); /* defaults are replaced */
	config_free(c);
	c = load_ok(WORDS("--txt-prefix", "", "--azure-maxretries-count", "-1"), NULL);
	assert_string_equal(config_text(c, OPT_TXT_PREFIX), "");
	assert_int_equal(config_number(c, OPT_AZURE_MAXRETRIES_COUNT), -1);
	config_free(c);
}

static void wrong_usage_is_exit_2_and_says_what(void **state)
{
	static const struct {
		const char *argv[4];
		const char *says;
	} rows[] = {
		{ { "--txt-onwer-id=x" }, "did you mean --txt-owner-id?" },
		{ { "--sauce=ingress" }, "did you mean --source?" },
		{ { "--no-onse" }, "did you mean --once?" },
		{ { "--completely-unheard-of-thing" },
		  "unknown flag --completely-unheard-of-thing\n" },
		{ { "--no-txt-prefix" }, "unknown flag --no-txt-prefix" },
		{ { "--txt-prefix" }, "expected an argument" },
		{ { "--txt-prefix", "--once" }, "expected an argument" },
		{ { "--policy=sync", "--policy=sync" }, "cannot be repeated" },
		{ { "--once", "--no-once" }, "cannot be repeated" },
		{ { "--no-once=true" }, "takes no value" },
		{ { "run" }, "unexpected argument 'run'" },
		{ { "-x" }, "unexpected argument '-x'" },
		{ { "--" }, "unexpected argument '--'" },
		{ { "--once=maybe" }, "'maybe' is not true or false" },
		{ { "--interval=60" }, "'60' is not a duration" },
		{ { "--workers=two" }, "'two' is not a number" },
		{ { "--workers=1x" }, "is not a number" },
		{ { "--workers=" }, "is not a number" },
		{ { "--workers=99999999999999999999" }, "is not a number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];
		int code;

		assert_null(load(rows[i].argv, NULL, &code, text));
		assert_int_equal(code, 2);
		if (!strstr(text, rows[i].says))
			fail_msg("row %zu: '%s' is not in: %s", i, rows[i].says, text);
	}
}

static void values_that_break_a_rule_are_exit_2(void **state)
{
	static const struct {
		const char *argv[6];
		const char *says;
	} rows[] = {
		{ { "--policy=create" }, "none of: sync upsert-only create-only" },
		{ { "--registry=etcd" }, "--registry" },
		{ { "--registry=dynamodb" }, "not supported" },
		{ { "--log-format=xml" }, "--log-format" },
		{ { "--log-level=loud" }, "--log-level" },
		{ { "--txt-prefix=a", "--txt-suffix=b" }, "exclude each other" },
		{ { "--txt-owner-id=" }, "--txt-owner-id must not be empty" },
		{ { "--txt-encrypt-enabled" }, "needs --txt-encrypt-aes-key" },
		{ { "--txt-encrypt-aes-key=short" }, "32 bytes" },
		{ { "--provider=rfc2136", "--rfc2136-insecure", "--rfc2136-gss-tsig" }, "exclude" },
		{ { "--provider=rfc2136", "--rfc2136-gss-tsig" }, "--rfc2136-kerberos-realm" },
		{ { "--provider=azure", "--azure-config-file=" }, "--azure-config-file" },
		{ { "--rfc2136-min-ttl=-1s" }, "is negative" },
		{ { "--rfc2136-batch-change-size=0" }, "is not between" },
		{ { "--rfc2136-load-balancing-strategy=best" }, "none of" },
		{ { "--ignore-hostname-annotation" }, "--fqdn-template" },
		{ { "--annotation-prefix=x" }, "slash" },
		{ { "--ingress-class=a", "--annotation-filter=kubernetes.io/ingress.class=b" },
		  "--ingress-class excludes" },
		{ { "--aws-zone-type=secret" }, "--aws-zone-type" },
		{ { "--events-emit=RecordLost" }, "--events-emit" },
		{ { "--managed-record-types=A,BOGUS" }, "'BOGUS' is no record type" },
		{ { "--tls-client-cert=x" }, "need each other" },
		{ { "--cookie-secret=abc" }, "128 bits" },
		{ { "--cookie-secret=0123456789abcdef0123456789abcdeg" }, "128 bits" },
		{ { "--user=no-such-user-here" }, "--user: there is no user" },
		{ { "--listen=localhost" }, "'localhost' is no ADDR:PORT" },
		{ { "--listen=127.0.0.1:99999" }, "--listen" },
		{ { "--ecs-trust=10.0.0.0/99" }, "--ecs-trust" },
		{ { "--zone=example.org" }, "is not ORIGIN=FILE" },
		{ { "--peer=eu" }, "is not TAG=ADDR[:PORT]" },
		{ { "--mass-delete-share=101" }, "is not between 0 and 100" },
		{ { "--dns-zones=a.example:b.a.example:30" }, "CLUSTER_GEO_TAG" },
		{ { "--cluster-geo-tag=", "--dns-zones=a.example:b.a.example:30" },
		  "CLUSTER_GEO_TAG" },
		{ { "--cluster-geo-tag=e_u" }, "'e_u' has other characters" },
		{ { "--cluster-geo-tag=eu", "--ext-gslb-clusters-geo-tags=us,us" }, "named twice" },
		{ { "--cluster-geo-tag=eu", "--ext-gslb-clusters-geo-tags=u.s" },
		  "other characters" },
		{ { "--cluster-geo-tag=eu", "--dns-zones=example.com:cloud.example.com" },
		  "is not PARENT:ZONE:NEGTTL" },
		{ { "--cluster-geo-tag=eu", "--dns-zones=example.com:cloud.example.org:30" },
		  "not below its parent" },
		{ { "--cluster-geo-tag=eu", "--dns-zones=example.com:example.com:30" },
		  "not below its parent" },
		{ { "--cluster-geo-tag=eu", "--dns-zones=example.com:cloud.example.com:x" },
		  "is no TTL" },
		{ { "--edge-dns-servers=1.1.1.1:0" }, "EDGE_DNS_SERVERS" },
		{ { "--edge-dns-servers=1.1.1.1:65536" }, "EDGE_DNS_SERVERS" },
		{ { "--edge-dns-servers=1.1.1" }, "EDGE_DNS_SERVERS" },
		{ { "--cluster-exposed-ips=10.0.0.1,10.0.0.1" }, "named twice" },
		{ { "--cluster-exposed-ips=10.0.0" }, "is no address" },
		{ { "--ns-record-ttl=-1" }, "is not between" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];
		int code;
		struct config *c = load(rows[i].argv, NULL, &code, text);

		if (c)
			fail_msg("row %zu (%s) was accepted", i, rows[i].argv[0]);
		assert_int_equal(code, 2);
		if (!strstr(text, rows[i].says))
			fail_msg("row %zu: '%s' is not in: %s", i, rows[i].says, text);
	}
}

static void good_values_of_the_field_are_accepted(void **state)
{
	static const char *const rows[][6] = {
		{ "--source=gateway-httproute", "--source=service", "--provider=cloudflare",
		  "--cloudflare-proxied", "--txt-owner-id=openova", "--txt-prefix=_externaldns." },
		{ "--pdns-server=http://pdns.svc:8081", "--pdns-api-version=v1",
		  "--provider=pdns" },
		{ "--txt-encrypt-enabled",
		  "--txt-encrypt-aes-key=01234567890123456789012345678901" },
		{ "--txt-encrypt-enabled",
		  "--txt-encrypt-aes-key=ZPitL0NGVQBZbTD6DwXJzD8RiStSazzYXQsdUowLURY=" },
		{ "--edge-dns-servers=1.1.1.1, dns.example.com:5353,[2001:db8::1]:53" },
		{ "--log-format=simple", "--log-level=panic" },
		{ "--ibmcloud-proxied", "--infoblox-wapi-port=8443", "--akamai-client-token=x",
		  "--godaddy-api-ttl=not-a-number" },
		{ "--registry=noop", "--txt-owner-id=" },
		{ "--cookie-secret=0123456789abcdefABCDEF0123456789" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *argv[7] = { NULL };

		memcpy(argv, rows[i], sizeof(rows[i]));
		config_free(load_ok(argv, NULL));
	}
}

static void the_environment_has_three_names_and_flags_beat_it(void **state)
{
	struct config *c =
		load_ok(WORDS("--txt-owner-id=flag"),
			WORDS("EXTERNAL_DNS_TXT_OWNER_ID=env", "EXTERNAL_DNS_ONCE=1",
			      "EXTERNAL_DNS_SOURCE=ingress\nservice\n", "GSLBD_NSID=ns1",
			      "LOG_LEVEL=debug", "EXTERNAL_DNS_LOG_LEVEL=warning",
			      "EXTERNAL_DNS_TXT_PREFIX=", "EXTERNAL_DNS_NOT_AN_OPTION=1"));

	(void)state;
	assert_string_equal(config_text(c, OPT_TXT_OWNER_ID), "flag");
	assert_true(config_bool(c, OPT_ONCE));
	assert_list(c, OPT_SOURCE, "ingress|service");
	assert_string_equal(config_text(c, OPT_NSID), "ns1");
	assert_string_equal(config_text(c, OPT_LOG_LEVEL), "warning");
	assert_false(config_is_set(c, OPT_TXT_PREFIX));
	config_free(c);
	c = load_ok(WORDS("--source=node"), WORDS("EXTERNAL_DNS_SOURCE=ingress\nservice"));
	assert_list(c, OPT_SOURCE, "node"); /* replaced, not joined */
	config_free(c);
}

static void the_environment_of_k8gb_is_understood(void **state)
{
	struct config *c = load_ok(
		NULL,
		WORDS("CLUSTER_GEO_TAG=eu", "EXT_GSLB_CLUSTERS_GEO_TAGS=us, za,",
		      "DNS_ZONES=example.com:cloud.example.com:30; example.org:lb.example.org:60;",
		      "EDGE_DNS_SERVERS=1.1.1.1:1053,ns.example.com", "NS_RECORD_TTL=60",
		      "RECONCILE_REQUEUE_SECONDS=0", "CLUSTER_EXPOSED_IPS=10.0.0.1,10.0.0.2",
		      "POD_NAMESPACE=dns", "EXTDNS_ENABLED=true", "METRICS_ADDRESS=0.0.0.0:8080",
		      "LOG_FORMAT=simple", "COREDNS_EXPOSED=whatever"));

	(void)state;
	assert_string_equal(config_text(c, OPT_CLUSTER_GEO_TAG), "eu");
	assert_list(c, OPT_EXT_GSLB_CLUSTERS_GEO_TAGS, "us|za");
	assert_list(c, OPT_DNS_ZONES,
		    "example.com:cloud.example.com:30|example.org:lb.example.org:60");
	assert_list(c, OPT_EDGE_DNS_SERVERS, "1.1.1.1:1053|ns.example.com");
	assert_list(c, OPT_CLUSTER_EXPOSED_IPS, "10.0.0.1|10.0.0.2");
	assert_int_equal(config_number(c, OPT_NS_RECORD_TTL), 60);
	assert_int_equal(config_number(c, OPT_RECONCILE_REQUEUE_SECONDS), 0);
	assert_string_equal(config_text(c, OPT_POD_NAMESPACE), "dns");
	assert_true(config_bool(c, OPT_EXTDNS_ENABLED));
	assert_string_equal(config_text(c, OPT_METRICS_ADDRESS), "0.0.0.0:8080");
	assert_true(config_is_set(c, OPT_METRICS_ADDRESS));
	assert_int_equal(config_warnings(c)->n, 1);
	assert_non_null(strstr(config_warnings(c)->s[0], "COREDNS_EXPOSED"));
	config_free(c);
}

static void a_wrong_value_in_the_environment_names_the_variable(void **state)
{
	char text[4096];
	int code;

	(void)state;
	assert_null(load(NULL, WORDS("NS_RECORD_TTL=soon"), &code, text));
	assert_int_equal(code, 2);
	assert_non_null(strstr(text, "NS_RECORD_TTL"));
	assert_null(load(NULL, WORDS("EXTERNAL_DNS_ONCE=yes"), &code, text));
	assert_int_equal(code, 2);
	assert_non_null(strstr(text, "EXTERNAL_DNS_ONCE"));
}

static void flags_without_meaning_are_accepted_with_a_warning(void **state)
{
	struct config *c = load_ok(
		WORDS("--pdns-api-version=v1", "--infoblox-ssl-verify", "--rfc2136-tsig-axfr"),
		NULL);

	(void)state;
	assert_int_equal(config_warnings(c)->n, 3);
	config_free(c);
}

/* The 180 flags of ExternalDNS 0.22 and those that came or went, by group counts of the reference.
 */
static void every_flag_of_externaldns_is_known(void **state)
{
	static const char *const some[] = { "server",
					    "kubeconfig",
					    "request-timeout",
					    "kube-api-qps",
					    "source",
					    "gateway-listener-sets",
					    "enable-legacy-annotation-prefix",
					    "nat64-networks",
					    "create-ptr",
					    "min-ttl",
					    "migrate-from-txt-owner",
					    "crd-registry-namespace",
					    "cloudflare-regional-services",
					    "rfc2136-load-balancing-strategy",
					    "webhook-server",
					    "coredns-strictly-owned",
					    "ovh-enable-cname-relative",
					    "akamai-edgerc-section",
					    "bluecat-dns-deploy-type",
					    "cf-password",
					    "dyn-min-ttl",
					    "infoblox-name-regex",
					    "plural-provider",
					    "tencent-cloud-zone-type",
					    "transip-keyfile",
					    "txt-new-format-only",
					    "rfc2136-create-ptr",
					    "traefik-disable-legacy",
					    "pihole-api-version",
					    "pdns-api-version",
					    "aws-zones-cache-duration",
					    "exoscale-zones-cache-duration" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		if (option_find(some[i], strlen(some[i])) == OPT_COUNT)
			fail_msg("--%s is not known", some[i]);
	}
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const struct option_row *r = &option_rows[i];
		char id[128];
		size_t n = 0;

		for (const char *p = r->name; *p; p++)
			id[n++] = (char)(*p == '-'                ? '_'
					 : *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A'
								  : *p);
		id[n] = '\0';
		assert_string_equal(r->id, id);
		assert_int_equal(option_find(r->name, strlen(r->name)), i); /* unique */
		assert_true(r->state == STATE_IGNORED || *r->help);
		assert_true(r->type == OPTION_BOOL || *r->arg);
	}
}

static struct config *load_file(const char *yaml, const char *const *more, int *ret_exit,
				char *text)
{
	char path[] = "/tmp/test_config.XXXXXX";
	int fd = mkstemp(path);
	const char *argv[MAX_WORDS] = { "--config", path };
	struct config *c;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), strlen(yaml));
	close(fd);
	for (size_t i = 0; more && more[i]; i++)
		argv[2 + i] = more[i];
	c = load(argv, NULL, ret_exit, text);
	unlink(path);
	return c;
}

static void the_file_is_beaten_by_all_but_the_defaults(void **state)
{
	static const char yaml[] = "# who we are\n"
				   "txt-owner-id: file\n"
				   "nsid: file\n"
				   "once: true\n"
				   "source: [ingress, service]\n"
				   "ns-record-ttl: 20\n"
				   "interval: 30s\n"
				   "domain-filter: a.example\n"
				   "ext-gslb-clusters-geo-tags:\n"
				   "- us\n"
				   "- za\n"
				   "cluster-geo-tag: \"no\"\n"
				   "txt-prefix:\n";
	char text[4096];
	int code;
	struct config *c = load_file(yaml, WORDS("--nsid=flag"), &code, text);

	(void)state;
	assert_non_null(c);
	assert_string_equal(config_text(c, OPT_TXT_OWNER_ID), "file");
	assert_string_equal(config_text(c, OPT_NSID), "flag");
	assert_string_equal(config_text(c, OPT_CLUSTER_GEO_TAG), "no");
	assert_true(config_bool(c, OPT_ONCE));
	assert_int_equal(config_number(c, OPT_NS_RECORD_TTL), 20);
	assert_int_equal(config_ms(c, OPT_INTERVAL), 30000);
	assert_list(c, OPT_SOURCE, "ingress|service");
	assert_list(c, OPT_DOMAIN_FILTER, "a.example");
	assert_list(c, OPT_EXT_GSLB_CLUSTERS_GEO_TAGS, "us|za");
	assert_false(config_is_set(c, OPT_TXT_PREFIX));
	config_free(c);
}

static void each_provider_of_the_file_has_the_options_of_all_and_its_own(void **state)
{
	static const char yaml[] = "txt-owner-id: all\n"
				   "domain-filter: [all.example]\n"
				   "providers:\n"
				   "- provider: cloudflare\n"
				   "  domain-filter: [a.example, b.example]\n"
				   "  environment: {CF_API_TOKEN: \"file:/x\"}\n"
				   "- name: second\n"
				   "  provider: cloudflare\n"
				   "  policy: upsert-only\n"
				   "  txt-owner-id: own\n";
	char text[4096];
	int code;
	struct config *c = load_file(yaml, WORDS("--txt-owner-id=flag"), &code, text);

	(void)state;
	assert_non_null(c);
	assert_int_equal(config_providers(c), 2);
	assert_string_equal(config_provider_name(c, 0), "cloudflare");
	assert_string_equal(config_provider_name(c, 1), "second");
	const struct config *a = config_provider(c, 0), *b = config_provider(c, 1);
	assert_list(a, OPT_PROVIDER, "cloudflare");
	assert_list(a, OPT_DOMAIN_FILTER, "a.example|b.example");
	assert_list(b, OPT_DOMAIN_FILTER, "all.example");
	assert_string_equal(config_text(a, OPT_TXT_OWNER_ID), "flag");
	assert_string_equal(config_text(b, OPT_TXT_OWNER_ID), "own");
	assert_string_equal(config_text(b, OPT_POLICY), "upsert-only");
	assert_string_equal(config_text(c, OPT_POLICY), "sync");
	assert_int_equal(config_provider_environment(c, 0)->n, 1);
	assert_string_equal(config_provider_environment(c, 0)->s[0], "CF_API_TOKEN=file:/x");
	config_free(c);
}

static void bad_entries_of_providers_are_named(void **state)
{
	static const char *const rows[][2] = {
		{ "providers: x", "list" },
		{ "providers: [x]", "entry 1" },
		{ "providers: [{policy: sync}]", "provider" },
		{ "providers: [{provider: [a, b]}]", "one" },
		{ "providers: [{provider: a}, {provider: a}]", "already" },
		{ "providers: [{provider: a, nonsense: 1}]", "nonsense" },
		{ "providers: [{provider: a, interval: x}]", "interval" },
		{ "providers: [{provider: a, environment: [x]}]", "environment" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];
		int code;

		if (load_file(rows[i][0], NULL, &code, text))
			fail_msg("accepted: %s", rows[i][0]);
		assert_int_equal(code, 2);
		if (!strstr(text, rows[i][1]))
			fail_msg("'%s' is not in: %s", rows[i][1], text);
	}
}

static void a_broken_file_is_exit_2_and_named(void **state)
{
	static const struct {
		const char *yaml, *says;
	} rows[] = {
		{ "txt-onwer-id: x",
		  ":1: unknown option 'txt-onwer-id'; did you mean txt-owner-id" },
		{ "nsid: a\nonce: perhaps", ":2: --once: 'perhaps' is not true or false" },
		{ "nsid: [a]", "takes one value" },
		{ "nsid: {a: 1}", "scalar" },
		{ "source: [{a: 1}]", "scalar" },
		{ "cluster-geo-tag: no", "quote it" },
		{ "config: other.yaml", "unknown option 'config'" },
		{ "- 1", "mapping" },
		{ "nsid: a\nonce: [", ":" },
		{ "nsid: a\nnsid: b", ":2:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];
		int code;

		assert_null(load_file(rows[i].yaml, NULL, &code, text));
		assert_int_equal(code, 2);
		if (!strstr(text, rows[i].says))
			fail_msg("'%s' is not in: %s", rows[i].says, text);
		assert_non_null(strstr(text, "gslbd: /tmp/test_config."));
	}
}

static void a_missing_file_is_exit_2(void **state)
{
	char text[4096];
	int code;

	(void)state;
	assert_null(load(WORDS("--config=/nonexistent/x"), NULL, &code, text));
	assert_int_equal(code, 2);
	assert_non_null(strstr(text, "/nonexistent/x"));
}

static void help_and_version_print_and_exit_0(void **state)
{
	static const char *const flags[] = { "--help", "-h", "--version" };
	int saved = dup(STDOUT_FILENO);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		char text[65536];
		FILE *tmp = tmpfile();
		int code;

		fflush(stdout);
		dup2(fileno(tmp), STDOUT_FILENO);
		assert_null(load(WORDS(flags[i]), NULL, &code, text));
		fflush(stdout);
		dup2(saved, STDOUT_FILENO);
		rewind(tmp);
		text[fread(text, 1, sizeof(text) - 1, tmp)] = '\0';
		fclose(tmp);
		assert_int_equal(code, 0);
		assert_non_null(strstr(text, i < 2 ? "--txt-owner-id=TEXT" : "gslbd "));
	}
	close(saved);
}

static void help_lists_every_option(void **state)
{
	char *text = mem_zalloc(1 << 18);
	FILE *f = fmemopen(text, 1 << 18, "w");

	(void)state;
	config_doc_help(f);
	fclose(f);
	for (size_t i = 0; i < OPT_COUNT; i++) {
		char word[128];

		snprintf(word, sizeof(word), "%s%s",
			 option_rows[i].type == OPTION_BOOL && option_rows[i].state != STATE_IGNORED
				 ? "--[no-]"
				 : "--",
			 option_rows[i].name);
		if (!strstr(text, word))
			fail_msg("%s is not in --help", word);
	}
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		assert_true(end - line <= 104); /* 100 columns and a few octets of UTF-8 */
	free(text);
}

static void pairs_for_tests_are_options(void **state)
{
	struct config *c =
		config_for_test(WORDS("cluster-geo-tag=eu", "source=a", "source=b", "once=true"));

	(void)state;
	assert_string_equal(config_text(c, OPT_CLUSTER_GEO_TAG), "eu");
	assert_list(c, OPT_SOURCE, "a|b");
	assert_true(config_bool(c, OPT_ONCE));
	config_free(c);
	config_free(config_for_test(NULL));
	config_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_references),
		cmocka_unit_test(flags_are_written_as_with_kingpin),
		cmocka_unit_test(wrong_usage_is_exit_2_and_says_what),
		cmocka_unit_test(values_that_break_a_rule_are_exit_2),
		cmocka_unit_test(good_values_of_the_field_are_accepted),
		cmocka_unit_test(the_environment_has_three_names_and_flags_beat_it),
		cmocka_unit_test(the_environment_of_k8gb_is_understood),
		cmocka_unit_test(a_wrong_value_in_the_environment_names_the_variable),
		cmocka_unit_test(flags_without_meaning_are_accepted_with_a_warning),
		cmocka_unit_test(every_flag_of_externaldns_is_known),
		cmocka_unit_test(the_file_is_beaten_by_all_but_the_defaults),
		cmocka_unit_test(each_provider_of_the_file_has_the_options_of_all_and_its_own),
		cmocka_unit_test(bad_entries_of_providers_are_named),
		cmocka_unit_test(a_broken_file_is_exit_2_and_named),
		cmocka_unit_test(a_missing_file_is_exit_2),
		cmocka_unit_test(help_and_version_print_and_exit_0),
		cmocka_unit_test(help_lists_every_option),
		cmocka_unit_test(pairs_for_tests_are_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
