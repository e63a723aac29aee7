/* desired: normal forms, and what several objects want together. */
#include "sync/desired.h"

#include "tests/sync/words.h"

struct object {
	const char *source, *name, *endpoints[4];
};

static const struct {
	const char *what;
	struct object objects[4];
	const char *name;
	const char *candidates; /* joined by "; " */
} rows[] = {
	{ "one object", { { "service", "s/a", { "a.x A 1.1.1.1" } } }, "a.x", "a.x A 1.1.1.1" },
	{ "names come in the wire's spelling, targets without final dot and once",
	  { { "crd", "c/a", { "B\303\274cher.X. cname LB.y.,LB.y" } } },
	  "xn--bcher-kva.x",
	  "xn--bcher-kva.x CNAME LB.y" },
	{ "addresses of one source's objects are united, in order of their labels",
	  { { "service", "s/b", { "a.x A 2.2.2.2 resource=service/d/b" } },
	    { "service", "s/a", { "a.x A 1.1.1.1,2.2.2.2 resource=service/d/a" } } },
	  "a.x",
	  "a.x A 1.1.1.1,2.2.2.2" },
	{ "of different sources they are not",
	  { { "service", "s/b", { "a.x A 2.2.2.2" } }, { "ingress", "i/a", { "a.x A 1.1.1.1" } } },
	  "a.x",
	  "a.x A 1.1.1.1; a.x A 2.2.2.2" },
	{ "nor with different TTLs",
	  { { "service", "s/a", { "a.x A 2.2.2.2 ttl=60 resource=a" } },
	    { "service", "s/b", { "a.x A 1.1.1.1 resource=b" } } },
	  "a.x",
	  "a.x A 2.2.2.2 ttl=60; a.x A 1.1.1.1" },
	{ "nor CNAMEs; equal ones stay two, for the object's sake",
	  { { "ingress", "i/a", { "a.x CNAME a.y resource=a" } },
	    { "ingress", "i/b", { "a.x CNAME b.y resource=b" } } },
	  "a.x",
	  "a.x CNAME a.y; a.x CNAME b.y" },
	{ "a CNAME has one target",
	  { { "crd", "c/a", { "a.x CNAME b.y,a.y" } } },
	  "a.x",
	  "a.x CNAME a.y" },
	{ "set identifiers stay apart",
	  { { "service", "s/a", { "a.x A 1.1.1.1 set=eu", "a.x A 2.2.2.2 set=us" } } },
	  "a.x",
	  "a.x A 1.1.1.1 set=eu; a.x A 2.2.2.2 set=us" },
	{ "sources in the order in which they were asked for",
	  { { "gateway-httproute", "r/a", { "a.x A 1.1.1.1" } },
	    { "service", "s/a", { "a.x A 2.2.2.2" } },
	    { "ingress", "i/a", { "a.x A 3.3.3.3" } } },
	  "a.x",
	  "a.x A 3.3.3.3; a.x A 2.2.2.2; a.x A 1.1.1.1" },
};

static void set(struct desired *d, const struct object *o, struct strv *changed)
{
	struct endpoint *e[4];
	size_t n = 0;

	for (; n < 4 && o->endpoints[n]; n++)
		e[n] = words_endpoint(o->endpoints[n]);
	desired_set(d, o->source, o->name, e, n, changed);
	while (n)
		endpoint_free(e[--n]);
}

static char *candidates(const struct desired *d, const char *name)
{
	struct endpoint_list l = { 0 };
	struct strv words = { 0 };

	desired_candidates(d, name, &l);
	for (size_t i = 0; i < l.n; i++)
		strv_take(&words, words_print(l.e[i]));
	char *text = strv_join(&words, "; ");
	strv_fini(&words);
	endpoint_list_fini(&l);
	return text;
}

static void candidates_are_as_in_the_table(void **state)
{
	struct strv order = { 0 };

	(void)state;
	strv_split(&order, "ingress service", " ");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct desired d;
		struct strv changed = { 0 };

		desired_init(&d, &order);
		for (size_t k = 0; k < 4 && rows[i].objects[k].source; k++)
			set(&d, &rows[i].objects[k], &changed);
		assert_true(strv_has(&changed, rows[i].name));
		char *got = candidates(&d, rows[i].name);
		if (strcmp(got, rows[i].candidates) != 0)
			fail_msg("%s: got %s", rows[i].what, got);
		free(got);
		strv_fini(&changed);
		desired_fini(&d);
	}
	strv_fini(&order);
}

static void only_names_that_change_are_told(void **state)
{
	static const struct object first = { "s", "o", { "a.x A 1.1.1.1", "b.x A 1.1.1.1" } },
				   same = { "s", "o", { "a.x A 1.1.1.1", "b.x A 1.1.1.1" } },
				   other = { "s", "o", { "a.x A 2.2.2.2" } },
				   gone = { "s", "o", { NULL } };
	struct desired d;
	struct strv changed = { 0 };

	(void)state;
	desired_init(&d, NULL);
	set(&d, &first, &changed);
	assert_int_equal(changed.n, 2);
	strv_fini(&changed);
	set(&d, &same, &changed);
	assert_int_equal(changed.n, 0);
	set(&d, &other, &changed);
	assert_int_equal(changed.n, 2);
	assert_int_equal(d.n, 1);
	strv_fini(&changed);
	set(&d, &gone, &changed);
	assert_int_equal(changed.n, 1);
	assert_int_equal(d.n + d.names.n + d.objects.n, 0);
	strv_fini(&changed);
	set(&d, &gone, &changed);
	assert_int_equal(changed.n, 0);
	desired_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(candidates_are_as_in_the_table),
		cmocka_unit_test(only_names_that_change_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
