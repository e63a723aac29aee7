#include "zonedb/lookup.h"

/*
 * The uppermost cut or DNAME at or above the name hides all that is below it (RFC 1034 4.3.2 step 3
 * goes from the top).  Only depths where the zone has such nodes are probed: none in most zones.
 */
static const struct node *find_cut(const struct zone *z, const struct qname *q, uint64_t depths)
{
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
	uint8_t name[DNAME_MAX + 2] = { 1, '*' };
	size_t len = (size_t)(q->len - q->off[i]);

	memcpy(name + 2, q->lower + q->off[i], len);
	return (const struct node *)trie_find_name(z->nodes, qname_star(q->hash[i]), name, len + 2);
}

enum lookup_result lookup_name(const struct zone *z, const struct qname *q,
			       const struct node **ret_node)
{
	uint64_t depths = z->cut_depths;

	if (depths && q->labels < 63)
		depths &= (2ULL << q->labels) - 1;
	if (__builtin_expect(depths != 0, 0)) {
		const struct node *cut = find_cut(z, q, depths);

		if (cut) {
			*ret_node = cut;
			return cut->flags & NODE_CUT ? LOOKUP_CUT : LOOKUP_DNAME;
		}
	}
	const struct node *n = zone_node(z, q, 0);
	if (n) {
		*ret_node = n;
		return LOOKUP_NODE;
	}
	unsigned i = 1; /* the apex exists, so this ends */
	while ((n = zone_node(z, q, i)) == NULL)
		i++;
	*ret_node = n;
	if (!(n->flags & NODE_WILDCARD))
		return LOOKUP_NXDOMAIN;
	/* the closest encloser has a "*" child: the source of synthesis */
	*ret_node = wildcard(z, q, i);
	return LOOKUP_WILDCARD;
}
