/* Serials and SOA records in a transaction (zonedb/txn_inside.h). */
#include "zonedb/txn_inside.h"

#include <assert.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "zonedb/txn.h"

/* RFC 1982 3.2 */
bool txn_serial_is_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < 0x80000000u;
}

/* Where the serial is in an SOA's RDATA of LEN octets: 20 before its end. */
uint32_t txn_soa_serial(const struct rrset *r)
{
	return wire_get32(rrset_rrs(r, 0) + r->variants[0].len - 20);
}

struct rrset *txn_soa_with(const struct zone *z, const struct rrset *soa, uint32_t ttl,
			   uint32_t serial, uint64_t birth)
{
	uint8_t bytes[2 * DNAME_MAX + 20];
	size_t len = soa->variants[0].len - (size_t)RR_FIXED;
	struct rdata rd = { bytes, (uint16_t)len };
	struct variant_spec v = { &rd, 1, 0 };
	struct rrset_spec spec = { .owner = z->leaf.name,
				   .type = RRTYPE_SOA,
				   .ttl = ttl,
				   .variants = &v,
				   .nvariants = 1 };
	struct rrset *r = NULL;

	memcpy(bytes, rrset_rrs(soa, 0) + RR_FIXED, len);
	wire_put32(bytes + len - 20, serial);
	int err = rrset_new(&spec, z->leaf.name, birth, &r);
	assert(!err && r); /* short, so it fits */
	(void)err;
	return r;
}

/* Nothing to do: R is what is there already; an SOA with no newer serial counts as the same. */
bool txn_is_no_change(const struct zone *z, const struct rrset *there, const struct rrset *r)
{
	if (there == NULL)
		return false;
	if (r->type != RRTYPE_SOA || txn_serial_is_newer(txn_soa_serial(r), txn_soa_serial(there)))
		return rrset_equal(there, r);
	struct rrset *same = txn_soa_with(z, r, r->ttl, txn_soa_serial(there), 0);
	bool equal = rrset_equal(there, same);
	rrset_free(same);
	return equal;
}
