/* What becomes of endpoints when objects come, change and go: union, leaders, PTR records. */
#include "k8s/postprocess.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/endpoint.h"
#include "lib/gslb_decl.h"
#include "lib/mem.h"

/* Everything that the sink is told, a line an endpoint: "OBJECT: NAME TYPE TARGETS". */
static struct buf told;

static void endpoints(void *ctx, const char *source, const char *object, struct endpoint *const *e,
		      size_t n)
{
	(void)ctx;
	(void)source;
	if (n == 0)
		buf_printf(&told, "%s: nothing\n", object);
	for (size_t i = 0; i < n; i++) {
		char *targets = strv_join(&e[i]->targets, ",");

		buf_printf(&told, "%s: %s %s %s\n", object, e[i]->dns_name, e[i]->record_type,
			   targets);
		free(targets);
	}
}

static const struct endpoint_sink sink = { .endpoints = endpoints };

static struct postprocess *new_postprocess(struct config *config)
{
	struct postprocess *p = NULL;
	char *why = NULL;

	if (postprocess_new(config, &sink, &p, &why) < 0)
		fail_msg("%s", why);
	return p;
}

/* One endpoint of OBJECT; TARGETS NULL takes it away. */
static void put(struct postprocess *p, const char *object, const char *name, const char *type,
		int64_t ttl, const char *targets)
{
	struct endpoint_list list = { 0 };

	if (targets) {
		endpoint_list_take(&list, endpoint_new(name, type, ttl));
		endpoint_set_label(list.e[0], "resource", object);
		strv_split(&list.e[0]->targets, targets, ",");
	}
	postprocess_put(p, "service", object, &list);
}

static void expect(struct postprocess *p, const char *text)
{
	postprocess_flush(p);
	assert_string_equal(buf_str(&told), text);
	buf_reset(&told);
}

static void targets_of_one_name_are_united_under_the_first_object(void **state)
{
	struct config *config = config_for_test((const char *const[]){ NULL });
	struct postprocess *p = new_postprocess(config);

	(void)state;
	put(p, "service/x/b", "a.org", "A", 0, "2.2.2.2");
	expect(p, "service/x/b: a.org A 2.2.2.2\n");
	put(p, "service/x/b", "a.org", "A", 0, "2.2.2.2");
	expect(p, "");
	put(p, "service/x/c", "a.org", "A", 0, "1.1.1.1,2.2.2.2");
	expect(p, "service/x/b: a.org A 1.1.1.1,2.2.2.2\n");
	put(p, "service/x/a", "a.org", "A", 0, "3.3.3.3");
	expect(p, "service/x/a: a.org A 1.1.1.1,2.2.2.2,3.3.3.3\nservice/x/b: nothing\n");
	put(p, "service/x/a", "a.org", "A", 0, NULL);
	put(p, "service/x/c", "a.org", "A", 0, NULL);
	expect(p, "service/x/a: nothing\nservice/x/b: a.org A 2.2.2.2\n");
	postprocess_free(p);
	config_free(config);
}

static void other_ttls_and_cnames_stay_apart(void **state)
{
	struct config *config = config_for_test((const char *const[]){ NULL });
	struct postprocess *p = new_postprocess(config);

	(void)state;
	put(p, "service/x/a", "a.org", "A", 0, "1.1.1.1");
	put(p, "service/x/b", "a.org", "A", 60, "2.2.2.2");
	expect(p, "service/x/a: a.org A 1.1.1.1\nservice/x/b: a.org A 2.2.2.2\n");
	put(p, "service/x/a", "c.org", "CNAME", 0, "x.org");
	put(p, "service/x/b", "c.org", "CNAME", 0, "y.org");
	expect(p, "service/x/a: c.org CNAME x.org\nservice/x/b: c.org CNAME y.org\n");
	postprocess_free(p);
	config_free(config);
}

static void one_ptr_record_an_address_follows_its_names(void **state)
{
	struct config *config = config_for_test((const char *const[]){
		"create-ptr=true", "managed-record-types=A,AAAA,PTR", NULL });
	struct postprocess *p = new_postprocess(config);

	(void)state;
	put(p, "service/x/a", "a.org", "A", 0, "1.2.3.4");
	expect(p, "service/x/a: a.org A 1.2.3.4\n"
		  "ptr/4.3.2.1.in-addr.arpa: 4.3.2.1.in-addr.arpa PTR a.org\n");
	put(p, "service/x/b", "b.org", "A", 0, "1.2.3.4");
	expect(p, "service/x/b: b.org A 1.2.3.4\n"
		  "ptr/4.3.2.1.in-addr.arpa: 4.3.2.1.in-addr.arpa PTR a.org,b.org\n");
	put(p, "service/x/a", "*.org", "A", 0, "1.2.3.4");
	expect(p, "service/x/a: *.org A 1.2.3.4\n"
		  "ptr/4.3.2.1.in-addr.arpa: 4.3.2.1.in-addr.arpa PTR b.org\n");
	put(p, "service/x/b", "b.org", "A", 0, NULL);
	expect(p, "service/x/b: nothing\nptr/4.3.2.1.in-addr.arpa: nothing\n");
	put(p, "service/x/a", "v6.org", "AAAA", 0, "2001:db8::1");
	expect(p, "service/x/a: v6.org AAAA 2001:db8::1\n"
		  "ptr/1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa: "
		  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR "
		  "v6.org\n");
	postprocess_free(p);
	config_free(config);
}

static void bad_prefixes_are_refused_at_start(void **state)
{
	static const char *const bad[] = { "nat64-networks=64:ff9b::/64",
					   "nat64-networks=10.0.0.0/8", "target-net-filter=ten",
					   "exclude-target-net=10.0.0.0/33" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config *config = config_for_test((const char *const[]){ bad[i], NULL });
		struct postprocess *p = NULL;
		char *why = NULL;

		assert_true(postprocess_new(config, &sink, &p, &why) < 0);
		assert_non_null(strstr(why, strchr(bad[i], '=')));
		free(why);
		config_free(config);
	}
}

static int stop(void **state)
{
	(void)state;
	buf_fini(&told);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_of_one_name_are_united_under_the_first_object),
		cmocka_unit_test(other_ttls_and_cnames_stay_apart),
		cmocka_unit_test(one_ptr_record_an_address_follows_its_names),
		cmocka_unit_test(bad_prefixes_are_refused_at_start),
	};
	return cmocka_run_group_tests(tests, NULL, stop);
}
