/*
 * A mixed fleet: a peer that runs k8gb (its CoreDNS: localtargets- only, NXDOMAIN for
 * the rest), found through the edge DNS; exposed host names resolved there too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/status.h"
#include "tests/fake_dns.h"
#include "tests/gslb/world.h"

#define ZONES "dns-zones=example.com:cloud.example.com:30"
#define A     "a.cloud.example.com"
#define F     "f.cloud.example.com"

static struct loop *loop;
static struct cluster *eu;
static struct fake_dns *other; /* the edge DNS, and on the same port the k8gb cluster "us" */

static struct {
	bool is_silent, is_failing, is_truncating;
	unsigned lost;      /* queries to swallow */
	char records[2048]; /* "name address\n", A records */
	unsigned queries, tcp;
} they;

static void set(const char *text)
{
	strcpy(they.records, text);
}

static bool add_answers(struct dns_writer *w, const struct dns_msg *q)
{
	char *copy = mem_strdup(they.records), *save = NULL;
	char *name = dname_text(q->qname);
	bool found = false;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *blank = strchr(line, ' ');
		struct netaddr a;

		*blank = '\0';
		if (strcmp(line, name) != 0)
			continue;
		found = true;
		if (strncmp(blank + 1, "ns:", 3) == 0 && q->qtype == RRTYPE_NS) {
			uint8_t ns[DNAME_MAX];

			assert_int_equal(dname_from_text(blank + 4, ns), 0);
			assert_int_equal(dns_writer_record(w, DNS_ANSWER, q->qname, RRTYPE_NS,
							   DNS_CLASS_IN, 5, ns, dname_len(ns)),
					 0);
		}
		if (q->qtype != RRTYPE_A || netaddr_from_text(blank + 1, &a))
			continue;
		assert_int_equal(dns_writer_record(w, DNS_ANSWER, q->qname, RRTYPE_A, DNS_CLASS_IN,
						   5, a.bytes, 4),
				 0);
	}
	free(name);
	free(copy);
	return found;
}

static void on_query(void *ctx, struct fake_dns *f, uint8_t *msg, size_t len, bool tcp)
{
	struct dns_writer w;
	struct dns_msg q;

	(void)ctx;
	they.queries++;
	they.tcp += tcp;
	if (they.is_silent || dns_msg_parse(msg, len, &q))
		return;
	if (they.lost) {
		they.lost--;
		dns_msg_fini(&q);
		return;
	}
	dns_writer_init(&w, 65535, q.id,
			DNS_FLAG_QR | (!tcp && they.is_truncating ? DNS_FLAG_TC : 0));
	assert_int_equal(dns_writer_question(&w, q.qname, q.qtype, q.qclass), 0);
	if (they.is_failing)
		dns_writer_rcode(&w, DNS_RCODE_SERVFAIL);
	else if ((tcp || !they.is_truncating) && !add_answers(&w, &q))
		dns_writer_rcode(&w, DNS_RCODE_NXDOMAIN);
	fake_dns_reply(f, (const uint8_t *)w.out.data, w.out.len);
	dns_writer_fini(&w);
	dns_msg_fini(&q);
}

static int setup(void **state)
{
	char text[NETADDR_TEXT_MAX];

	(void)state;
	memset(&they, 0, sizeof(they));
	set("gslb-ns-us-cloud.example.com 127.0.0.1\n"
	    "localtargets-" A " 198.51.100.1\nlocaltargets-" A " 198.51.100.2\n"
	    "localtargets-" F " 198.51.100.3\n");
	loop = loop_new();
	other = fake_dns_new(loop, on_query, NULL);
	eu = cluster_listen(loop);
	char *edge = mem_printf("edge-dns-servers=%s",
				netaddr_to_text_port(fake_dns_address(other), text));
	cluster_open(eu,
		     (const char *const[]){ "cluster-geo-tag=eu", "ext-gslb-clusters-geo-tags=us",
					    ZONES, edge, "peer-grace=2s", NULL });
	free(edge);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cluster_close(eu);
	fake_dns_free(other);
	loop_free(loop);
	status_clear();
	return 0;
}

static void start(int ready)
{
	struct gslb_decl *f = decl_new("f", F, "failover", "192.0.2.3", ready);

	f->primary_geo_tag = mem_strdup("us");
	gslb_put(eu->g, decl_new("a", A, "roundRobin", "192.0.2.1", ready));
	gslb_put(eu->g, f);
	gslb_synced(eu->g, "gslb", true);
}

static void a_k8gb_peer_is_found_and_heard(void **state)
{
	(void)state;
	start(1);
	answers(eu, A, "A", "192.0.2.1 198.51.100.1 198.51.100.2");
	assert_string_equal(ask(eu, F, "A"), "198.51.100.3"); /* the primary is there */
	assert_non_null(strstr(buf_str(&eu->exports), "gslb-ns-us-cloud.example.com 127.0.0.1"));
}

static void what_a_k8gb_peer_changes_is_seen(void **state)
{
	(void)state;
	start(1);
	answers(eu, F, "A", "198.51.100.3");
	set("gslb-ns-us-cloud.example.com 127.0.0.1\nlocaltargets-" A " 198.51.100.9\n");
	answers(eu, F, "A", "192.0.2.3");
	answers(eu, A, "A", "192.0.2.1 198.51.100.9");
}

static void lost_and_failing_answers_change_nothing(void **state)
{
	(void)state;
	start(1);
	answers(eu, A, "A", "192.0.2.1 198.51.100.1 198.51.100.2");
	they.is_failing = true; /* CoreDNS before its informers are synced */
	unsigned asked = they.queries;
	while (they.queries < asked + 12)
		loop_once(loop, 20);
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1 198.51.100.1 198.51.100.2");
	they.is_failing = false;
	they.lost = 3;
	set("gslb-ns-us-cloud.example.com 127.0.0.1\nlocaltargets-" A " 198.51.100.9\n");
	answers(eu, A, "A", "192.0.2.1 198.51.100.9");
}

static void a_silent_k8gb_peer_leaves_after_the_grace(void **state)
{
	(void)state;
	start(1);
	answers(eu, F, "A", "198.51.100.3");
	they.is_silent = true;
	settle(loop);
	assert_string_equal(ask(eu, F, "A"), "198.51.100.3");
	answers(eu, F, "A", "192.0.2.3");
	they.is_silent = false;
	answers(eu, F, "A", "198.51.100.3");
}

static void truncated_answers_are_asked_for_again_over_tcp(void **state)
{
	(void)state;
	they.is_truncating = true;
	start(1);
	answers(eu, A, "A", "192.0.2.1 198.51.100.1 198.51.100.2");
	assert_true(they.tcp > 0);
}

static void exposed_host_names_are_resolved_and_kept(void **state)
{
	struct gslb_decl *d = decl_new("h", "h.cloud.example.com", "roundRobin", "192.0.2.1", 1);

	(void)state;
	strv_add(&d->exposed_hostnames, "lb.example.net");
	strv_add(&d->exposed_ips, "203.0.113.200"); /* host names win */
	set("lb.example.net 203.0.113.5\nlb.example.net 203.0.113.4\n");
	gslb_put(eu->g, d);
	gslb_synced(eu->g, "gslb", true);
	answers(eu, "h.cloud.example.com", "A", "203.0.113.4 203.0.113.5");
	they.is_failing = true;
	set("");
	settle(loop);
	assert_string_equal(ask(eu, "h.cloud.example.com", "A"), "203.0.113.4 203.0.113.5");
}

static void an_unresolved_host_name_is_said(void **state)
{
	struct gslb_decl *d = decl_new("h", "h.cloud.example.com", "roundRobin", "192.0.2.1", 1);

	(void)state;
	strv_add(&d->exposed_hostnames, "nowhere.example.net");
	gslb_put(eu->g, d);
	gslb_synced(eu->g, "gslb", true);
	answers(eu, "h.cloud.example.com", "A", "NODATA");
	cJSON *args = cJSON_CreateObject(), *out = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "name", "h.cloud.example.com");
	assert_int_equal(status_run("explain", args, out, false), 0);
	char *text = cJSON_PrintUnformatted(out);
	assert_non_null(strstr(text, "UnresolvedHostname"));
	cJSON_free(text);
	cJSON_Delete(args);
	cJSON_Delete(out);
}

/* The parent is the fake: NS of the zone are "name ns:target" lines. */
static void clusters_that_the_parent_names_become_peers(void **state)
{
	char text[NETADDR_TEXT_MAX];

	(void)state;
	cluster_close(eu);
	set("cloud.example.com ns:gslb-ns-us-cloud.example.com\n"
	    "cloud.example.com ns:ns9.example.com\n"
	    "gslb-ns-us-cloud.example.com 127.0.0.1\nlocaltargets-" A " 198.51.100.1\n");
	eu = cluster_listen(loop);
	char *edge = mem_printf("edge-dns-servers=%s",
				netaddr_to_text_port(fake_dns_address(other), text));
	cluster_open(eu, (const char *const[]){ "cluster-geo-tag=eu", ZONES, edge, NULL });
	free(edge);
	start(1);
	answers(eu, A, "A", "192.0.2.1 198.51.100.1");
	answers(eu, "cloud.example.com", "NS",
		"gslb-ns-eu-cloud.example.com. gslb-ns-us-cloud.example.com.");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_k8gb_peer_is_found_and_heard),
		TEST(what_a_k8gb_peer_changes_is_seen),
		TEST(lost_and_failing_answers_change_nothing),
		TEST(a_silent_k8gb_peer_leaves_after_the_grace),
		TEST(truncated_answers_are_asked_for_again_over_tcp),
		TEST(exposed_host_names_are_resolved_and_kept),
		TEST(an_unresolved_host_name_is_said),
		TEST(clusters_that_the_parent_names_become_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
