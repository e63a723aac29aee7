#include "server/resolve.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "server/settings.h"
#include "zonedb/selector.h"

/* xorshift64*: for order and choice, not for secrets */
static uint32_t random32(struct answerer *a)
{
	uint64_t x = a->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	a->random = x;
	return (uint32_t)(x * 0x2545f4914f6cdd1d >> 32);
}

static void source_address(const struct sockaddr *sa, struct selector_client *c)
{
	memset(c, 0, sizeof(*c));
	if (sa->sa_family == AF_INET) {
		c->family = 4;
		c->prefix_len = 32;
		memcpy(c->bytes, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
		return;
	}
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		c->family = 4;
		c->prefix_len = 32;
		memcpy(c->bytes, in6->s6_addr + 12, 4);
		return;
	}
	c->family = 6;
	c->prefix_len = 128;
	memcpy(c->bytes, in6->s6_addr, 16);
}

static bool is_trusted(const struct server_settings *set, const struct selector_client *c)
{
	struct netaddr a = { .family = c->family };

	if (set->ecs_trust_all)
		return true;
	memcpy(a.bytes, c->bytes, sizeof(a.bytes));
	for (size_t i = 0; i < set->necs_trust; i++)
		if (netprefix_contains(&set->ecs_trust[i], &a))
			return true;
	return false;
}

/* The client subnet if one was sent, means something and is trusted, else the packet's source. */
static void find_client(const struct resolution *s, struct selector_client *c)
{
	const struct edns *e = &s->a->query.edns;

	source_address(s->client->addr, c);
	if (!(e->flags & EDNS_HAS_SUBNET) || e->subnet_source == 0 ||
	    !is_trusted(s->a->settings, c))
		return;
	c->family = e->subnet_family == 1 ? 4 : 6;
	c->prefix_len = e->subnet_source;
	c->is_ecs = true;
	memcpy(c->bytes, e->subnet, sizeof(c->bytes));
}

static unsigned select_variant(struct resolution *s, const struct rrset *rrset)
{
	const struct selector *sel = rrset->selector;
	struct selector_client client;
	uint8_t scope = 0;

	if (sel->needs_client)
		find_client(s, &client);
	else
		memset(&client, 0, sizeof(client));
	unsigned i = sel->select(sel, &client, random32(s->a), &scope);
	if (client.is_ecs && scope > s->scope)
		s->scope = scope;
	return i < rrset->nvariants ? i : 0;
}

unsigned resolve_choose(struct resolution *s, const struct rrset *rrset, unsigned *ret_first)
{
	unsigned i = rrset->selector ? select_variant(s, rrset) : 0;
	unsigned count = rrset->variants[i].count;

	if (rrset->rotate && count > 1 && s->a->settings->rotate)
		*ret_first = (unsigned)((uint64_t)random32(s->a) * count >> 32);
	return i;
}

/* Remember an RRset that names hosts, for the additional section. */
static void add_hosts(struct resolution *s, size_t at, const struct rrset *rrset, unsigned variant,
		      const struct node *cut)
{
	if (s->nhosts == ARRAY_SIZE(s->hosts))
		return; /* ANY over TCP: additional data is optional */
	s->hosts[s->nhosts++] =
		(struct resolve_hosts){ at, rrset->type, rrset->variants[variant].count, cut };
}

/* RRset at the present name into the answer section. */
static inline __attribute__((always_inline)) bool put_answer(struct resolution *s,
							     const struct rrset *rrset,
							     unsigned variant, unsigned first)
{
	size_t at = s->r.len;

	if (!response_rrset(&s->r, SECTION_ANSWER, rrset, variant, first, &s->owner,
			    s->origin_at)) {
		s->r.tc = true; /* RFC 2181 9 */
		return false;
	}
	if (__builtin_expect(rrset->has_hosts, 0))
		add_hosts(s, at, rrset, variant, NULL);
	return true;
}

static void put_at_origin(struct resolution *s, const struct rrset *rrset, unsigned variant,
			  bool optional)
{
	const struct response_owner owner = { s->zone->leaf.name, s->origin_at };

	if (!response_rrset(&s->r, SECTION_AUTHORITY, rrset, variant, 0, &owner, s->origin_at) &&
	    !optional)
		s->r.tc = true;
}

/* RFC 2308 2: the SOA tells that there is nothing and how long that holds. */
static void negative(struct resolution *s, enum stats_kind kind)
{
	s->kind = kind;
	if (kind == STATS_NXDOMAIN) {
		s->r.rcode = DNS_RCODE_NXDOMAIN;
		s->key = s->zone->leaf.hash + 1; /* random names count together */
	}
	put_at_origin(s, s->zone->negative, 0, false);
}

/* A load-balanced name whose owner wants resolvers to ask elsewhere while nobody is healthy. */
static void refuse(struct resolution *s)
{
	s->r.rcode = DNS_RCODE_REFUSED;
	s->r.aa = false;
	s->ede = EDE_NO_REACHABLE;
	s->kind = STATS_REFUSED;
}

static void nothing_chosen(struct resolution *s, const struct rrset *rrset)
{
	if (rrset->refused)
		refuse(s);
	else
		negative(s, STATS_NODATA);
}

/* --full-responses: the zone's NS beside a positive answer. */
static void put_apex_ns(struct resolution *s)
{
	const struct rrset *ns = node_rrset(s->zone->apex, RRTYPE_NS);
	size_t at = s->r.len;
	unsigned first;

	if (s->nhosts && s->hosts[0].type == RRTYPE_NS)
		return; /* they are the answer */
	assert(ns);     /* no zone is published without */
	unsigned i = resolve_variant(s, ns, &first);
	put_at_origin(s, ns, i, true);
	if (s->r.len > at)
		add_hosts(s, at, ns, i, NULL);
}

/* RFC 8482: over UDP one RRset stands for all. */
static void answer_any(struct resolution *s, const struct node *n)
{
	bool some = false;

	for (unsigned i = 0; i < n->nrrsets && !s->r.tc; i++) {
		const struct rrset *rrset = n->rrsets[i].rrset;
		unsigned first;
		unsigned v = resolve_variant(s, rrset, &first);

		if (rrset->variants[v].count == 0)
			continue;
		some = true;
		if (!put_answer(s, rrset, v, first) || !s->client->is_tcp)
			break;
	}
	if (!some)
		negative(s, STATS_NODATA);
}

/*
 * The alias's RDATA is the next name to look up; where it stands serves as owner from now on.  All
 * aliases of an answer fit below PTR_MAX: ANSWER_HOPS times a DNAME and a CNAME are < 9,000 octets.
 */
static bool follow(struct resolution *s, const uint8_t *target, size_t at)
{
	s->seen[s->hops] = qname_hash(s->name, 0);
	(void)qname_parse(&s->a->chain, target, DNAME_MAX); /* it was valid when it was put */
	s->name = &s->a->chain;
	s->owner = (struct response_owner){ target, at };
	uint64_t hash = qname_hash(s->name, 0);
	for (unsigned i = 0; i <= s->hops; i++)
		if (s->seen[i] == hash)
			return false; /* a loop: what was found is the answer */
	return s->hops < ANSWER_HOPS;
}

static bool follow_cname(struct resolution *s, const struct rrset *cname)
{
	unsigned first;
	unsigned v = resolve_variant(s, cname, &first);
	size_t at = s->r.len;

	if (cname->variants[v].count == 0) {
		negative(s, STATS_NODATA);
		return false;
	}
	if (!put_answer(s, cname, v, 0))
		return false;
	return follow(s, rrset_rrs(cname, v) + RR_FIXED, at + RR_FIXED);
}

/*
 * What NODE says about the type asked for.  True: the answer goes on with another name.
 */
static inline __attribute__((always_inline)) bool from_node(struct resolution *s,
							    const struct node *n)
{
	uint16_t qtype = s->a->query.qtype;
	const struct rrset *rrset = node_rrset(n, qtype);
	unsigned first;

	s->key = n->leaf.hash;
	if (__builtin_expect(rrset != NULL, 1)) {
		unsigned v = resolve_variant(s, rrset, &first);

		if (rrset->variants[v].count == 0)
			nothing_chosen(s, rrset);
		else
			put_answer(s, rrset, v, first);
		return false;
	}
	if (qtype == RRTYPE_ANY) {
		answer_any(s, n);
		return false;
	}
	rrset = node_rrset(n, RRTYPE_CNAME);
	if (rrset)
		return follow_cname(s, rrset);
	negative(s, STATS_NODATA);
	return false;
}

/* RFC 1034 4.3.2 step 3b.  Not authoritative unless an alias of ours led here. */
static void referral(struct resolution *s, const struct node *cut)
{
	const struct rrset *ns = node_rrset(cut, RRTYPE_NS);
	const struct response_owner owner = {
		cut->leaf.name, response_suffix(&s->r, s->owner.at, s->name->labels - cut->labels)
	};
	size_t at = s->r.len;
	unsigned first;

	if (s->hops == 0)
		s->r.aa = false;
	s->kind = STATS_REFERRAL;
	s->key = cut->leaf.hash + 2;
	assert(ns); /* else it were no cut */
	unsigned v = resolve_variant(s, ns, &first);
	if (!response_rrset(&s->r, SECTION_AUTHORITY, ns, v, first, &owner, s->origin_at)) {
		s->r.tc = true;
		return;
	}
	add_hosts(s, at, ns, v, cut);
}

/* The synthesised CNAME: unsigned, with the DNAME's TTL (RFC 6672 3.1). */
static bool put_synthesised(struct resolution *s, uint32_t ttl, const uint8_t *target, size_t len)
{
	uint8_t *p = s->r.msg + s->r.len;

	if (s->r.len + RR_FIXED + len > s->r.max) {
		s->r.tc = true;
		return false;
	}
	wire_put16(p, (uint16_t)(0xc000 | s->owner.at));
	wire_put16(p + 2, RRTYPE_CNAME);
	wire_put16(p + 4, DNS_CLASS_IN);
	wire_put32(p + 6, ttl);
	wire_put16(p + 10, (uint16_t)len);
	memcpy(p + RR_FIXED, target, len);
	s->r.len += RR_FIXED + len;
	response_count(&s->r, SECTION_ANSWER, 1);
	return true;
}

/* RFC 6672 3.2: the name's suffix is replaced; YXDOMAIN if the result is too long. */
static bool follow_dname(struct resolution *s, const struct node *n)
{
	const struct rrset *dname = node_rrset(n, RRTYPE_DNAME);
	unsigned skip = s->name->labels - n->labels;
	size_t prefix = s->name->off[skip];
	const struct response_owner owner = { n->leaf.name,
					      response_suffix(&s->r, s->owner.at, skip) };
	uint16_t qtype = s->a->query.qtype;
	unsigned first;

	assert(dname); /* else lookup_name had not come here */
	s->key = n->leaf.hash;
	unsigned v = resolve_variant(s, dname, &first);
	const uint8_t *to = rrset_rrs(dname, v) + RR_FIXED;
	if (dname->variants[v].count == 0) {
		negative(s, STATS_NODATA);
		return false;
	}
	if (!response_rrset(&s->r, SECTION_ANSWER, dname, v, 0, &owner, s->origin_at)) {
		s->r.tc = true;
		return false;
	}
	size_t to_len = dname_len(to);
	if (prefix + to_len > DNAME_MAX) {
		s->r.rcode = DNS_RCODE_YXDOMAIN;
		s->kind = STATS_ERROR;
		return false;
	}
	uint8_t *target = s->a->synth[s->hops & 1]; /* the present name may be in the other */
	memcpy(target, s->owner.name, prefix);
	memcpy(target + prefix, to, to_len);
	if (!put_synthesised(s, dname->variants[v].ttl, target, prefix + to_len))
		return false;
	if (qtype == RRTYPE_CNAME || qtype == RRTYPE_ANY)
		return false; /* that CNAME is the answer */
	return follow(s, target, s->r.len - prefix - to_len);
}

/* RFC 8914 4.15. */
static void not_ready(struct resolution *s)
{
	s->r.rcode = DNS_RCODE_SERVFAIL;
	s->ede = EDE_NOT_READY;
	s->kind = STATS_ERROR;
	s->key = s->zone->leaf.hash + 4;
	s->zone = NULL;
}

/* One name.  True: go on with the name that an alias led to. */
static bool step(struct resolution *s)
{
	uint16_t qtype = s->a->query.qtype;
	unsigned labels = s->name->labels;
	unsigned max = labels;
	const struct node *n;

	if (__builtin_expect(qtype == RRTYPE_DS && max > 0, 0))
		max--; /* the parent's side has it (RFC 4035 3.1.4.1), if we serve that */
	while ((s->zone = version_find(s->version, s->name, max)) == NULL) {
		if (max == labels)
			return false;
		max = labels;
	}
	if (__builtin_expect(s->zone->is_held, 0)) {
		not_ready(s);
		return false;
	}
	s->r.aa = true;
	max = labels - s->zone->labels;
	s->origin_at = s->hops == 0 ? QNAME_AT + s->name->off[max]
				    : response_suffix(&s->r, s->owner.at, max);
	enum lookup_result found = lookup_name(s->zone, s->name, &n);
	if (found == LOOKUP_CUT && qtype == RRTYPE_DS && n->labels == labels)
		found = LOOKUP_NODE;
	switch (found) {
	case LOOKUP_NODE:
	case LOOKUP_WILDCARD:
		return from_node(s, n);
	case LOOKUP_NXDOMAIN:
		negative(s, STATS_NXDOMAIN);
		return false;
	case LOOKUP_CUT:
		referral(s, n);
		return false;
	case LOOKUP_DNAME:
		return follow_dname(s, n);
	}
	__builtin_unreachable();
}

void resolve_query(struct resolution *s)
{
	s->name = &s->a->query.qname;
	s->owner = (struct response_owner){ s->r.msg + QNAME_AT, QNAME_AT };
	while (step(s))
		s->hops++;
	if (s->zone == NULL && s->hops == 0 && s->ede == EDE_NONE) {
		s->r.rcode = DNS_RCODE_REFUSED; /* no upward referrals */
		s->ede = EDE_NOT_AUTHORITATIVE;
		s->kind = STATS_REFUSED;
		s->key = 4 + DNS_RCODE_REFUSED;
		return;
	}
	if (s->r.tc)
		return;
	if (s->a->settings->full_responses && s->kind == STATS_ANSWER && s->zone)
		put_apex_ns(s);
	if (s->nhosts)
		additional_put(s);
}
