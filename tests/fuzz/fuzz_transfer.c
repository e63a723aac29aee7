/*
 * fuzz_transfer - first octet odd: IXFR from serial 5, else AXFR; then messages with their lengths,
 * as a hostile primary sends them.  What passes is applied to a zone: it either stays as it
 * was or is a zone with SOA and NS and the serial that was promised.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/rrtype.h"
#include "lib/transfer.h"
#include "lib/wire.h"
#include "server/received.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t origin[] = "\1z\4test";
static struct zonedb *db;

static void put(struct txn *t, const char *owner, uint16_t type, const char *rdata)
{
	if (txn_put_text(t, origin, owner, type, 60, &rdata, 1))
		abort();
}

/* The zone as it always is before a transfer. */
static void begin(void)
{
	struct txn *t;

	if (db == NULL) {
		rcu_register_thread();
		db = zonedb_new();
	}
	t = txn_begin(db);
	if (txn_zone_add(t, origin) || txn_zone_clear(t, origin))
		abort();
	put(t, "z.test", RRTYPE_SOA, "a. b. 5 1 1 9 9");
	put(t, "z.test", RRTYPE_NS, "a.");
	put(t, "w.z.test", RRTYPE_A, "192.0.2.1");
	put(t, "c.z.test", RRTYPE_CNAME, "w.z.test.");
	txn_serial(t, origin, 5);
	if (txn_commit(t, NULL))
		abort();
	rcu_quiescent_state();
}

static int on_record(void *ctx, enum transfer_op op, const struct dns_record *r)
{
	return received_add(ctx, op, r);
}

/* True when the transfer is whole. */
static bool feed(struct transfer *t, const uint8_t *data, size_t size)
{
	bool done = false;
	int err = 0;

	while (size >= 2 && err == 0 && !done) {
		size_t len = wire_get16(data);
		struct dns_msg m;

		if (size - 2 < len || dns_msg_parse(data + 2, len, &m))
			return false;
		for (size_t i = 0; i < m.nrecords && err == 0; i++)
			if (m.records[i].section == DNS_ANSWER)
				err = transfer_feed(t, &m.records[i]);
		done = err == 0 && transfer_is_done(t);
		dns_msg_fini(&m);
		data += 2 + len;
		size -= 2 + len;
	}
	return done && err == 0;
}

/* serial: what it must have then; NULL: any. */
static void apply(const struct received *r, const uint32_t *serial)
{
	struct txn *txn = txn_begin(db);
	char *why = NULL;
	int err = received_apply(r, txn, origin, &why);

	if (err)
		txn_abort(txn);
	else
		err = txn_commit(txn, &why);
	free(why);
	const struct zone *z = zonedb_zone(zonedb_current(db), origin);
	assert(z && zone_rrset(z, origin, RRTYPE_SOA) && zone_rrset(z, origin, RRTYPE_NS));
	if (err)
		assert(zone_serial(z) == 5);
	else if (serial)
		assert(zone_serial(z) == *serial);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct received r = { 0 };
	struct transfer t;

	if (size < 1 || size > 200000)
		return 0;
	begin();
	transfer_init(&t, origin, data[0] & 1, 5);
	t.max_records = 10000;
	t.on_record = on_record;
	t.ctx = &r;
	if (feed(&t, data + 1, size - 1) && !t.is_current)
		apply(&r, &t.new_serial);
	/* what is kept on the disk may be damaged as well */
	struct received kept = { 0 };
	if (received_from_bytes(&kept, data, size) == 0) {
		begin();
		apply(&kept, NULL);
	}
	received_fini(&kept);
	received_fini(&r);
	return 0;
}
