#include "lib/transfer.h"

#include <string.h>

#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

int transfer_serial_compare(uint32_t a, uint32_t b)
{
	int32_t d = (int32_t)(a - b);

	return d < 0 ? -1 : d > 0;
}

uint32_t transfer_soa_serial(const uint8_t *rdata, size_t len)
{
	return wire_get32(rdata + len - 20);
}

void transfer_init(struct transfer *t, const uint8_t *zone, bool incremental, uint32_t serial)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->zone, zone, dname_len(zone));
	t->incremental = incremental;
	t->serial = serial;
	t->diff_serial = serial;
}

static int report(struct transfer *t, enum transfer_op op, const struct dns_record *r)
{
	return t->on_record ? t->on_record(t->ctx, op, r) : 0;
}

/* The SOA that the transfer began with, given as a record again. */
static int report_first(struct transfer *t, enum transfer_op op)
{
	struct dns_record r = { .section = DNS_ANSWER,
				.owner = t->zone,
				.type = RRTYPE_SOA,
				.rclass = DNS_CLASS_IN,
				.rdlen = t->soa_len,
				.rdata = t->soa };

	r.ttl = wire_get32(t->soa + t->soa_len); /* kept behind the RDATA */
	return report(t, op, &r);
}

static int begin(struct transfer *t, const struct dns_record *r, bool is_soa)
{
	if (!is_soa)
		return ERR_PROTOCOL;
	memcpy(t->soa, r->rdata, r->rdlen);
	wire_put32(t->soa + r->rdlen, r->ttl);
	t->soa_len = r->rdlen;
	t->new_serial = transfer_soa_serial(r->rdata, r->rdlen);
	t->state = TRANSFER_STATE_FIRST;
	return 0;
}

static int end(struct transfer *t)
{
	t->state = TRANSFER_STATE_END;
	return 0;
}

/* The second record tells AXFR from IXFR (RFC 1995 4). */
static int second(struct transfer *t, const struct dns_record *r, bool is_soa)
{
	int err;

	if (is_soa && t->incremental) {
		uint32_t serial = transfer_soa_serial(r->rdata, r->rdlen);

		/* a whole zone of one SOA would end here; it has no NS, so it is none */
		if (serial != t->serial || transfer_serial_compare(t->new_serial, t->serial) <= 0)
			return ERR_PROTOCOL;
		t->state = TRANSFER_STATE_DELETE;
		return report(t, TRANSFER_DELETE, r);
	}
	t->is_full = true;
	t->state = TRANSFER_STATE_FULL;
	err = report_first(t, TRANSFER_FULL);
	if (err)
		return err;
	return is_soa ? end(t) : report(t, TRANSFER_FULL, r);
}

static int full(struct transfer *t, const struct dns_record *r, bool is_soa)
{
	if (!is_soa)
		return report(t, TRANSFER_FULL, r);
	/* RFC 5936 2.2: the last record is the first again; another SOA is no zone of ours */
	if (rdata_compare(RRTYPE_SOA, r->rdata, r->rdlen, t->soa, t->soa_len) != 0)
		return ERR_PROTOCOL;
	return end(t);
}

static int deletions(struct transfer *t, const struct dns_record *r, bool is_soa)
{
	if (!is_soa)
		return report(t, TRANSFER_DELETE, r);
	uint32_t serial = transfer_soa_serial(r->rdata, r->rdlen);

	if (transfer_serial_compare(serial, t->diff_serial) <= 0 ||
	    transfer_serial_compare(serial, t->new_serial) > 0)
		return ERR_PROTOCOL; /* differences go upwards, not beyond the end */
	t->diff_serial = serial;
	t->state = TRANSFER_STATE_ADD;
	return report(t, TRANSFER_ADD, r);
}

static int additions(struct transfer *t, const struct dns_record *r, bool is_soa)
{
	if (!is_soa)
		return report(t, TRANSFER_ADD, r);
	if (transfer_soa_serial(r->rdata, r->rdlen) != t->diff_serial)
		return ERR_PROTOCOL; /* neither the end nor the next difference */
	if (t->diff_serial == t->new_serial)
		return end(t);
	t->state = TRANSFER_STATE_DELETE;
	return report(t, TRANSFER_DELETE, r);
}

int transfer_feed(struct transfer *t, const struct dns_record *r)
{
	bool is_soa = r->type == RRTYPE_SOA;

	if (r->rclass != DNS_CLASS_IN || !rdata_type_is_data(r->type))
		return ERR_PROTOCOL;
	if (is_soa ? !dname_equal(r->owner, t->zone) : !dname_is_subdomain(r->owner, t->zone))
		return ERR_PROTOCOL;
	t->records++;
	t->bytes += dname_len(r->owner) + 10u + r->rdlen;
	if ((t->max_records && t->records > t->max_records) ||
	    (t->max_bytes && t->bytes > t->max_bytes))
		return ERR_LIMIT;
	switch (t->state) {
	case TRANSFER_STATE_BEGIN:
		return begin(t, r, is_soa);
	case TRANSFER_STATE_FIRST:
		return second(t, r, is_soa);
	case TRANSFER_STATE_FULL:
		return full(t, r, is_soa);
	case TRANSFER_STATE_DELETE:
		return deletions(t, r, is_soa);
	case TRANSFER_STATE_ADD:
		return additions(t, r, is_soa);
	case TRANSFER_STATE_END:
		return ERR_PROTOCOL;
	}
	return ERR_PROTOCOL;
}

bool transfer_is_done(struct transfer *t)
{
	if (t->state == TRANSFER_STATE_FIRST && t->incremental &&
	    transfer_serial_compare(t->new_serial, t->serial) <= 0) {
		t->is_current = true;
		t->state = TRANSFER_STATE_END;
	}
	return t->state == TRANSFER_STATE_END;
}
