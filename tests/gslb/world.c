#include "tests/gslb/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/dns_msg.h"
#include "lib/endpoint.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "server/answer.h"
#include "server/response.h"
#include "server/settings.h"
#include "tests/fake_dns.h"
#include "zonedb/zonedb.h"

#define PATIENCE_MS 5000

/* --- the server ------------------------------------------------------------------- */

static size_t answer(struct cluster *c, const struct netaddr *from, bool tcp, uint8_t *msg,
		     size_t len, size_t size, enum answer_result *ret)
{
	struct sockaddr_storage ss;
	size_t out = 0;

	(void)netaddr_to_sockaddr(from, &ss);
	struct answer_client client = { .addr = (struct sockaddr *)&ss,
					.is_tcp = tcp,
					.can_handoff = true };
	*ret = answer_query(c->answerer, zonedb_current(c->db), &client, msg, len, size, &out);
	return out;
}

static void take_notify(struct cluster *c, struct fake_dns *f, const uint8_t *msg, size_t len)
{
	struct dns_msg m;
	uint8_t reply[512];

	if (len > sizeof(reply) || dns_msg_parse(msg, len, &m))
		return;
	(void)gslb_notified(c->g, m.qname);
	memcpy(reply, msg, len);
	reply[2] |= 0x80;
	fake_dns_reply(f, reply, len);
	dns_msg_fini(&m);
}

static void on_query(void *ctx, struct fake_dns *f, uint8_t *msg, size_t len, bool tcp)
{
	static uint8_t buf[65535 + RESPONSE_SLACK];
	struct cluster *c = ctx;
	struct netaddr from = { .family = 4, .bytes = { 127, 0, 0, 1 } };
	enum answer_result result;

	c->queries++;
	if (c->is_deaf || c->g == NULL || (unsigned)rand() % 100 < c->loss_percent)
		return;
	memcpy(buf, msg, len);
	size_t n = answer(c, &from, tcp, buf, len, tcp ? 65535 : 1232, &result);
	if (result == ANSWER_SEND)
		fake_dns_reply(f, buf, n);
	else if (result == ANSWER_NOTIFY)
		take_notify(c, f, msg, len);
}

struct cluster *cluster_listen(struct loop *loop)
{
	struct cluster *c = MEM_NEW(struct cluster);

	c->loop = loop;
	c->server = fake_dns_new(loop, on_query, c);
	return c;
}

const char *cluster_address(const struct cluster *c)
{
	static char text[4][NETADDR_TEXT_MAX];
	static unsigned next;

	return netaddr_to_text_port(fake_dns_address(c->server), text[next++ % 4]);
}

/* --- what gslb tells ------------------------------------------------------------------ */

static void on_export(void *ctx, const char *object, struct endpoint *const *e, size_t n)
{
	struct cluster *c = ctx;

	if (n == 0)
		buf_printf(&c->exports, "%s | nothing\n", object);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&c->exports, "%s | %s %s%s", object, e[i]->dns_name, e[i]->record_type,
			   e[i]->shared ? " shared" : "");
		for (size_t j = 0; j < e[i]->targets.n; j++)
			buf_printf(&c->exports, " %s", e[i]->targets.s[j]);
		buf_putc(&c->exports, '\n');
	}
}

static void on_resolved(void *ctx, const char *id, const struct gslb_status *s)
{
	struct cluster *c = ctx;

	c->nstatuses++;
	buf_printf(&c->statuses, "%s %s %s", id, s->accepted ? "accepted" : "refused", s->reason);
	for (size_t i = 0; i < s->nhosts; i++) {
		char *records = strv_join(&s->hosts[i].healthy_records, " ");

		buf_printf(&c->statuses, " | %s %s %s %s", s->hosts[i].host, s->hosts[i].health,
			   s->hosts[i].reason, records);
		free(records);
	}
	buf_putc(&c->statuses, '\n');
}

static void on_event(void *ctx, const char *id, bool warning, const char *reason,
		     const char *message)
{
	struct cluster *c = ctx;

	(void)id;
	(void)warning;
	buf_printf(&c->events, "%s: %s\n", reason, message);
}

static void on_zone_status(void *ctx, const char *id, const struct strv *servers, bool finalized)
{
	struct cluster *c = ctx;
	char *text = strv_join(servers, ", ");

	buf_printf(&c->exports, "zone %s | %s%s\n", id, text, finalized ? " finalized" : "");
	free(text);
}

/* --- life -------------------------------------------------------------------------------- */

int cluster_try(struct cluster *c, const char *const *pairs, char **ret_why)
{
	char *why = NULL;

	c->config = config_for_test(pairs);
	assert_non_null(c->config);
	c->settings = MEM_NEW(struct server_settings);
	assert_int_equal(server_settings_load(c->config, c->settings, &why), 0);
	c->answerer = MEM_NEW(struct answerer);
	c->answerer->settings = c->settings;
	c->answerer->random = 0x9e3779b97f4a7c15ULL;
	c->answerer->stats = mem_zalloc(sizeof(*c->answerer->stats));
	c->db = zonedb_new();
	c->dns = dns_client_new(c->loop);
	struct gslb_env env = { .loop = c->loop,
				.config = c->config,
				.zonedb = c->db,
				.dns = c->dns,
				.state = c->state,
				.ctx = c,
				.on_export = on_export,
				.on_resolved = on_resolved,
				.on_event = on_event,
				.on_zone_status = on_zone_status };
	return gslb_new(&env, &c->g, ret_why);
}

void cluster_open(struct cluster *c, const char *const *pairs)
{
	char *why = NULL;

	if (cluster_try(c, pairs, &why))
		fail_msg("gslb_new: %s", why);
	gslb_start(c->g);
}

void cluster_close(struct cluster *c)
{
	if (c == NULL)
		return;
	gslb_free(c->g);
	if (c->dns)
		dns_client_free(c->dns);
	fake_dns_free(c->server);
	if (c->db)
		zonedb_free(c->db);
	if (c->settings)
		server_settings_fini(c->settings);
	if (c->answerer)
		free(c->answerer->stats);
	free(c->answerer);
	free(c->settings);
	config_free(c->config);
	buf_fini(&c->events);
	buf_fini(&c->statuses);
	buf_fini(&c->exports);
	free(c);
}

/* --- declarations --------------------------------------------------------------------------- */

struct gslb_decl *decl_new(const char *name, const char *hosts, const char *strategy,
			   const char *status_ips, int ready)
{
	struct gslb_decl *d = MEM_NEW(struct gslb_decl);
	struct strv names = { 0 };

	d->id = mem_printf("k8gb.io/ns/%s", name);
	d->api_group = mem_strdup("k8gb.io");
	d->namespace = mem_strdup("ns");
	d->name = mem_strdup(name);
	d->strategy = mem_strdup(strategy);
	d->dns_ttl_s = 30;
	strv_split(&d->status_ips, status_ips, " ");
	strv_split(&names, hosts, " ");
	d->nhosts = names.n;
	d->hosts = mem_calloc(names.n, sizeof(*d->hosts));
	for (size_t i = 0; i < names.n; i++) {
		struct gslb_host_decl *h = &d->hosts[i];

		h->host = mem_strdup(names.s[i]);
		h->backends = MEM_NEW(struct gslb_backend);
		h->nbackends = 1;
		h->backends[0].namespace = mem_strdup("ns");
		h->backends[0].name = mem_strdup("app");
		h->backends[0].found = ready >= 0;
		h->backends[0].ready = ready > 0 ? (unsigned)ready : 0;
		h->backends[0].total = 1;
	}
	strv_fini(&names);
	return d;
}

void decl_weight(struct gslb_decl *d, const char *tag, unsigned weight)
{
	d->weights = mem_array(d->weights, d->nweights + 1, sizeof(*d->weights));
	d->weights[d->nweights].geo_tag = mem_strdup(tag);
	d->weights[d->nweights++].weight = weight;
}

/* --- questions ------------------------------------------------------------------------------- */

static int query(struct cluster *c, const char *name, const char *type, const char *client,
		 struct dns_msg *ret)
{
	static uint8_t buf[65535 + RESPONSE_SLACK];
	struct netaddr from;
	struct dns_writer w;
	uint8_t wire[DNAME_MAX];
	uint16_t t;
	enum answer_result result;

	assert_int_equal(dname_from_text(name, wire), 0);
	assert_int_equal(rrtype_from_text(type, &t), 0);
	assert_int_equal(netaddr_from_text(client, &from), 0);
	dns_writer_init(&w, 512, 1, 0);
	assert_int_equal(dns_writer_question(&w, wire, t, DNS_CLASS_IN), 0);
	memcpy(buf, w.out.data, w.out.len);
	size_t n = answer(c, &from, true, buf, w.out.len, 65535, &result);
	dns_writer_fini(&w);
	assert_int_equal(result, ANSWER_SEND);
	return dns_msg_parse(buf, n, ret);
}

static void print_record(const struct dns_record *r, struct strv *out)
{
	struct buf b = { 0 };

	assert_int_equal(rdata_to_text(r->type, r->rdata, r->rdlen, &b), 0);
	strv_add(out, buf_str(&b));
	buf_fini(&b);
}

const char *ask_from(struct cluster *c, const char *name, const char *type, const char *client)
{
	static char text[4][4096];
	static unsigned next;
	char *out = text[next++ % 4];
	struct strv v = { 0 };
	struct dns_msg m;

	assert_int_equal(query(c, name, type, client, &m), 0);
	for (size_t i = 0; i < m.nrecords; i++)
		if (m.records[i].section == DNS_ANSWER)
			print_record(&m.records[i], &v);
	strv_sort(&v);
	char *joined = strv_join(&v, " ");
	unsigned rcode = m.flags & 15;
	char code[16];
	if (rcode != DNS_RCODE_NOERROR)
		snprintf(out, sizeof(text[0]), "%s", rcode_to_text(rcode, code));
	else
		snprintf(out, sizeof(text[0]), "%s", v.n ? joined : "NODATA");
	free(joined);
	strv_fini(&v);
	dns_msg_fini(&m);
	return out;
}

const char *ask(struct cluster *c, const char *name, const char *type)
{
	return ask_from(c, name, type, "127.0.0.1");
}

unsigned ask_ttl(struct cluster *c, const char *name, const char *type)
{
	struct dns_msg m;
	unsigned ttl = 0;

	assert_int_equal(query(c, name, type, "127.0.0.1", &m), 0);
	if (m.nrecords)
		ttl = m.records[0].ttl;
	dns_msg_fini(&m);
	return ttl;
}

void answers_(struct cluster *c, const char *name, const char *type, const char *want,
	      const char *file, int line)
{
	uint64_t end = clock_mono_ms() + PATIENCE_MS;
	const char *got = ask(c, name, type);

	while (strcmp(got, want) != 0) {
		if (clock_mono_ms() > end) {
			print_error("%s %s: got \"%s\", want \"%s\"\n", name, type, got, want);
			_fail(file, line);
		}
		loop_once(c->loop, 20);
		got = ask(c, name, type);
	}
}

void settle(struct loop *loop)
{
	for (int i = 0; i < 20; i++)
		loop_once(loop, 1);
}
