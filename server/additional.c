/* additional - the addresses of the hosts that NS, MX, SRV, SVCB and HTTPS records name. */
#include <string.h>

#include "lib/rrtype.h"
#include "lib/wire.h"
#include "server/resolve.h"

#define HOSTS_MAX 64 /* in one answer; a larger set of hosts is served without the rest */

struct additional {
	struct resolution *s;
	const struct node *done[HOSTS_MAX];
	unsigned ndone;
};

/* Octets of the RDATA before the host's name. */
static unsigned host_offset(uint16_t type)
{
	switch (type) {
	case RRTYPE_MX:
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS:
		return 2;
	case RRTYPE_SRV:
		return 6;
	default:
		return 0;
	}
}

/*
 * The node that has HOST's addresses in the zone of the RRset; elsewhere a resolver would not
 * believe them from us.  Glue is no authoritative data: it serves delegations alone (RFC
 * 2181 5.4.1).
 */
static const struct node *find_host(const struct resolution *s, const struct qname *host,
				    uint16_t type)
{
	const struct zone *z = s->zone;
	const struct node *n;

	if (host->labels < z->labels ||
	    !qname_suffix_is(host, host->labels - z->labels, z->leaf.name, z->leaf.name_len))
		return NULL;
	switch (lookup_name(z, host, &n)) {
	case LOOKUP_NODE:
	case LOOKUP_WILDCARD:
		return n;
	case LOOKUP_CUT:
		return type == RRTYPE_NS ? zone_node(z, host, 0) : NULL;
	case LOOKUP_NXDOMAIN:
	case LOOKUP_DNAME:
		return NULL;
	}
	__builtin_unreachable();
}

static bool is_done(struct additional *x, const struct node *n)
{
	for (unsigned i = 0; i < x->ndone; i++)
		if (x->done[i] == n)
			return true;
	if (x->ndone == HOSTS_MAX)
		return true; /* enough */
	x->done[x->ndone++] = n;
	return false;
}

/* RFC 9471 2: glue at or below the cut is needed to go on. */
static bool is_needed(const struct node *cut, const struct qname *host)
{
	return cut && host->labels >= cut->labels &&
	       qname_suffix_is(host, host->labels - cut->labels, cut->leaf.name,
			       cut->leaf.name_len);
}

static void put_type(struct additional *x, const struct node *n, uint16_t type,
		     const struct response_owner *owner, bool needed)
{
	const struct rrset *rrset = node_rrset(n, type);
	unsigned first;

	if (rrset == NULL)
		return;
	unsigned v = resolve_variant(x->s, rrset, &first);
	if (rrset->variants[v].count == 0)
		return;
	if (!response_rrset(&x->s->r, SECTION_ADDITIONAL, rrset, v, first, owner,
			    x->s->origin_at) &&
	    needed)
		x->s->r.tc = true;
}

/*
 * The host's name at *at of the message, complete, into NAME.  For "." in SVCB and HTTPS with a
 * priority that is the owner at RR (RFC 9460 2.5.2); elsewhere it means "no host": false.
 */
static bool read_host(const struct resolution *s, uint16_t type, size_t rr, size_t *at,
		      uint8_t *name, bool *ret_is_owner)
{
	size_t pos = *at;

	*ret_is_owner = false;
	(void)dname_unpack(s->r.msg, s->r.len, &pos, name); /* we wrote it */
	if (name[0])
		return true;
	if ((type != RRTYPE_SVCB && type != RRTYPE_HTTPS) || wire_get16(s->r.msg + *at - 2) == 0)
		return false;
	*ret_is_owner = true;
	*at = wire_get16(s->r.msg + rr) & PTR_MAX;
	pos = *at;
	(void)dname_unpack(s->r.msg, s->r.len, &pos, name);
	return true;
}

static void put_host(struct additional *x, const struct resolve_hosts *h, size_t rr)
{
	struct resolution *s = x->s;
	struct qname *host = &s->a->extra;
	size_t at = rr + RR_FIXED + host_offset(h->type);
	uint8_t name[DNAME_MAX];
	bool is_owner;

	if (!read_host(s, h->type, rr, &at, name, &is_owner))
		return;
	qname_set(host, name);
	const struct node *n = find_host(s, host, h->type);
	bool needed = is_needed(h->cut, host);
	if (n == NULL || (!needed && is_done(x, n)))
		return;
	const struct response_owner owner = { name, at };
	put_type(x, n, RRTYPE_A, &owner, needed);
	put_type(x, n, RRTYPE_AAAA, &owner, needed);
	if (!is_owner && (h->type == RRTYPE_SVCB || h->type == RRTYPE_HTTPS))
		put_type(x, n, h->type, &owner, false); /* RFC 9460 4.1 */
}

void additional_put(struct resolution *s)
{
	struct additional x = { .s = s };

	for (unsigned i = 0; i < s->nhosts; i++) {
		const struct resolve_hosts *h = &s->hosts[i];
		size_t at = h->at;

		for (unsigned k = 0; k < h->count; k++) {
			put_host(&x, h, at);
			at += RR_FIXED + (size_t)wire_get16(s->r.msg + at + 10);
		}
	}
}
