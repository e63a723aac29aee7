/*
 * Tests of look-ups: random zones, changed at random, against a plain reading of RFC 1034 4.3.2,
 * RFC 4592 and RFC 6672 over a list of names.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "zonedb/lookup.h"
#include "zonedb/txn.h"
#include "zonedb/version.h"

#define MAX 400

/* What the zone should hold: owner and type, "" is the apex. */
struct record {
	char owner[64];
	uint16_t type;
};

struct model {
	struct record r[MAX];
	unsigned n;
};

static struct zonedb *db;
static uint8_t origin[DNAME_MAX];
static uint64_t rnd = 88172645463325252ULL;

static unsigned pick(unsigned n)
{
	rnd ^= rnd << 13;
	rnd ^= rnd >> 7;
	rnd ^= rnd << 17;
	return (unsigned)(rnd >> 33) % n;
}

/* One to four labels of few kinds, so that names meet. */
static void random_name(char *out)
{
	static const char *const labels[] = { "a", "b", "*", "c" };
	unsigned n = 1 + pick(4);

	*out = '\0';
	while (n--) {
		strcat(out, labels[pick(4)]);
		if (n)
			strcat(out, ".");
	}
}

static const uint8_t *wire(const char *name)
{
	static uint8_t out[DNAME_MAX];
	char text[100];

	snprintf(text, sizeof(text), "%s%sz.test", name, *name ? "." : "");
	assert_int_equal(dname_from_text(text, out), 0);
	return out;
}

static bool has(const struct model *m, const char *owner, uint16_t type)
{
	for (unsigned i = 0; i < m->n; i++)
		if (strcmp(m->r[i].owner, owner) == 0 && (type == 0 || m->r[i].type == type))
			return true;
	return false;
}

/* Is NAME PARENT or below it? */
static bool is_below(const char *name, const char *parent)
{
	size_t n = strlen(name);
	size_t p = strlen(parent);

	if (p == 0)
		return true;
	return n >= p && strcmp(name + n - p, parent) == 0 && (n == p || name[n - p - 1] == '.');
}

/* RFC 4592 2.2.2: a name exists if it or something below it owns records. */
static bool exists(const struct model *m, const char *name)
{
	if (*name == '\0')
		return true;
	for (unsigned i = 0; i < m->n; i++)
		if (is_below(m->r[i].owner, name))
			return true;
	return false;
}

static const char *parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : "";
}

static unsigned depth(const char *name)
{
	unsigned n = *name != '\0';

	for (; *name; name++)
		n += *name == '.';
	return n;
}

/* The ancestor of NAME (or itself) with D labels. */
static const char *ancestor(const char *name, unsigned d)
{
	unsigned n = depth(name);

	for (; n > d; n--)
		name = parent(name);
	return name;
}

static enum lookup_result plain(const struct model *m, const char *name, char *ret_node)
{
	for (unsigned d = 0; d <= depth(name); d++) {
		const char *a = ancestor(name, d);

		strcpy(ret_node, a);
		if (d > 0 && has(m, a, RRTYPE_NS))
			return LOOKUP_CUT;
		if (d < depth(name) && has(m, a, RRTYPE_DNAME))
			return LOOKUP_DNAME;
	}
	strcpy(ret_node, name);
	if (exists(m, name))
		return LOOKUP_NODE;
	const char *encloser = name;
	while (!exists(m, encloser))
		encloser = parent(encloser);
	snprintf(ret_node, 80, "*%s%s", *encloser ? "." : "", encloser);
	if (exists(m, ret_node))
		return LOOKUP_WILDCARD;
	strcpy(ret_node, encloser);
	return LOOKUP_NXDOMAIN;
}

static void check_name(const struct model *m, const char *name)
{
	char want[100];
	const struct node *n;
	struct qname q;
	enum lookup_result expected = plain(m, name, want);

	qname_set(&q, wire(name));
	const struct zone *z = version_find(zonedb_current(db), &q, q.labels);
	assert_non_null(z);
	enum lookup_result got = lookup_name(z, &q, &n);
	char *text = dname_text(n->leaf.name);
	char full[120];
	snprintf(full, sizeof(full), "%s%sz.test", want, *want ? "." : "");
	if (got != expected || strcmp(text, full) != 0)
		fail_msg("%s: want %d at %s, got %d at %s", name, (int)expected, full, (int)got,
			 text);
	free(text);
}

struct walk {
	unsigned n;
	uint8_t last[DNAME_MAX];
};

static bool see_in_order(void *ctx, const uint8_t *owner, const struct rrset *rrset)
{
	struct walk *w = ctx;

	(void)rrset;
	if (w->n++)
		assert_true(dname_compare(w->last, owner) <= 0);
	memcpy(w->last, owner, dname_len(owner));
	return true;
}

static void check_all(const struct model *m)
{
	const struct zone *z = zonedb_zone(zonedb_current(db), origin);
	struct walk w = { 0 };

	for (unsigned i = 0; i < 60; i++) {
		char name[64];

		random_name(name);
		check_name(m, name);
	}
	check_name(m, "");
	for (unsigned i = 0; i < m->n; i++)
		assert_non_null(zone_rrset(z, wire(m->r[i].owner), m->r[i].type));
	zone_each(z, see_in_order, &w);
	assert_int_equal(w.n, m->n);
	assert_int_equal(zone_count(z), m->n);
}

static const char *rdata_for(uint16_t type)
{
	switch (type) {
	case RRTYPE_SOA:
		return "a. b. 1 2 3 4 5";
	case RRTYPE_A:
		return "192.0.2.1";
	case RRTYPE_TXT:
		return "x";
	default:
		return "ns.other.test.";
	}
}

static void put(struct txn *t, struct model *m, const char *owner, uint16_t type)
{
	const char *rdata = rdata_for(type);
	char *text = dname_text(wire(owner));
	int err = txn_put_text(t, origin, text, type, 30, &rdata, 1);

	free(text);
	if (err == 0 && !has(m, owner, type)) {
		strcpy(m->r[m->n].owner, owner);
		m->r[m->n++].type = type;
	}
}

static void drop(struct txn *t, struct model *m, const char *name, uint16_t type)
{
	char owner[64]; /* NAME may be one of those that move */
	unsigned k = 0;

	strcpy(owner, name);
	assert_int_equal(txn_remove(t, origin, wire(owner), type), 0);
	for (unsigned i = 0; i < m->n; i++)
		if (strcmp(m->r[i].owner, owner) != 0 || (type && m->r[i].type != type))
			m->r[k++] = m->r[i];
	m->n = k;
}

static void put_apex(struct txn *t, struct model *m)
{
	put(t, m, "", RRTYPE_SOA);
	put(t, m, "", RRTYPE_NS);
}

static void change(struct txn *t, struct model *m)
{
	static const uint16_t types[] = { RRTYPE_A,     RRTYPE_A,  RRTYPE_TXT,
					  RRTYPE_CNAME, RRTYPE_NS, RRTYPE_DNAME };
	char name[64];

	random_name(name);
	if (pick(100) == 0) {
		assert_int_equal(txn_zone_clear(t, origin), 0);
		m->n = 0;
		put_apex(t, m);
	}
	if (m->n > MAX - 10 || pick(5) < 2)
		drop(t, m, m->n > 2 && pick(2) ? m->r[2 + pick(m->n - 2)].owner : name,
		     pick(2) ? 0 : types[pick(6)]);
	else
		put(t, m, name, types[pick(pick(4) ? 3 : 6)]);
	if (!has(m, "", RRTYPE_NS))
		put_apex(t, m);
}

static void look_ups_agree_with_a_plain_reading_of_the_rfcs(void **state)
{
	static struct model m;
	static struct model next;

	(void)state;
	db = zonedb_new();
	(void)dname_from_text("z.test", origin);
	struct txn *t = txn_begin(db);
	assert_int_equal(txn_zone_add(t, origin), 0);
	put_apex(t, &m);
	assert_int_equal(txn_commit(t, NULL), 0);
	for (unsigned i = 0; i < 3000; i++) {
		next = m;
		t = txn_begin(db);
		for (unsigned k = 1 + pick(8); k; k--)
			change(t, &next);
		if (pick(4) == 0) {
			txn_abort(t);
		} else {
			assert_int_equal(txn_commit(t, NULL), 0);
			m = next;
		}
		check_all(&m);
	}
	rcu_barrier();
	zonedb_free(db);
}

/* RFC 4034 6.1, with octets that sort below and above, and names alike for long. */
static void walks_go_in_canonical_order(void **state)
{
	static const char *const labels[] = {
		"a",
		"\\000",
		"\\001",
		"\\001\\001",
		"\\000\\000",
		"\\002",
		"b",
		"A\\255",
		"*",
		"aa",
		"averyveryverylonglabelindeed1",
		"averyveryverylonglabelindeed2",
		"a\\.b",
		"a\\000",
	};
	static const char *const soa[] = { "a. b. 1 2 3 4 5" };
	static const char *const ns[] = { "ns." };
	static const char *const a[] = { "192.0.2.1" };
	struct walk w = { 0 };
	unsigned names = 2;

	(void)state;
	db = zonedb_new();
	(void)dname_from_text("z.test", origin);
	struct txn *t = txn_begin(db);
	assert_int_equal(txn_zone_add(t, origin), 0);
	assert_int_equal(txn_put_text(t, origin, "z.test", RRTYPE_SOA, 1, soa, 1), 0);
	assert_int_equal(txn_put_text(t, origin, "z.test", RRTYPE_NS, 1, ns, 1), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(labels); i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(labels); k++) {
			char text[200];

			snprintf(text, sizeof(text), "%s.%s.z.test", labels[k], labels[i]);
			assert_int_equal(txn_put_text(t, origin, text, RRTYPE_A, 1, a, 1), 0);
			names++;
		}
	}
	assert_int_equal(txn_commit(t, NULL), 0);
	zone_each(zonedb_zone(zonedb_current(db), origin), see_in_order, &w);
	assert_int_equal(w.n, names);
	zonedb_free(db);
}

/* Zones within zones, at depths beyond what a word's bits tell apart. */
static void the_deepest_zone_is_found(void **state)
{
	static const char *const soa[] = { "a. b. 1 2 3 4 5" };
	static const char *const ns[] = { "ns." };
	char name[600] = "test";
	uint8_t w[DNAME_MAX];
	struct qname q;

	(void)state;
	db = zonedb_new();
	struct txn *t = txn_begin(db);
	for (unsigned labels = 1; labels <= 120; labels++) {
		if (labels % 4 == 1 || labels > 60) {
			assert_int_equal(dname_from_text(name, w), 0);
			assert_int_equal(txn_zone_add(t, w), 0);
			assert_int_equal(txn_put_text(t, w, name, RRTYPE_SOA, 1, soa, 1), 0);
			assert_int_equal(txn_put_text(t, w, name, RRTYPE_NS, 1, ns, 1), 0);
		}
		memmove(name + 2, name, strlen(name) + 1);
		memcpy(name, "x.", 2);
	}
	assert_int_equal(txn_commit(t, NULL), 0);
	for (unsigned labels = 125; labels >= 1; labels--) {
		unsigned want = labels > 120  ? 120
				: labels > 60 ? labels
					      : (labels - 1) / 4 * 4 + 1;

		strcpy(name, "test");
		for (unsigned i = 1; i < labels; i++) {
			memmove(name + 2, name, strlen(name) + 1);
			memcpy(name, i == labels - 1 && labels > 120 ? "y." : "x.", 2);
		}
		assert_int_equal(dname_from_text(name, w), 0);
		qname_set(&q, w);
		const struct zone *z = version_find(zonedb_current(db), &q, q.labels);
		/* gcc does not see that assert_non_null ends the test */
		assert_int_equal(z ? z->labels : UINT_MAX, want);
	}
	qname_set(&q, (const uint8_t *)"\1x\5other");
	assert_null(version_find(zonedb_current(db), &q, q.labels));
	/* deep cuts are found, too */
	t = txn_begin(db);
	(void)dname_from_text("test", w);
	assert_int_equal(txn_zone_clear(t, w), 0);
	assert_int_equal(txn_put_text(t, w, "test", RRTYPE_SOA, 1, soa, 1), 0);
	assert_int_equal(txn_put_text(t, w, "test", RRTYPE_NS, 1, ns, 1), 0);
	strcpy(name, "test");
	for (unsigned i = 1; i < 80; i++) {
		memmove(name + 2, name, strlen(name) + 1);
		memcpy(name, "d.", 2);
	}
	assert_int_equal(txn_put_text(t, w, name, RRTYPE_NS, 1, ns, 1), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	memmove(name + 4, name, strlen(name) + 1);
	memcpy(name, "e.f.", 4);
	uint8_t deep[DNAME_MAX];
	const struct node *n;
	assert_int_equal(dname_from_text(name, deep), 0);
	qname_set(&q, deep);
	assert_int_equal(lookup_name(zonedb_zone(zonedb_current(db), w), &q, &n), LOOKUP_CUT);
	assert_int_equal(n->labels, 80);
	qname_set(&q, deep + 2 * 10);
	assert_int_equal(lookup_name(zonedb_zone(zonedb_current(db), w), &q, &n), LOOKUP_NODE);
	zonedb_free(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(look_ups_agree_with_a_plain_reading_of_the_rfcs),
		cmocka_unit_test(walks_go_in_canonical_order),
		cmocka_unit_test(the_deepest_zone_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
