/* The data of secondary zones: kept, confirmed, expired (server/secondary_inside.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"
#include "lib/state.h"
#include "lib/status.h"
#include "lib/transfer.h"
#include "lib/wire.h"
#include "server/received.h"
#include "server/secondary_inside.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

#define TABLE_DATA  "secondary"    /* origin -> records as in received.h */
#define TABLE_TIMES "secondary_ok" /* origin -> real time of the last confirmation, 8 octets */

enum {
	TIME_MAX_S = 28 * 86400, /* refresh and retry beyond that are not believed */
};

/* --- what we have --------------------------------------------------------------------------------
 */

const struct zone *secondary_data(const struct secondary *z)
{
	return zonedb_zone(zonedb_current(z->s->db), z->origin);
}

const uint8_t *secondary_data_soa(const struct zone *zone, uint16_t *ret_len)
{
	const struct rrset *soa = zone_rrset(zone, zone_origin(zone), RRTYPE_SOA);
	const uint8_t *rdata = NULL;
	size_t pos = 0;

	if (soa)
		(void)rrset_next(soa, &pos, &rdata, ret_len); /* it has one */
	return rdata;
}

/* REFRESH, RETRY or EXPIRE (1, 2, 3) of our SOA, in seconds and in reason. */
uint32_t secondary_data_time(const struct secondary *z, unsigned which)
{
	const struct zone *zone = secondary_data(z);
	uint16_t len = 0;
	const uint8_t *soa = zone ? secondary_data_soa(zone, &len) : NULL;
	uint32_t s = soa ? wire_get32(soa + len - 20 + 4 * which) : 60;

	if (s < 1)
		s = 1;
	return which < 3 && s > TIME_MAX_S ? TIME_MAX_S : s;
}

void secondary_data_set_ready(struct secondaries *s)
{
	const char *missing = NULL;
	char *why = NULL;

	for (struct map_item *i = map_first(&s->zones); i && missing == NULL;
	     i = map_next(&s->zones, i))
		if (!((struct secondary *)i->value)->catalog && secondary_data(i->value) == NULL)
			missing = i->key;
	if (missing)
		why = mem_printf("zone %s was not transferred yet", missing);
	status_ready_set("secondaries", missing == NULL, why);
	free(why);
	status_touch();
}

/* --- keeping --- */

void secondary_data_save(void *ctx)
{
	struct secondary *z = ctx;
	const struct zone *zone = secondary_data(z);
	struct received r = { 0 };

	if (!z->is_dirty || zone == NULL || z->s->state == NULL)
		return;
	z->is_dirty = false;
	received_from_zone(&r, zone);
	state_put(z->s->state, TABLE_DATA, z->origin, dname_len(z->origin), r.records.data,
		  r.records.len);
	received_fini(&r);
}

void secondary_data_forget(struct secondary *z)
{
	z->is_dirty = false;
	state_delete(z->s->state, TABLE_DATA, z->origin, dname_len(z->origin));
	state_delete(z->s->state, TABLE_TIMES, z->origin, dname_len(z->origin));
}

/* --- times --- */

/* We have to answer for it and cannot (RFC 1034 4.3.5): SERVFAIL until a primary confirms it. */
void secondary_data_hold(struct secondary *z)
{
	struct txn *t = txn_begin(z->s->db);

	txn_zone_hold(t, z->origin);
	(void)txn_commit(t, NULL); /* nothing is left that could be wrong */
}

void secondary_data_drop(struct secondary *z)
{
	struct txn *t = txn_begin(z->s->db);

	if (txn_zone_drop(t, z->origin)) {
		txn_abort(t);
		return;
	}
	(void)txn_commit(t, NULL); /* nothing is left that could be wrong */
}

void secondary_data_expired(void *ctx)
{
	struct secondary *z = ctx;

	log_error("zone %s is expired: no primary confirmed it for %" PRIu32 " s", z->name,
		  secondary_data_time(z, 3));
	z->is_expired = true;
	metric_set(METRIC_SECONDARY_EXPIRED, 1, z->name);
	secondary_data_hold(z);
	backoff_reset(&z->first);
	secondary_data_set_ready(z->s);
}

/* The primary said that we are current, or made us so. */
void secondary_data_confirmed(struct secondary *z)
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
	loop_timer_set(z->timer, secondary_data_time(z, 1) * 1000ull);
	loop_timer_set(z->expiry, secondary_data_time(z, 3) * 1000ull);
}

int secondary_data_publish(struct secondary *z, char **ret_why)
{
	struct txn *t = txn_begin(z->s->db);
	int err = received_apply(&z->received, t, z->origin, ret_why);

	if (err) {
		txn_abort(t);
		return err;
	}
	return txn_commit(t, ret_why);
}

/* --- restart --- */

/* Serve what was kept, if it is not expired meanwhile. */
void secondary_data_restore(struct secondary *z)
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
		err = secondary_data_publish(z, &why);
	received_fini(&z->received);
	if (err == 0) {
		int64_t age = clock_real_s() - (int64_t)wire_get64(when.data);
		int64_t left = (int64_t)secondary_data_time(z, 3) - (age > 0 ? age : 0);

		z->confirmed_s = (int64_t)wire_get64(when.data);
		if (left > 0)
			loop_timer_set(z->expiry, (uint64_t)left * 1000);
		else
			secondary_data_expired(z);
	} else if (err != ERR_NOT_FOUND) {
		log_warning("zone %s: what was kept is of no use: %s", z->name,
			    why ? why : error_text(err));
	}
	free(why);
	buf_fini(&data);
	buf_fini(&when);
}
