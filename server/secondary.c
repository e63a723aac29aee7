#include "server/secondary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"
#include "lib/rrtype.h"
#include "lib/state.h"
#include "lib/status.h"
#include "lib/transfer.h"
#include "lib/wire.h"
#include "server/catalog_members.h"
#include "server/received.h"
#include "server/remote.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

#define TABLE_DATA  "secondary"    /* origin -> records as in received.h */
#define TABLE_TIMES "secondary_ok" /* origin -> real time of the last confirmation, 8 octets */

enum {
	RUNNING_MAX = 32,      /* zones that are looked at at once */
	FIRST_RETRY_MS = 1000, /* while there are no data at all */
	FIRST_RETRY_MAX_MS = 60000,
	TIME_MAX_S = 28 * 86400, /* refresh and retry beyond that are not believed */
	SAVE_MS = 5000,          /* writes of a zone that changes all the time */
	RECORDS_MAX = 20000000,
};

enum doing { DOING_NOTHING, DOING_WAIT, DOING_SOA, DOING_TRANSFER };

struct secondary {
	struct secondaries *s;
	uint8_t origin[DNAME_MAX];
	char *name;
	struct remote *remotes; /* owned list; keys borrowed */
	size_t nremotes, server, tried;
	bool is_catalog;
	const struct secondary *catalog; /* that it is a member of, or NULL */
	char *unique;                    /* its label there */

	enum doing doing;
	bool again;     /* a NOTIFY came meanwhile */
	bool want_full; /* the differences did not fit: AXFR */
	struct secondary *next_waiting;
	struct dns_request *request;
	struct received received;
	struct loop_timer *timer; /* refresh, or retry */
	struct loop_timer *expiry;
	struct loop_timer *saving;
	struct backoff first; /* while there are no data */
	int64_t confirmed_s;  /* real time; 0 = never */
	bool is_dirty;        /* not written yet */
	bool is_expired;
	char *error; /* of the last round; NULL = good */
};

struct secondaries {
	struct loop *loop;
	struct zonedb *db;
	struct dns_client *dns;
	struct state *state;
	size_t max_bytes;
	bool (*is_taken)(void *ctx, const uint8_t *origin);
	void *ctx;
	struct map zones; /* name to struct secondary */
	size_t running;
	struct secondary *waiting, **waiting_end;
};

static void look(struct secondary *z);
static void update_members(struct secondary *catalog);

/* --- what we have --------------------------------------------------------------------------------
 */

static const struct zone *have(const struct secondary *z)
{
	return zonedb_zone(zonedb_current(z->s->db), z->origin);
}

static const uint8_t *soa_of(const struct zone *zone, uint16_t *ret_len)
{
	const struct rrset *soa = zone_rrset(zone, zone_origin(zone), RRTYPE_SOA);
	const uint8_t *rdata = NULL;
	size_t pos = 0;

	if (soa)
		(void)rrset_next(soa, &pos, &rdata, ret_len); /* it has one */
	return rdata;
}

/* REFRESH, RETRY or EXPIRE (1, 2, 3) of our SOA, in seconds and in reason. */
static uint32_t soa_time(const struct secondary *z, unsigned which)
{
	const struct zone *zone = have(z);
	uint16_t len = 0;
	const uint8_t *soa = zone ? soa_of(zone, &len) : NULL;
	uint32_t s = soa ? wire_get32(soa + len - 20 + 4 * which) : 60;

	if (s < 1)
		s = 1;
	return which < 3 && s > TIME_MAX_S ? TIME_MAX_S : s;
}

static void set_ready(struct secondaries *s)
{
	const char *missing = NULL;
	char *why = NULL;

	for (struct map_item *i = map_first(&s->zones); i && missing == NULL;
	     i = map_next(&s->zones, i))
		if (!((struct secondary *)i->value)->catalog && have(i->value) == NULL)
			missing = i->key;
	if (missing)
		why = mem_printf("zone %s was not transferred yet", missing);
	status_ready_set("secondaries", missing == NULL, why);
	free(why);
	status_touch();
}

/* --- keeping
 * --------------------------------------------------------------------------------------- */

static void save(void *ctx)
{
	struct secondary *z = ctx;
	const struct zone *zone = have(z);
	struct received r = { 0 };

	if (!z->is_dirty || zone == NULL || z->s->state == NULL)
		return;
	z->is_dirty = false;
	received_from_zone(&r, zone);
	state_put(z->s->state, TABLE_DATA, z->origin, dname_len(z->origin), r.records.data,
		  r.records.len);
	received_fini(&r);
}

static void forget_data(struct secondary *z)
{
	z->is_dirty = false;
	state_delete(z->s->state, TABLE_DATA, z->origin, dname_len(z->origin));
	state_delete(z->s->state, TABLE_TIMES, z->origin, dname_len(z->origin));
}

/* --- times
 * ------------------------------------------------------------------------------------------- */

/* We have to answer for it and cannot (RFC 1034 4.3.5): SERVFAIL until a primary confirms it. */
static void hold_zone(struct secondary *z)
{
	struct txn *t = txn_begin(z->s->db);

	txn_zone_hold(t, z->origin);
	(void)txn_commit(t, NULL); /* nothing is left that could be wrong */
}

static void drop_zone(struct secondary *z)
{
	struct txn *t = txn_begin(z->s->db);

	if (txn_zone_drop(t, z->origin)) {
		txn_abort(t);
		return;
	}
	(void)txn_commit(t, NULL); /* nothing is left that could be wrong */
}

static void on_expiry(void *ctx)
{
	struct secondary *z = ctx;

	log_error("zone %s is expired: no primary confirmed it for %" PRIu32 " s", z->name,
		  soa_time(z, 3));
	z->is_expired = true;
	metric_set(METRIC_SECONDARY_EXPIRED, 1, z->name);
	hold_zone(z);
	backoff_reset(&z->first);
	set_ready(z->s);
}

/* The primary said that we are current, or made us so. */
static void confirmed(struct secondary *z)
{
	uint8_t when[8];

	z->confirmed_s = clock_real_s();
	z->is_expired = false;
	free(z->error);
	z->error = NULL;
	wire_put64(when, (uint64_t)z->confirmed_s);
	state_put(z->s->state, TABLE_TIMES, z->origin, dname_len(z->origin), when, sizeof(when));
	metric_set(METRIC_SECONDARY_REFRESHED, (double)z->confirmed_s, z->name);
	metric_set(METRIC_SECONDARY_EXPIRED, 0, z->name);
	loop_timer_set(z->timer, soa_time(z, 1) * 1000ull);
	loop_timer_set(z->expiry, soa_time(z, 3) * 1000ull);
}

/* --- one round over the primaries
 * ---------------------------------------------------------------------- */

static void start_waiting(struct secondaries *s)
{
	while (s->waiting && s->running < RUNNING_MAX) {
		struct secondary *z = s->waiting;

		s->waiting = z->next_waiting;
		if (s->waiting == NULL)
			s->waiting_end = &s->waiting;
		z->doing = DOING_NOTHING;
		look(z);
	}
}

static void round_done(struct secondary *z)
{
	struct secondaries *s = z->s;

	z->doing = DOING_NOTHING;
	z->want_full = false;
	received_fini(&z->received);
	s->running--;
	set_ready(s);
	if (z->again)
		look(z);
	start_waiting(s);
}

static void round_failed(struct secondary *z)
{
	uint64_t wait = have(z) ? soa_time(z, 2) * 1000ull : backoff_next_ms(&z->first);

	loop_timer_set(z->timer, wait);
	round_done(z);
}

static void ask_soa(struct secondary *z);
static void transfer(struct secondary *z);

static void begin_with_server(struct secondary *z)
{
	if (have(z))
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

/* --- SOA
 * -------------------------------------------------------------------------------------------------
 */

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
	const struct zone *zone = have(z);
	if (zone && transfer_serial_compare(transfer_soa_serial(soa->rdata, soa->rdlen),
					    zone_serial(zone)) <= 0) {
		confirmed(z);
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

/* --- transfer
 * -----------------------------------------------------------------------------------------------
 */

static int on_record(void *ctx, enum transfer_op op, const struct dns_record *rec)
{
	struct secondary *z = ctx;

	return received_add(&z->received, op, rec);
}

/* 0, or an error with *ret_why. */
static int publish(struct secondary *z, char **ret_why)
{
	struct txn *t = txn_begin(z->s->db);
	int err = received_apply(&z->received, t, z->origin, ret_why);

	if (err) {
		txn_abort(t);
		return err;
	}
	return txn_commit(t, ret_why);
}

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
		err = publish(z, &why);
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
	confirmed(z);
	if (z->is_catalog)
		update_members(z);
	round_done(z);
}

static void transfer(struct secondary *z)
{
	const struct remote *r = &z->remotes[z->server];
	const struct zone *zone = have(z);
	uint16_t len = 0;
	struct dns_transfer_question q = { .servers = &r->addr,
					   .nservers = 1,
					   .zone = z->origin,
					   .max_records = RECORDS_MAX,
					   .max_bytes = z->s->max_bytes,
					   .key = r->key,
					   .on_record = on_record,
					   .on_done = on_transfer,
					   .ctx = z };

	z->doing = DOING_TRANSFER;
	received_reset(&z->received);
	if (zone && !z->want_full) {
		q.soa = soa_of(zone, &len);
		q.soa_len = len;
		q.incremental = q.soa != NULL;
	}
	z->request = dns_client_transfer(z->s->dns, &q);
}

/* Look at the primaries now, or as soon as there is room. */
static void look(struct secondary *z)
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

static void on_timer(void *ctx)
{
	look(ctx);
}

/* --- restart
 * ----------------------------------------------------------------------------------------------------
 */

/* Serve what was kept, if it is not expired meanwhile. */
static void restore(struct secondary *z)
{
	struct secondaries *s = z->s;
	struct buf data = { 0 }, when = { 0 };
	char *why = NULL;
	int err = state_get(s->state, TABLE_DATA, z->origin, dname_len(z->origin), &data);

	if (err == 0)
		err = state_get(s->state, TABLE_TIMES, z->origin, dname_len(z->origin), &when);
	if (err == 0 && when.len != 8)
		err = ERR_SYNTAX;
	if (err == 0)
		err = received_from_bytes(&z->received, data.data, data.len);
	if (err == 0)
		err = publish(z, &why);
	received_fini(&z->received);
	if (err == 0) {
		int64_t age = clock_real_s() - (int64_t)wire_get64(when.data);
		int64_t left = (int64_t)soa_time(z, 3) - (age > 0 ? age : 0);

		z->confirmed_s = (int64_t)wire_get64(when.data);
		if (left > 0)
			loop_timer_set(z->expiry, (uint64_t)left * 1000);
		else
			on_expiry(z);
	} else if (err != ERR_NOT_FOUND) {
		log_warning("zone %s: what was kept is of no use: %s", z->name,
			    why ? why : error_text(err));
	}
	free(why);
	buf_fini(&data);
	buf_fini(&when);
}

/* --- the set of zones
 * --------------------------------------------------------------------------------------------- */

static void secondary_free(void *p)
{
	struct secondary *z = p;

	save(z);
	dns_request_cancel(z->request);
	loop_timer_free(z->timer);
	loop_timer_free(z->expiry);
	loop_timer_free(z->saving);
	received_fini(&z->received);
	free(z->remotes);
	free(z->name);
	free(z->unique);
	free(z->error);
	free(z);
}

static struct secondary *secondary_new(struct secondaries *s, const uint8_t *origin)
{
	struct secondary *z = MEM_NEW(struct secondary);

	z->s = s;
	(void)dname_lower(origin, z->origin); /* its length is not needed */
	z->name = dname_text(z->origin);
	z->timer = loop_timer_new(s->loop, on_timer, z);
	z->expiry = loop_timer_new(s->loop, on_expiry, z);
	z->saving = loop_timer_new(s->loop, save, z);
	z->first = (struct backoff){ .min_ms = FIRST_RETRY_MS, .max_ms = FIRST_RETRY_MAX_MS };
	map_put(&s->zones, z->name, z);
	return z;
}

static void add_remote(struct secondary *z, const struct remote *r)
{
	z->remotes = mem_array(z->remotes, z->nremotes + 1, sizeof(*z->remotes));
	z->remotes[z->nremotes++] = *r;
}

static struct secondary *find(const struct secondaries *s, const uint8_t *origin)
{
	uint8_t lower[DNAME_MAX];

	(void)dname_lower(origin, lower); /* its length is not needed */
	char *name = dname_text(lower);
	struct secondary *z = map_get(&s->zones, name);
	free(name);
	return z;
}

static int add_all(struct secondaries *s, const struct remotes *list, bool is_catalog,
		   char **ret_why)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct remote *r = &list->list[i];
		struct secondary *z = find(s, r->zone);

		if (s->is_taken(s->ctx, r->zone) || (z && z->is_catalog != is_catalog)) {
			char *name = dname_text(r->zone);

			*ret_why = mem_printf(
				"zone %s cannot come from a primary and from elsewhere too", name);
			free(name);
			return ERR_EXISTS;
		}
		if (z == NULL)
			z = secondary_new(s, r->zone);
		z->is_catalog = is_catalog;
		add_remote(z, r);
	}
	return 0;
}

static void start(struct secondary *z)
{
	restore(z);
	if (!have(z))
		hold_zone(z);
	else if (z->is_catalog)
		update_members(z);
	look(z);
}

/* --- members of a catalog
 * --------------------------------------------------------------------------------------------- */

static void remove_waiting(struct secondaries *s, const struct secondary *z)
{
	struct secondary **p = &s->waiting;

	while (*p && *p != z)
		p = &(*p)->next_waiting;
	if (*p == NULL)
		return;
	*p = z->next_waiting;
	if (*p == NULL)
		s->waiting_end = p;
}

static void remove_member(struct secondary *z)
{
	struct secondaries *s = z->s;

	log_info("zone %s left its catalog", z->name);
	if (z->doing == DOING_WAIT)
		remove_waiting(s, z);
	else if (z->doing != DOING_NOTHING)
		s->running--;
	forget_data(z);
	drop_zone(z);
	metric_drop(METRIC_SECONDARY_EXPIRED, z->name);
	metric_drop(METRIC_SECONDARY_REFRESHED, z->name);
	map_remove(&s->zones, z->name);
	secondary_free(z);
}

static void add_member(struct secondary *catalog, const uint8_t *origin, const char *unique)
{
	struct secondaries *s = catalog->s;
	struct secondary *z = find(s, origin);
	char *name = dname_text(origin);

	if (z && z->catalog == catalog && strcmp(z->unique, unique) != 0) {
		remove_member(z); /* RFC 9432 5.4: another label means a fresh start */
		z = NULL;
	}
	if (z == NULL && s->is_taken(s->ctx, origin)) {
		log_warning("catalog %s: zone %s is served from elsewhere", catalog->name, name);
	} else if (z && z->catalog != catalog) {
		log_warning("catalog %s: zone %s is transferred by another option or catalog",
			    catalog->name, name);
	} else if (z == NULL) {
		log_info("zone %s joined by catalog %s", name, catalog->name);
		z = secondary_new(s, origin);
		z->catalog = catalog;
		z->unique = mem_strdup(unique);
		for (size_t i = 0; i < catalog->nremotes; i++)
			add_remote(z, &catalog->remotes[i]);
		start(z);
	}
	free(name);
}

/* Make the members those of the catalog. */
static void update_members(struct secondary *catalog)
{
	struct catalog_members members = { 0 };
	struct secondaries *s = catalog->s;
	struct map_item *next;
	char *why = NULL;

	if (catalog_members_read(have(catalog), &members, &why)) {
		log_error("catalog %s: %s; its zones stay as they are", catalog->name, why);
		free(why);
		return;
	}
	for (struct map_item *i = map_first(&s->zones); i; i = next) {
		struct secondary *z = i->value;

		next = map_next(&s->zones, i);
		if (z->catalog == catalog && catalog_members_unique(&members, z->origin) == NULL)
			remove_member(z);
	}
	for (size_t i = 0; i < members.n; i++)
		add_member(catalog, members.list[i].zone, members.list[i].unique);
	catalog_members_fini(&members);
}

/* --- the door
 * ------------------------------------------------------------------------------------------------------------
 */

int secondaries_new(struct loop *loop, struct zonedb *db, struct dns_client *dns,
		    struct state *state, const struct remotes *primaries,
		    const struct remotes *catalogs, size_t max_bytes,
		    bool (*is_taken)(void *ctx, const uint8_t *origin), void *ctx,
		    struct secondaries **ret, char **ret_why)
{
	struct secondaries *s = MEM_NEW(struct secondaries);

	s->loop = loop;
	s->db = db;
	s->dns = dns;
	s->state = state;
	s->max_bytes = max_bytes;
	s->is_taken = is_taken;
	s->ctx = ctx;
	s->waiting_end = &s->waiting;
	int err = add_all(s, primaries, false, ret_why);
	if (err == 0)
		err = add_all(s, catalogs, true, ret_why);
	if (err) {
		secondaries_free(s);
		return err;
	}
	*ret = s;
	if (s->zones.n == 0)
		return 0;
	status_ready_declare("secondaries");
	set_ready(s);
	/* members that a catalog adds come behind and are started by themselves */
	size_t n = s->zones.n;
	for (struct map_item *i = map_first(&s->zones); i && n; i = map_next(&s->zones, i), n--)
		start(i->value);
	set_ready(s);
	return 0;
}

void secondaries_free(struct secondaries *s)
{
	if (s == NULL)
		return;
	map_fini(&s->zones, secondary_free);
	free(s);
}

bool secondaries_has(const struct secondaries *s, const uint8_t *origin)
{
	return find(s, origin) != NULL;
}

static bool same_host(const struct netaddr *a, const struct netaddr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool secondaries_is_primary(const struct secondaries *s, const uint8_t *origin,
			    const struct netaddr *client, const struct tsig_key *key)
{
	const struct secondary *z = find(s, origin);

	for (size_t i = 0; z && i < z->nremotes; i++)
		if (same_host(&z->remotes[i].addr, client) &&
		    (z->remotes[i].key == NULL || z->remotes[i].key == key))
			return true;
	return false;
}

void secondaries_notified(struct secondaries *s, const uint8_t *origin, bool has_serial,
			  uint32_t serial)
{
	struct secondary *z = find(s, origin);
	const struct zone *zone = z ? have(z) : NULL;

	if (z == NULL ||
	    (zone && has_serial && transfer_serial_compare(serial, zone_serial(zone)) <= 0))
		return;
	look(z);
}

void secondaries_refresh(struct secondaries *s)
{
	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i))
		look(i->value);
}

void secondaries_status(const struct secondaries *s, cJSON *out)
{
	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i)) {
		const struct secondary *z = i->value;
		cJSON *o = cJSON_AddObjectToObject(out, z->name);
		char text[NETADDR_TEXT_MAX];

		cJSON_AddStringToObject(o, "primary",
					netaddr_to_text_port(&z->remotes[z->server].addr, text));
		if (have(z))
			cJSON_AddNumberToObject(o, "serial", zone_serial(have(z)));
		if (z->confirmed_s)
			cJSON_AddStringToObject(o, "confirmed",
						clock_rfc3339(z->confirmed_s, text));
		if (z->is_catalog)
			cJSON_AddBoolToObject(o, "catalog", true);
		if (z->is_expired)
			cJSON_AddBoolToObject(o, "expired", true);
		if (z->error)
			cJSON_AddStringToObject(o, "error", z->error);
	}
}
