/* One round over the primaries of a zone: SOA, then a transfer (server/secondary_inside.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/backoff.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"
#include "lib/rrtype.h"
#include "lib/transfer.h"
#include "server/received.h"
#include "server/remote.h"
#include "server/secondary_inside.h"
#include "zonedb/zonedb.h"

enum {
	RUNNING_MAX = 32, /* zones that are looked at at once */
	SAVE_MS = 5000,   /* writes of a zone that changes all the time */
};

/* --- one round over the primaries --- */

static void start_waiting(struct secondaries *s)
{
	while (s->waiting && s->running < RUNNING_MAX) {
		struct secondary *z = s->waiting;

		s->waiting = z->next_waiting;
		if (s->waiting == NULL)
			s->waiting_end = &s->waiting;
		z->doing = DOING_NOTHING;
		secondary_round_begin(z);
	}
}

static void round_done(struct secondary *z)
{
	struct secondaries *s = z->s;

	z->doing = DOING_NOTHING;
	z->want_full = false;
	received_fini(&z->received);
	s->running--;
	secondary_data_set_ready(s);
	if (z->again)
		secondary_round_begin(z);
	start_waiting(s);
}

static void round_failed(struct secondary *z)
{
	uint64_t wait = secondary_data(z) ? secondary_data_time(z, 2) * 1000ull
					  : backoff_next_ms(&z->first);

	loop_timer_set(z->timer, wait);
	round_done(z);
}

static void ask_soa(struct secondary *z);
static void transfer(struct secondary *z);

static void begin_with_server(struct secondary *z)
{
	if (secondary_data(z))
		ask_soa(z);
	else
		transfer(z);
}

/* This primary was of no use for the reason WHY (taken). */
static void next_server(struct secondary *z, char *why)
{
	char addr[NETADDR_TEXT_MAX];
	const struct remote *r = &z->remotes[z->server];

	if (z->error == NULL || strstr(z->error, why) == NULL)
		log_warning("zone %s: primary %s: %s", z->name,
			    netaddr_to_text_port(&r->addr, addr), why);
	free(z->error);
	z->error = mem_printf("%s: %s", netaddr_to_text_port(&r->addr, addr), why);
	free(why);
	z->want_full = false;
	z->server = (z->server + 1) % z->nremotes;
	if (++z->tried >= z->nremotes)
		round_failed(z);
	else
		begin_with_server(z);
}

/* --- SOA --- */

static void on_soa(void *ctx, const struct dns_reply *reply)
{
	struct secondary *z = ctx;
	const struct dns_record *soa = NULL;
	char rcode[12];

	z->request = NULL;
	if (reply->err) {
		next_server(z, mem_strdup(error_text(reply->err)));
		return;
	}
	for (size_t i = 0; i < reply->nrecords && soa == NULL; i++)
		if (reply->records[i].section == DNS_ANSWER &&
		    reply->records[i].type == RRTYPE_SOA &&
		    dname_equal(reply->records[i].owner, z->origin))
			soa = &reply->records[i];
	if (reply->rcode || soa == NULL || !reply->aa) {
		next_server(z, mem_printf("no SOA in the answer (%s%s)",
					  rcode_to_text(reply->rcode, rcode),
					  reply->aa ? "" : ", not authoritative"));
		return;
	}
	const struct zone *zone = secondary_data(z);
	if (zone && transfer_serial_compare(transfer_soa_serial(soa->rdata, soa->rdlen),
					    zone_serial(zone)) <= 0) {
		secondary_data_confirmed(z);
		round_done(z);
		return;
	}
	transfer(z);
}

static void ask_soa(struct secondary *z)
{
	const struct remote *r = &z->remotes[z->server];
	const struct dns_question q = { .servers = &r->addr,
					.nservers = 1,
					.name = z->origin,
					.type = RRTYPE_SOA,
					.tries = 3,
					.key = r->key,
					.on_done = on_soa,
					.ctx = z };

	z->doing = DOING_SOA;
	z->request = dns_client_ask(z->s->dns, &q);
}

/* --- transfer --- */

static int on_record(void *ctx, enum transfer_op op, const struct dns_record *rec)
{
	struct secondary *z = ctx;

	return received_add(&z->received, op, rec);
}

/* 0, or an error with *ret_why. */
static void count(const struct transfer *t, const char *result)
{
	metric_add(METRIC_TRANSFERS_TOTAL, 1, "in", t->is_full || !t->incremental ? "axfr" : "ixfr",
		   result);
}

/* Differences that do not fit, or a primary that does not know IXFR: AXFR may help. */
static bool is_ixfrs_fault(int err, const struct transfer *t, const char *why)
{
	return t->incremental && !t->is_full && (why || err == ERR_DENIED || err == ERR_PROTOCOL);
}

static void on_transfer(void *ctx, int err, unsigned rcode, const struct transfer *t)
{
	struct secondary *z = ctx;
	char *why = NULL, text[12];
	size_t n = z->received.n;

	z->request = NULL;
	if (err == 0 && !t->is_current)
		err = secondary_data_publish(z, &why);
	received_fini(&z->received);
	if (err && !z->want_full && is_ixfrs_fault(err, t, why)) {
		log_info("zone %s: IXFR failed (%s), trying AXFR", z->name,
			 why ? why : error_text(err));
		count(t, "failed");
		free(why);
		z->want_full = true;
		transfer(z);
		return;
	}
	if (err) {
		count(t, "failed");
		if (why == NULL)
			why = err == ERR_DENIED ? mem_strdup(rcode_to_text(rcode, text))
						: mem_strdup(error_text(err));
		next_server(z, why);
		return;
	}
	count(t, "done");
	log_info("zone %s: %s, serial %" PRIu32 ", %zu records", z->name,
		 t->is_current ? "current"
		 : t->is_full  ? "transferred"
			       : "differences",
		 t->new_serial, n);
	z->is_dirty = z->is_dirty || !t->is_current;
	if (z->is_dirty && !loop_timer_is_set(z->saving))
		loop_timer_set(z->saving, SAVE_MS);
	backoff_reset(&z->first);
	secondary_data_confirmed(z);
	if (z->is_catalog)
		secondary_update_members(z);
	round_done(z);
}

static void transfer(struct secondary *z)
{
	const struct remote *r = &z->remotes[z->server];
	const struct zone *zone = secondary_data(z);
	uint16_t len = 0;
	struct dns_transfer_question q = { .servers = &r->addr,
					   .nservers = 1,
					   .zone = z->origin,
					   .max_records = SECONDARY_RECORDS_MAX,
					   .max_bytes = z->s->max_bytes,
					   .key = r->key,
					   .on_record = on_record,
					   .on_done = on_transfer,
					   .ctx = z };

	z->doing = DOING_TRANSFER;
	received_reset(&z->received);
	if (zone && !z->want_full) {
		q.soa = secondary_data_soa(zone, &len);
		q.soa_len = len;
		q.incremental = q.soa != NULL;
	}
	z->request = dns_client_transfer(z->s->dns, &q);
}

/* Look at the primaries now, or as soon as there is room. */
void secondary_round_begin(struct secondary *z)
{
	struct secondaries *s = z->s;

	if (z->doing == DOING_WAIT)
		return;
	if (z->doing != DOING_NOTHING) {
		z->again = true;
		return;
	}
	z->again = false;
	loop_timer_cancel(z->timer);
	if (s->running >= RUNNING_MAX) {
		z->doing = DOING_WAIT;
		z->next_waiting = NULL;
		*s->waiting_end = z;
		s->waiting_end = &z->next_waiting;
		return;
	}
	s->running++;
	z->tried = 0;
	begin_with_server(z);
}

void secondary_round_due(void *ctx)
{
	secondary_round_begin(ctx);
}
