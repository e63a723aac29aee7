#include "server/rr_edit.h"

#include <stdlib.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"

bool rr_edit_has(const struct rrset *s, const uint8_t *rdata, uint16_t len)
{
	const uint8_t *there;
	uint16_t there_len;
	size_t pos = 0;

	while (s && rrset_next(s, &pos, &there, &there_len))
		if (rdata_compare(s->type, rdata, len, there, there_len) == 0)
			return true;
	return false;
}

/* What S has besides this record, in *ret (caller frees, with room for one more). */
static size_t others(const struct rrset *s, const uint8_t *rdata, uint16_t len, struct rdata **ret)
{
	size_t n = 0, pos = 0;
	const uint8_t *there;
	uint16_t there_len;

	*ret = mem_calloc(s ? rrset_count(s) + 1u : 1u, sizeof(struct rdata));
	while (s && rrset_next(s, &pos, &there, &there_len))
		if (rdata_compare(s->type, rdata, len, there, there_len) != 0)
			(*ret)[n++] = (struct rdata){ there, there_len };
	return n;
}

int rr_edit_add(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		uint32_t ttl, const uint8_t *rdata, uint16_t len)
{
	const struct rrset *s = txn_rrset(t, origin, owner, type);
	struct rdata *list;

	if (rr_edit_has(s, rdata, len) && s->variants[0].ttl == ttl)
		return ERR_EXISTS;
	size_t n = others(s, rdata, len, &list);
	list[n++] = (struct rdata){ rdata, len };
	int err = txn_put_rrset(t, origin, owner, type, ttl, list, n);
	free(list);
	return err;
}

int rr_edit_set(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		uint32_t ttl, const uint8_t *rdata, uint16_t len)
{
	const struct rdata one = { rdata, len };

	return txn_put_rrset(t, origin, owner, type, ttl, &one, 1);
}

int rr_edit_remove(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		   const uint8_t *rdata, uint16_t len)
{
	const struct rrset *s = txn_rrset(t, origin, owner, type);
	struct rdata *list;
	int err;

	if (!rr_edit_has(s, rdata, len))
		return ERR_NOT_FOUND;
	size_t n = others(s, rdata, len, &list);
	if (n)
		err = txn_put_rrset(t, origin, owner, type, s->variants[0].ttl, list, n);
	else
		err = txn_remove(t, origin, owner, type);
	free(list);
	return err;
}
