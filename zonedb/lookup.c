#include "zonedb/lookup.h"

/*
 * The uppermost cut or DNAME at or above the name hides all that is below it (RFC 1034 4.3.2 step 3
 * goes from the top).  Only depths where the zone has such nodes are probed: none in most zones.
 */
static const struct node *find_cut(const struct zone *z, const struct qname *q)
{
	uint64_t depths = z->cut_depths;

	if (q->labels < 63)
		depths &= (2ULL << q->labels) - 1;
	for (; depths; depths &= depths - 1) {
		unsigned d = (unsigned)__builtin_ctzll(depths);

		/* bit 63 stands for all the deeper ones */
		for (unsigned k = d; k <= (d == 63 ? q->labels : d); k++) {
			const struct node *n = zone_node(z, q, q->labels - k);

			if (n == NULL)
				return NULL; /* nothing exists below either */
			if (n->flags & NODE_CUT || (n->flags & NODE_DNAME && k < q->labels))
				return n;
		}
	}
	return NULL;
}

/* "*." before the suffix of Q at label I, which has such a child. */
static const struct node *wildcard(const struct zone *z, const struct qname *q, unsigned i)
{
	uint8_t name[DNAME_MAX + 2 + QNAME_SLACK] = { 1, '*' };
	size_t len = qname_suffix_len(q, i);

	memcpy(name + 2, q->lower + q->off[i], len);
	return (const struct node *)trie_find_name(z->nodes, qname_hash_octets(name, len + 2), name,
						   len + 2);
}

enum lookup_result lookup_further(const struct zone *z, const struct qname *q,
				  const struct node **ret_node)
{
	const struct node *n = find_cut(z, q);

	if (n) {
		*ret_node = n;
		return n->flags & NODE_CUT ? LOOKUP_CUT : LOOKUP_DNAME;
	}
	unsigned i = 0; /* the apex exists, so this ends */
	while ((n = zone_node(z, q, i)) == NULL)
		i++;
	*ret_node = n;
	if (i == 0)
		return LOOKUP_NODE;
	if (!(n->flags & NODE_WILDCARD))
		return LOOKUP_NXDOMAIN;
	/* the closest encloser has a "*" child: the source of synthesis */
	*ret_node = wildcard(z, q, i);
	return LOOKUP_WILDCARD;
}
