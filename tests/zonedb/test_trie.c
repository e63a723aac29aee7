/* Tests of the trie, against a list, with hashes that collide on purpose. */
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
#include "zonedb/trie.h"

struct item {
	struct trie_leaf leaf;
	uint8_t name[48];
};

static struct item *item(unsigned n, uint64_t hash)
{
	struct item *it = MEM_NEW(struct item);
	char text[32];

	snprintf(text, sizeof(text), "n%u.test", n);
	assert_int_equal(dname_from_text(text, it->name), 0);
	it->leaf.name = it->name;
	it->leaf.name_len = (uint8_t)dname_len(it->name);
	it->leaf.hash = hash;
	return it;
}

static bool count(void *ctx, const struct trie_leaf *leaf)
{
	(void)leaf;
	++*(unsigned *)ctx;
	return true;
}

static bool stop_at_three(void *ctx, const struct trie_leaf *leaf)
{
	(void)leaf;
	return ++*(unsigned *)ctx < 3;
}

static unsigned size(trie_ref root)
{
	unsigned n = 0;

	assert_true(trie_each(root, count, &n));
	return n;
}

static void keep_leaf(void *ctx, void *leaf)
{
	(void)ctx;
	(void)leaf;
}

/* Few distinct hashes: long common prefixes and buckets. */
static uint64_t bad_hash(unsigned n)
{
	switch (n % 4) {
	case 0:
		return 0;
	case 1:
		return 1ULL << 60; /* parts from 0 at the last level */
	case 2:
		return (uint64_t)n * 0x9e3779b97f4a7c15;
	default:
		return 0x1111111111111111;
	}
}

static void leaves_are_found_whatever_their_hashes(void **state)
{
	enum { N = 60 };
	struct item *items[N];
	struct cow c = { .id = 1 };
	trie_ref root = 0;
	const struct trie_leaf *old;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		items[i] = item(i, bad_hash(i));
		assert_int_equal(trie_put(&root, &c, &items[i]->leaf, &old), 0);
		assert_null(old);
		for (unsigned k = 0; k < N; k++) {
			const struct trie_leaf *l =
				k <= i ? trie_find_name(root, items[k]->leaf.hash, items[k]->name,
							items[k]->leaf.name_len)
				       : NULL;
			assert_ptr_equal(l, k <= i ? &items[k]->leaf : NULL);
		}
		assert_int_equal(size(root), i + 1);
	}
	unsigned n = 0;
	assert_false(trie_each(root, stop_at_three, &n));
	assert_int_equal(n, 3);
	/* a leaf of the same name takes the old one's place */
	struct item *again = item(8, bad_hash(8));
	assert_int_equal(trie_put(&root, &c, &again->leaf, &old), 0);
	assert_ptr_equal(old, &items[8]->leaf);
	free(items[8]);
	items[8] = again;
	/* an older version stays as it was while the next one loses everything */
	trie_ref before = root;
	struct cow next = { .id = 2 };
	for (unsigned i = 0; i < N; i++) {
		trie_remove(&root, &next, &items[i]->leaf);
		trie_remove(&root, &next, &items[i]->leaf); /* twice is nothing */
		assert_null(trie_find_name(root, items[i]->leaf.hash, items[i]->name,
					   items[i]->leaf.name_len));
		assert_int_equal(size(root), N - 1 - i);
		assert_int_equal(size(before), N);
	}
	assert_true(root == 0);
	trie_free(before, 0, keep_leaf, NULL);
	cow_dead_fini(&next.dead); /* what it names was freed with the version before */
	cow_dead_fini(&c.dead);
	for (unsigned i = 0; i < N; i++)
		free(items[i]);
}

static void a_bucket_holds_sixteen(void **state)
{
	struct item *items[17];
	struct cow c = { .id = 1 };
	trie_ref root = 0;
	const struct trie_leaf *old;

	(void)state;
	for (unsigned i = 0; i < 17; i++) {
		items[i] = item(i, 42);
		assert_int_equal(trie_put(&root, &c, &items[i]->leaf, &old),
				 i < 16 ? 0 : ERR_LIMIT);
	}
	assert_int_equal(size(root), 16);
	/* the way of queries: the first leaf's name differs, the bucket is searched */
	struct qname q;
	qname_set(&q, items[9]->name);
	for (unsigned i = 0; i < 16; i++)
		trie_remove(&root, &c, &items[i]->leaf);
	for (unsigned i = 0; i < 16; i++) {
		items[i]->leaf.hash = qname_hash(&q, 0);
		assert_int_equal(trie_put(&root, &c, &items[i]->leaf, &old), 0);
	}
	assert_ptr_equal(trie_find(root, &q, 0), &items[9]->leaf);
	qname_set(&q, (const uint8_t *)"\2no\4test");
	assert_null(trie_find(root, &q, 0));
	trie_free(root, 0, keep_leaf, NULL);
	cow_dead_fini(&c.dead);
	for (unsigned i = 0; i < 17; i++)
		free(items[i]);
}

static void names_are_prepared_for_look_ups(void **state)
{
	struct qname q;
	struct qname p;
	uint8_t wire[300] = "\3WwW\2Z@\4te[t";

	(void)state;
	assert_int_equal(qname_parse(&q, wire, 13), 0);
	assert_int_equal(q.len, 13);
	assert_int_equal(q.labels, 3);
	assert_int_equal(q.off[1], 4);
	assert_int_equal(q.off[3], 12);
	assert_memory_equal(q.lower, "\3www\2z@\4te[t\0\0\0\0\0\0\0\0", 20);
	qname_set(&p, (const uint8_t *)"\2z@\4TE[T");
	assert_true(qname_hash(&p, 0) == qname_hash(&q, 1));
	assert_true(qname_suffix_is(&q, 1, p.lower, p.len));
	assert_false(qname_suffix_is(&q, 0, p.lower, p.len));
	assert_false(qname_suffix_is(&q, 2, p.lower, p.len));
	assert_int_equal(qname_parse(&q, wire, 12), ERR_TRUNCATED);
	assert_int_equal(qname_parse(&q, wire, 0), ERR_TRUNCATED);
	assert_int_equal(
		qname_parse(&q, (const uint8_t *)"\xc0\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 2),
		ERR_SYNTAX);
	for (int i = 0; i < 260; i += 2)
		memcpy(wire + i, "\1a", 2);
	assert_int_equal(qname_parse(&q, wire, 260), ERR_TOO_LONG);
	wire[254] = 0;
	assert_int_equal(qname_parse(&q, wire, 260), 0);
	assert_int_equal(q.labels, 127);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_are_found_whatever_their_hashes),
		cmocka_unit_test(a_bucket_holds_sixteen),
		cmocka_unit_test(names_are_prepared_for_look_ups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
