/* plan: ExternalDNS's decisions as a table, then our own rules. */
#include "sync/plan.h"

#include <stdio.h>

#include "lib/clock.h"
#include "sync/domain_filter.h"
#include "sync/target.h"
#include "tests/sync/words.h"

#define MANY 12

struct row {
	const char *what;
	const char *current[MANY]; /* owner= and resource= say what the registry knows */
	const char *desired[MANY];
	const char *changes[MANY]; /* "+" create, "-" delete, "~" update to, "!" skipped */
	enum plan_policy policy;
	const char *managed; /* NULL: A,AAAA,CNAME */
};

static const struct row rows[] = {
	{ .what = "nothing", { NULL }, { NULL }, { NULL } },
	{ .what = "a new name is created",
	  { NULL },
	  { "a.x A 1.1.1.1 resource=ingress/d/a" },
	  { "+ a.x A 1.1.1.1" } },
	{ .what = "a record that stands is kept",
	  { "a.x A 1.1.1.1 owner=me" },
	  { "a.x A 1.1.1.1" },
	  { NULL } },
	{ .what = "changed targets are an update",
	  { "a.x A 1.1.1.1 owner=me" },
	  { "a.x A 2.2.2.2" },
	  { "~ a.x A 2.2.2.2" } },
	{ .what = "order and case of targets do not matter",
	  { "a.x CNAME LB.Example owner=me", "b.x A 1.1.1.1,2.2.2.2 owner=me" },
	  { "a.x CNAME lb.example.", "b.x A 2.2.2.2,1.1.1.1" },
	  { NULL } },
	{ .what = "spelling of IPv6 does not matter",
	  { "a.x AAAA 2001:db8:0:0::1 owner=me" },
	  { "a.x AAAA 2001:DB8::1" },
	  { NULL } },
	{ .what = "a TTL that is not configured is not compared",
	  { "a.x A 1.1.1.1 ttl=300 owner=me" },
	  { "a.x A 1.1.1.1" },
	  { NULL } },
	{ .what = "a configured TTL is",
	  { "a.x A 1.1.1.1 ttl=300 owner=me" },
	  { "a.x A 1.1.1.1 ttl=60" },
	  { "~ a.x A 1.1.1.1 ttl=60" } },
	{ .what = "a property that is new, gone or other is an update",
	  { "a.x A 1.1.1.1 owner=me", "b.x A 1.1.1.1 owner=me p/q=1",
	    "c.x A 1.1.1.1 owner=me p/q=1", "d.x A 1.1.1.1 owner=me p/q=1 p/r=2" },
	  { "a.x A 1.1.1.1 p/q=1", "b.x A 1.1.1.1", "c.x A 1.1.1.1 p/q=2",
	    "d.x A 1.1.1.1 p/r=2 p/q=1" },
	  { "~ a.x A 1.1.1.1", "~ b.x A 1.1.1.1", "~ c.x A 1.1.1.1" } },
	{ .what = "what nobody wants is deleted",
	  { "a.x A 1.1.1.1 owner=me", "a.x AAAA ::1 owner=me" },
	  { NULL },
	  { "- a.x A 1.1.1.1", "- a.x AAAA ::1" } },
	{ .what = "foreign and hand-made records are never deleted",
	  { "a.x A 1.1.1.1 owner=you", "b.x A 1.1.1.1" },
	  { NULL },
	  { NULL } },
	{ .what = "nor updated",
	  { "a.x A 1.1.1.1 owner=you", "b.x A 1.1.1.1" },
	  { "a.x A 2.2.2.2", "b.x A 2.2.2.2" },
	  { "! a.x A 2.2.2.2", "! b.x A 2.2.2.2" } },
	{ .what = "a new type is not created beside a foreign record",
	  { "a.x A 1.1.1.1 owner=you", "b.x A 1.1.1.1" },
	  { "a.x A 1.1.1.1", "a.x AAAA ::1", "b.x AAAA ::1" },
	  { "! a.x AAAA ::1", "! b.x AAAA ::1" } },
	{ .what = "but beside our own",
	  { "a.x A 1.1.1.1 owner=me" },
	  { "a.x A 1.1.1.1", "a.x AAAA ::1" },
	  { "+ a.x AAAA ::1" } },
	{ .what = "the other type goes while one stays",
	  { "a.x A 1.1.1.1 owner=me", "a.x AAAA ::1 owner=me" },
	  { "a.x A 1.1.1.1" },
	  { "- a.x AAAA ::1" } },
	{ .what = "A becomes CNAME: the delete comes first",
	  { "a.x A 1.1.1.1 owner=me" },
	  { "a.x CNAME lb.y" },
	  { "- a.x A 1.1.1.1", "+ a.x CNAME lb.y" } },
	{ .what = "CNAME becomes A and AAAA",
	  { "a.x CNAME lb.y owner=me" },
	  { "a.x AAAA ::1", "a.x A 1.1.1.1" },
	  { "- a.x CNAME lb.y", "+ a.x A 1.1.1.1", "+ a.x AAAA ::1" } },
	{ .what = "addresses beat CNAME",
	  { NULL },
	  { "a.x CNAME lb.y", "a.x A 1.1.1.1" },
	  { "+ a.x A 1.1.1.1", "! a.x CNAME lb.y" } },
	{ .what = "and the CNAME that stands goes",
	  { "a.x CNAME lb.y owner=me" },
	  { "a.x CNAME lb.y", "a.x A 1.1.1.1" },
	  { "- a.x CNAME lb.y", "+ a.x A 1.1.1.1", "! a.x CNAME lb.y" } },
	{ .what = "of several candidates the one with fewer targets wins",
	  { NULL },
	  { "a.x A 1.1.1.1,1.1.1.2 resource=a", "a.x A 9.9.9.9 resource=b" },
	  { "+ a.x A 9.9.9.9" } },
	{ .what = "then the numerically least address",
	  { NULL },
	  { "a.x A 10.0.0.1 resource=a", "a.x A 9.0.0.1 resource=b" },
	  { "+ a.x A 9.0.0.1" } },
	{ .what = "then the least name",
	  { NULL },
	  { "a.x CNAME b.y resource=a", "a.x CNAME a.y resource=b" },
	  { "+ a.x CNAME a.y" } },
	{ .what = "the object that has the record keeps it",
	  { "a.x A 9.9.9.9 owner=me resource=b" },
	  { "a.x A 1.1.1.1 resource=a", "a.x A 9.9.9.9 resource=b" },
	  { NULL } },
	{ .what = "and moves it",
	  { "a.x A 9.9.9.9 owner=me resource=b" },
	  { "a.x A 1.1.1.1 resource=a", "a.x A 8.8.8.8 resource=b" },
	  { "~ a.x A 8.8.8.8" } },
	{ .what = "once it is gone the least takes over",
	  { "a.x A 9.9.9.9 owner=me resource=c" },
	  { "a.x A 3.3.3.3 resource=b", "a.x A 1.1.1.1 resource=a" },
	  { "~ a.x A 1.1.1.1" } },
	{ .what = "set identifiers are rows of their own",
	  { "a.x A 1.1.1.1 set=eu owner=me", "a.x A 2.2.2.2 set=us owner=me" },
	  { "a.x A 1.1.1.1 set=eu", "a.x A 3.3.3.3 set=ap" },
	  { "- a.x A 2.2.2.2 set=us", "+ a.x A 3.3.3.3 set=ap" } },
	{ .what = "a foreign set does not block another",
	  { "a.x A 1.1.1.1 set=eu owner=you" },
	  { "a.x A 3.3.3.3 set=us" },
	  { "+ a.x A 3.3.3.3 set=us" } },
	{ .what = "a changed set identifier is delete and create",
	  { "a.x A 1.1.1.1 owner=me" },
	  { "a.x A 1.1.1.1 set=eu" },
	  { "- a.x A 1.1.1.1", "+ a.x A 1.1.1.1 set=eu" } },
	{ .what = "types that are not managed are invisible",
	  { "a.x TXT hello", "a.x MX 10" },
	  { "a.x A 1.1.1.1", "b.x NS ns.y", "c.x TXT hi" },
	  { "+ a.x A 1.1.1.1" } },
	{ .what = "unless a CNAME would have to stand beside them",
	  { "a.x TXT hello" },
	  { "a.x CNAME lb.y" },
	  { "! a.x CNAME lb.y" } },
	{ .what = "but an alias may, at an apex",
	  { "x NS ns.y", "x TXT hello" },
	  { "x CNAME lb.y alias=true" },
	  { "+ x CNAME lb.y" } },
	{ .what = "or they are a CNAME",
	  { "a.x CNAME lb.y owner=me" },
	  { "a.x A 1.1.1.1" },
	  { "! a.x A 1.1.1.1" },
	  PLAN_SYNC,
	  "A" },
	{ .what = "managed NS and TXT are planned like others",
	  { "n.x NS ns1.y owner=me" },
	  { "n.x NS ns1.y,ns2.y", "t.x TXT hi" },
	  { "~ n.x NS ns1.y,ns2.y", "+ t.x TXT hi" },
	  PLAN_SYNC,
	  "NS,TXT" },
	{ .what = "upsert-only does not delete",
	  { "a.x A 1.1.1.1 owner=me", "b.x A 1.1.1.1 owner=me" },
	  { "b.x A 2.2.2.2", "c.x A 3.3.3.3" },
	  { "~ b.x A 2.2.2.2", "+ c.x A 3.3.3.3" },
	  PLAN_UPSERT_ONLY },
	{ .what = "nor create what the undeleted CNAME forbids",
	  { "a.x CNAME lb.y owner=me", "b.x A 1.1.1.1 owner=me" },
	  { "a.x A 1.1.1.1", "b.x CNAME lb.y" },
	  { "! a.x A 1.1.1.1", "! b.x CNAME lb.y" },
	  PLAN_UPSERT_ONLY },
	{ .what = "create-only neither deletes nor updates",
	  { "a.x A 1.1.1.1 owner=me", "b.x A 1.1.1.1 owner=me" },
	  { "b.x A 2.2.2.2", "c.x A 3.3.3.3" },
	  { "+ c.x A 3.3.3.3" },
	  PLAN_CREATE_ONLY },
	{ .what = "no targets, no record",
	  { "b.x A 1.1.1.1 owner=me" },
	  { "a.x A -", "b.x A -" },
	  { "! a.x A ", "! b.x A " } },
	{ .what = "a record that is ours only by an old TXT is taken over but not deleted",
	  { "a.x A 1.1.1.1 owner=me weak", "b.x A 1.1.1.1 owner=me weak" },
	  { "b.x A 2.2.2.2" },
	  { "~ b.x A 2.2.2.2", "! a.x A 1.1.1.1" } },
	{ .what = "a wildcard is a name like others",
	  { "*.x A 1.1.1.1 owner=me" },
	  { "*.x A 1.1.1.2" },
	  { "~ *.x A 1.1.1.2" } },
	{ .what = "shared: a new set",
	  { NULL },
	  { "g.x NS ns-eu.x ttl=30 shared" },
	  { "+ g.x NS ns-eu.x ttl=30" } },
	{ .what = "shared: our target joins those of others",
	  { "g.x NS ns-us.x ttl=30 is-shared" },
	  { "g.x NS ns-eu.x ttl=30 shared" },
	  { "~ g.x NS ns-us.x,ns-eu.x ttl=30" } },
	{ .what = "shared: only what we put in leaves",
	  { "g.x NS ns-us.x,ns-eu.x ttl=30 claim=ns-eu.x" },
	  { NULL },
	  { "~ g.x NS ns-us.x ttl=30" } },
	{ .what = "shared: the last to leave deletes",
	  { "g.x NS ns-eu.x ttl=30 claim=ns-eu.x" },
	  { NULL },
	  { "- g.x NS ns-eu.x ttl=30" } },
	{ .what = "shared: our renamed target replaces the old one",
	  { "g.x NS ns-us.x,old.x ttl=30 claim=old.x" },
	  { "g.x NS ns-eu.x ttl=30 shared" },
	  { "~ g.x NS ns-us.x,ns-eu.x ttl=30" } },
	{ .what = "shared: a set made by hand is left alone",
	  { "g.x NS other.y" },
	  { "g.x NS ns-eu.x shared" },
	  { "! g.x NS ns-eu.x" } },
	{ .what = "shared: one of ours in ExternalDNS's form is merged into",
	  { "g.x NS ns-us.x owner=me" },
	  { "g.x NS ns-eu.x shared" },
	  { "~ g.x NS ns-us.x,ns-eu.x" } },
	{ .what = "shared: addresses in ExternalDNS's form are ours as a whole",
	  { "ns.x A 1.1.1.1 owner=me" },
	  { "ns.x A 2.2.2.2 shared" },
	  { "~ ns.x A 2.2.2.2" } },
	{ .what = "shared: a longer TTL waits while others are in the set",
	  { "g.x NS ns-us.x,ns-eu.x ttl=30 claim=ns-eu.x", "h.x NS ns-eu.x ttl=30 claim=ns-eu.x",
	    "i.x NS ns-us.x,ns-eu.x ttl=30 claim=ns-eu.x" },
	  { "g.x NS ns-eu.x ttl=60 shared", "h.x NS ns-eu.x ttl=60 shared",
	    "i.x NS ns-eu.x ttl=20 shared" },
	  { "~ h.x NS ns-eu.x ttl=60", "~ i.x NS ns-us.x,ns-eu.x ttl=20" } },
	{ .what = "shared: others' sets are not deleted even when managed",
	  { "g.x NS ns-us.x is-shared" },
	  { NULL },
	  { NULL },
	  PLAN_SYNC,
	  "NS" },
};

struct made {
	struct endpoint_list current, desired;
	struct plan_record *records;
	struct strv claims[MANY];
};

static void make_record(struct made *m, const char *text, size_t i)
{
	struct endpoint *e = words_endpoint(text);
	struct plan_record *r = &m->records[i];
	const char *claim = endpoint_prop(e, "claim");

	if (claim)
		strv_split(&m->claims[i], claim, ",");
	endpoint_set_prop(e, "claim", NULL);
	*r = (struct plan_record){ .e = e,
				   .owner = endpoint_label(e, "owner"),
				   .resource = endpoint_label(e, "resource"),
				   .weak = strstr(text, " weak") != NULL,
				   .is_shared = strstr(text, " is-shared") || claim,
				   .claim = claim ? &m->claims[i] : NULL };
	endpoint_list_take(&m->current, e);
}

static void print_plan(const struct plan *p, struct strv *out)
{
	static const char marks[] = {
		[PLAN_KEEP] = '=', [PLAN_DELETE] = '-', [PLAN_UPDATE] = '~', [PLAN_CREATE] = '+'
	};

	for (size_t i = 0; i < p->n; i++) {
		const struct plan_change *c = &p->changes[i];

		if (c->kind == PLAN_KEEP)
			continue;
		char *text = words_print(c->after ? c->after : c->before.e);
		strv_take(out, mem_printf("%c %s", marks[c->kind], text));
		free(text);
	}
	for (size_t i = 0; i < p->nskips; i++) {
		char *text = words_print(p->skips[i].e);

		strv_take(out, mem_printf("! %s", text));
		free(text);
	}
}

static void plans_are_as_in_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m = { .records = mem_calloc(MANY, sizeof(*m.records)) };
		struct plan p = { 0 };
		struct strv managed = { 0 }, got = { 0 }, want = { 0 };

		strv_split(&managed, rows[i].managed ? rows[i].managed : "A,AAAA,CNAME", ",");
		for (size_t k = 0; rows[i].current[k]; k++)
			make_record(&m, rows[i].current[k], k);
		for (size_t k = 0; rows[i].desired[k]; k++)
			endpoint_list_take(&m.desired, words_endpoint(rows[i].desired[k]));
		for (size_t k = 0; rows[i].changes[k]; k++)
			strv_add(&want, rows[i].changes[k]);
		struct plan_rules rules = { .policy = rows[i].policy,
					    .owner = "me",
					    .managed = &managed };
		plan_calculate(&rules, m.records, m.current.n,
			       (const struct endpoint *const *)m.desired.e, m.desired.n, &p);
		print_plan(&p, &got);
		if (!strv_equal(&got, &want)) {
			char *g = strv_join(&got, "; ");

			fail_msg("%s: got %s", rows[i].what, g);
		}
		plan_fini(&p);
		for (size_t k = 0; k < MANY; k++)
			strv_fini(&m.claims[k]);
		free(m.records);
		endpoint_list_fini(&m.current);
		endpoint_list_fini(&m.desired);
		strv_fini(&managed);
		strv_fini(&got);
		strv_fini(&want);
	}
}

static struct plan calculate(const struct plan_rules *rules, const char *current,
			     const char *desired, struct made *m)
{
	struct plan p = { 0 };

	m->records = mem_calloc(MANY, sizeof(*m->records));
	if (current)
		make_record(m, current, 0);
	if (desired)
		endpoint_list_take(&m->desired, words_endpoint(desired));
	plan_calculate(rules, m->records, m->current.n,
		       (const struct endpoint *const *)m->desired.e, m->desired.n, &p);
	return p;
}

static void made_fini(struct made *m)
{
	for (size_t k = 0; k < MANY; k++)
		strv_fini(&m->claims[k]);
	free(m->records);
	endpoint_list_fini(&m->current);
	endpoint_list_fini(&m->desired);
}

static void without_ownership_everything_is_ours(void **state)
{
	struct plan_rules rules = { .policy = PLAN_SYNC };
	struct made m = { 0 };
	struct plan p = calculate(&rules, "a.x A 1.1.1.1", NULL, &m);

	(void)state;
	assert_int_equal(p.deletes, 1);
	plan_fini(&p);
	made_fini(&m);
}

static void held_deletes_hold_type_changes_too(void **state)
{
	struct plan_rules rules = { .policy = PLAN_SYNC, .owner = "me", .hold_deletes = true };
	struct made m = { 0 };
	struct plan p = calculate(&rules, "a.x A 1.1.1.1 owner=me", "a.x CNAME lb.y", &m);

	(void)state;
	assert_int_equal(p.deletes + p.creates, 0);
	assert_int_equal(p.nskips, 1);
	assert_int_equal(p.skips[0].reason, PLAN_SKIP_CNAME);
	plan_fini(&p);
	made_fini(&m);
}

static void names_outside_the_filter_are_invisible(void **state)
{
	struct strv in = { 0 };
	struct domain_filter *f = NULL;
	char *why = NULL;

	(void)state;
	strv_add(&in, "example.org");
	assert_int_equal(domain_filter_new(&in, NULL, NULL, NULL, &f, &why), 0);
	for (int side = 0; side < 2; side++) {
		struct plan_rules rules = { .policy = PLAN_SYNC, .owner = "me" };
		struct made m = { 0 };

		rules.filters[side] = f;
		struct plan p = calculate(&rules, "a.example.com A 1.1.1.1 owner=me",
					  "b.example.com A 1.1.1.1", &m);
		assert_int_equal(p.n, 0);
		plan_fini(&p);
		made_fini(&m);
	}
	domain_filter_free(f);
	strv_fini(&in);
}

static void excluded_types_are_not_managed(void **state)
{
	struct strv ex = { 0 };
	struct plan_rules rules = { .policy = PLAN_SYNC, .owner = "me", .excluded = &ex };
	struct made m = { 0 };

	(void)state;
	strv_add(&ex, "A");
	struct plan p = calculate(&rules, "a.x A 1.1.1.1 owner=me", "b.x A 1.1.1.1", &m);
	assert_int_equal(p.n, 0);
	plan_fini(&p);
	made_fini(&m);
	strv_fini(&ex);
}

static void the_result_does_not_depend_on_the_order_of_arrival(void **state)
{
	struct strv first = { 0 };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct endpoint_list cur = { 0 }, des = { 0 };
		struct plan_record records[60] = { { 0 } };
		struct strv got = { 0 };
		struct plan p = { 0 };
		struct plan_rules rules = { .policy = PLAN_SYNC, .owner = "me" };

		for (int i = 0; i < 60; i++) {
			char *t = mem_printf("n%d.x A 1.1.1.%d owner=me", i, i);

			endpoint_list_take(&cur, words_endpoint(t));
			free(t);
			t = mem_printf("n%d.x %s resource=r%d", i + 20,
				       i % 3 ? "A 1.1.1.9" : "CNAME a.y", i);
			endpoint_list_take(&des, words_endpoint(t));
			free(t);
		}
		for (size_t i = 59; i > 0; i--) {
			size_t k = (size_t)rand_r(&seed) % (i + 1);
			struct endpoint *e = cur.e[i];

			cur.e[i] = cur.e[k];
			cur.e[k] = e;
			e = des.e[i];
			des.e[i] = des.e[k];
			des.e[k] = e;
		}
		for (size_t i = 0; i < 60; i++)
			records[i] = (struct plan_record){ .e = cur.e[i], .owner = "me" };
		plan_calculate(&rules, records, 60, (const struct endpoint *const *)des.e, 60, &p);
		print_plan(&p, &got);
		if (round == 0)
			strv_copy(&first, &got);
		assert_true(strv_equal(&first, &got));
		strv_fini(&got);
		plan_fini(&p);
		endpoint_list_fini(&cur);
		endpoint_list_fini(&des);
	}
	assert_true(first.n > 60);
	strv_fini(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_as_in_the_table),
		cmocka_unit_test(without_ownership_everything_is_ours),
		cmocka_unit_test(held_deletes_hold_type_changes_too),
		cmocka_unit_test(names_outside_the_filter_are_invisible),
		cmocka_unit_test(excluded_types_are_not_managed),
		cmocka_unit_test(the_result_does_not_depend_on_the_order_of_arrival),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
