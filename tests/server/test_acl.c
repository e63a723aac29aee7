/* acl and remote: what the options say, and what is refused. */
#include "server/acl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/strv.h"
#include "lib/tsig_keys.h"
#include "server/remote.h"

static struct tsig_keys keys;

static int load(struct acl *a, const char *text, bool names, char **why)
{
	struct strv v = { 0 };

	strv_split(&v, text, " ");
	int err = acl_load(a, "--x", &v, names, &keys, why);
	strv_fini(&v);
	return err;
}

static const struct {
	const char *rules, *zone, *client, *key;
	bool allowed;
} who[] = {
	{ "", "a.test", "192.0.2.1", NULL, false },
	{ "192.0.2.0/24", "a.test", "192.0.2.1", NULL, true },
	{ "192.0.2.0/24", "a.test", "192.0.3.1", "one", false },
	{ "2001:db8::/32", "a.test", "2001:db8::1", NULL, true },
	{ "2001:db8::/32", "a.test", "192.0.2.1", NULL, false },
	{ "any", "a.test", "192.0.2.1", NULL, true },
	{ "key:one", "a.test", "192.0.2.1", NULL, false },
	{ "key:one", "a.test", "192.0.2.1", "one", true },
	{ "key:ONE.", "a.test", "192.0.2.1", "one", true },
	{ "key:one", "a.test", "192.0.2.1", "two", false },
	{ "192.0.2.0/24,key:one", "a.test", "192.0.2.1", NULL, false },
	{ "192.0.2.0/24,key:one", "a.test", "192.0.2.1", "one", true },
	{ "192.0.2.0/24,key:one", "a.test", "192.0.3.1", "one", false },
	{ "b.test=any", "a.test", "192.0.2.1", NULL, false },
	{ "A.Test.=any", "a.test", "192.0.2.1", NULL, true },
	{ "b.test=any key:two", "a.test", "192.0.2.1", "two", true },
};

static void rules_say_who_may_do_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		struct acl a = { 0 };
		struct netaddr client;
		uint8_t zone[DNAME_MAX];
		char *why = NULL;

		if (load(&a, who[i].rules, false, &why))
			fail_msg("%s", why);
		assert_int_equal(dname_from_text(who[i].zone, zone), 0);
		assert_int_equal(netaddr_from_text(who[i].client, &client), 0);
		bool allowed = acl_allows(&a, zone, &client,
					  who[i].key ? tsig_keys_find(&keys, who[i].key) : NULL);
		if (allowed != who[i].allowed)
			fail_msg("%s: %s %s %s", who[i].rules, who[i].zone, who[i].client,
				 who[i].key ? who[i].key : "-");
		acl_fini(&a);
	}
}

static const struct {
	const char *rule, *owner;
	uint16_t type;
	bool allowed;
} names[] = {
	{ "key:one", "x.a.test", RRTYPE_A, true },
	{ "key:one=sub.a.test", "x.a.test", RRTYPE_A, false },
	{ "key:one=sub.a.test", "sub.a.test", RRTYPE_A, true },
	{ "key:one=sub.a.test", "x.SUB.a.test", RRTYPE_A, true },
	{ "key:one=sub.a.test", "xsub.a.test", RRTYPE_A, false },
	{ "key:one=_acme-challenge.*:TXT", "_acme-challenge.www.a.test", RRTYPE_TXT, true },
	{ "key:one=_acme-challenge.*:TXT", "_acme-challenge.www.a.test", RRTYPE_A, false },
	{ "key:one=_acme-challenge.*:TXT", "_acme-challenge.www.a.test", RRTYPE_ANY, false },
	{ "key:one=_acme-challenge.*:TXT", "www.a.test", RRTYPE_TXT, false },
	{ "a.test=key:one=*.a.test:A,AAAA", "x.y.a.test", RRTYPE_AAAA, true },
	{ "a.test=key:one=*.a.test:A,AAAA", "a.test", RRTYPE_AAAA, false },
	{ "b.test=key:one=a.test", "x.a.test", RRTYPE_A, false },
	{ "192.0.2.0/24=a.test:TYPE65280", "x.a.test", 65280, true },
};

static void rules_say_which_names_and_types(void **state)
{
	struct netaddr client;
	uint8_t zone[DNAME_MAX], owner[DNAME_MAX];

	(void)state;
	assert_int_equal(dname_from_text("a.test", zone), 0);
	assert_int_equal(netaddr_from_text("192.0.2.1", &client), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct acl a = { 0 };
		char *why = NULL;

		if (load(&a, names[i].rule, true, &why))
			fail_msg("%s", why);
		assert_int_equal(dname_from_text(names[i].owner, owner), 0);
		if (acl_allows_name(&a, zone, &client, tsig_keys_find(&keys, "one"), owner,
				    names[i].type) != names[i].allowed)
			fail_msg("%s: %s %u", names[i].rule, names[i].owner, names[i].type);
		acl_fini(&a);
	}
}

static void wrong_rules_are_refused_and_named(void **state)
{
	static const struct {
		const char *rule;
		bool names;
		int err;
	} bad[] = {
		{ "x", false, ERR_SYNTAX },
		{ "key:none", false, ERR_NOT_FOUND },
		{ "192.0.2.0/33", false, ERR_SYNTAX },
		{ "a..b=any", false, ERR_SYNTAX },
		{ "a.test=", false, ERR_SYNTAX },
		{ "any=a.test", false, ERR_SYNTAX }, /* names only for updates */
		{ "any=a.test:NOSUCH", true, ERR_SYNTAX },
		{ "any=a..b", true, ERR_SYNTAX },
		{ "a=any=b=c", true, ERR_SYNTAX },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct acl a = { 0 };
		char *why = NULL;

		if (load(&a, bad[i].rule, bad[i].names, &why) != bad[i].err)
			fail_msg("%s: %s", bad[i].rule, why ? why : "taken");
		assert_non_null(strstr(why, bad[i].rule));
		free(why);
		acl_fini(&a);
	}
}

static void globs_match_any_run_of_characters(void **state)
{
	(void)state;
	assert_true(acl_glob("*", ""));
	assert_true(acl_glob("a*c", "abbc"));
	assert_true(acl_glob("A*b*C", "axxbyyc"));
	assert_true(acl_glob("*.x", "a.x.x"));
	assert_false(acl_glob("*.x", "x"));
	assert_false(acl_glob("a", "ab"));
	assert_false(acl_glob("ab", "a"));
}

static void remotes_have_zone_address_port_and_key(void **state)
{
	struct strv v = { 0 };
	struct remotes r = { 0 };
	char *why = NULL, text[NETADDR_TEXT_MAX];

	(void)state;
	strv_split(&v, "192.0.2.1 a.test=[2001:db8::1]:5353,key:one b.test=ns", " ");
	assert_int_equal(remotes_load(&r, "--x", &v, false, true, &keys, &why), 0);
	assert_int_equal(r.n, 3);
	assert_null(r.list[0].zone);
	assert_string_equal(netaddr_to_text_port(&r.list[0].addr, text), "192.0.2.1:53");
	assert_string_equal(netaddr_to_text_port(&r.list[1].addr, text), "[2001:db8::1]:5353");
	assert_ptr_equal(r.list[1].key, tsig_keys_find(&keys, "one"));
	assert_true(r.list[2].is_ns);
	remotes_fini(&r);
	strv_fini(&v);
	static const char *const bad[] = { "192.0.2.1",
					   "a.test=192.0.2.1,key:none",
					   "a.test=x",
					   "a.test=192.0.2.1,one",
					   "a.test=ns",
					   "=192.0.2.1",
					   "a.test=192.0.2.1:99999" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		strv_add(&v, bad[i]);
		if (remotes_load(&r, "--x", &v, true, false, &keys, &why) == 0)
			fail_msg("%s was taken", bad[i]);
		free(why);
		remotes_fini(&r);
		strv_fini(&v);
	}
}

static int begin(void **state)
{
	struct tsig_key *k;

	(void)state;
	for (int i = 0; i < 2; i++) {
		if (tsig_key_from_text(i ? "two:AAEC" : "one:AAEC", &k) || tsig_keys_add(&keys, k))
			return -1;
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	tsig_keys_fini(&keys);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_say_who_may_do_it),
		cmocka_unit_test(rules_say_which_names_and_types),
		cmocka_unit_test(wrong_rules_are_refused_and_named),
		cmocka_unit_test(globs_match_any_run_of_characters),
		cmocka_unit_test(remotes_have_zone_address_port_and_key),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
