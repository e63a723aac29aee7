/* Route 53: credentials, zones, pages, change batches and their refusal. */
#include "lib/error.h"
#include "tests/sync/script.h"

extern const struct provider_ops provider_aws;

#define NS "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\""
#define ZONES                                                                              \
	"<ListHostedZonesResponse " NS "><HostedZones><HostedZone><Id>/hostedzone/Z1</Id>" \
	"<Name>example.test.</Name><CallerReference>c</CallerReference><Config>"           \
	"<PrivateZone>false</PrivateZone></Config></HostedZone></HostedZones>"             \
	"<IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesResponse>"
#define SET(name, type, value)                                                       \
	"<ResourceRecordSet><Name>" name "</Name><Type>" type "</Type><TTL>60</TTL>" \
	"<ResourceRecords><ResourceRecord><Value>" value "</Value></ResourceRecord>" \
	"</ResourceRecords></ResourceRecordSet>"
#define LIST(sets, more)                                                   \
	"<ListResourceRecordSetsResponse " NS "><ResourceRecordSets>" sets \
	"</ResourceRecordSets>" more "<MaxItems>300</MaxItems>"            \
	"</ListResourceRecordSetsResponse>"
#define MORE                                                                                \
	"<IsTruncated>true</IsTruncated><NextRecordName>www.example.test.</NextRecordName>" \
	"<NextRecordType>A</NextRecordType>"
#define DONE                                                                       \
	"<ChangeResourceRecordSetsResponse " NS "><ChangeInfo><Id>/change/C1</Id>" \
	"<Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt>"  \
	"</ChangeInfo></ChangeResourceRecordSetsResponse>"
#define REFUSED                                                                           \
	"<ErrorResponse " NS "><Error><Type>Sender</Type><Code>InvalidChangeBatch</Code>" \
	"<Message>[not valid]</Message></Error><RequestId>r</RequestId></ErrorResponse>"
#define ENV                                                                                       \
	FLAGS("AWS_ENDPOINT_URL_ROUTE_53", "@", "AWS_ENDPOINT_URL", "@", "AWS_ACCESS_KEY_ID",     \
	      "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY", "s", "AWS_SESSION_TOKEN", "", "AWS_REGION", \
	      "us-east-1", "AWS_PROFILE", "", "AWS_WEB_IDENTITY_TOKEN_FILE", "")
#define READING                                                                        \
	{ "GET", "/2013-04-01/hostedzone?*", 200, ZONES, NULL },                       \
		{ "GET", "/2013-04-01/hostedzone/Z1/rrset?maxitems=300&name=*", 200,   \
		  LIST(SET("www.example.test.", "A", "192.0.2.1"),                     \
		       "<IsTruncated>false</IsTruncated>"),                            \
		  NULL },                                                              \
	{                                                                              \
		"GET", "/2013-04-01/hostedzone/Z1/rrset?*", 200,                       \
			LIST(SET("\\052.example.test.", "A", "192.0.2.7"), MORE), NULL \
	}

static const struct script_row whole[] = {
	READING,
	{ "POST", "/2013-04-01/hostedzone/Z1/rrset*", 200, DONE, NULL },
	{ 0 },
};

static void up(struct script *s, const struct script_row *answers)
{
	assert_int_equal(script_up(s, &provider_aws, answers, ENV, FLAGS("provider=aws")), 0);
	script_read(s);
	assert_int_equal(s->err, 0);
}

static void all_pages_are_read_and_signed(void **state)
{
	struct script s;

	(void)state;
	up(&s, whole);
	script_asked(&s, 0, "GET /2013-04-01/hostedzone?maxitems=100");
	script_asked(&s, 1, "GET /2013-04-01/hostedzone/Z1/rrset?maxitems=300");
	script_asked(
		&s, 2,
		"GET /2013-04-01/hostedzone/Z1/rrset?maxitems=300&name=www.example.test.&type=A");
	for (size_t i = 0; i < s.headers.n; i++)
		assert_non_null(strstr(s.headers.s[i],
				       "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
	assert_int_equal(s.records.n, 2);
	assert_string_equal(s.records.s[0], "*.example.test A 192.0.2.7 ttl=60");
	assert_string_equal(s.records.s[1], "www.example.test A 192.0.2.1 ttl=60");
	script_down(&s);
}

static const struct script_change changes[] = {
	{ NULL, "new.example.test CNAME lb.example.net", 0 },
	{ "www.example.test A 192.0.2.1 ttl=60", "www.example.test A 192.0.2.2 ttl=120", 0 },
	{ "*.example.test A 192.0.2.7 ttl=60", NULL, 0 },
};

static void a_batch_deletes_what_is_there_exactly(void **state)
{
	struct script s;

	(void)state;
	up(&s, whole);
	script_forget(&s);
	script_apply(&s, changes, ARRAY_SIZE(changes));
	assert_int_equal(s.asked.n, 1);
	assert_non_null(strstr(s.asked.s[0], "<Action>DELETE</Action>" SET("\\052.example.test.",
									   "A", "192.0.2.7")));
	/* compare and swap: what was read goes, what is wanted comes, in one batch */
	assert_non_null(strstr(s.asked.s[0], "<Action>DELETE</Action>" SET("www.example.test.", "A",
									   "192.0.2.1")));
	assert_non_null(strstr(s.asked.s[0],
			       "<Action>CREATE</Action><ResourceRecordSet><Name>www.example.test"
			       "</Name><Type>A</Type><TTL>120</TTL>"));
	script_down(&s);
}

static void a_refused_batch_is_taken_apart(void **state)
{
	static const struct script_row answers[] = {
		READING,
		{ "POST", "/2013-04-01/hostedzone/Z1/rrset*", 400, REFUSED, NULL },
		{ "POST", "/2013-04-01/hostedzone/Z1/rrset*", 400, REFUSED, NULL },
		{ "POST", "/2013-04-01/hostedzone/Z1/rrset*", 200, DONE, NULL },
		{ 0 },
	};
	struct script s;
	struct script_change mixed[3];

	(void)state;
	memcpy(mixed, changes, sizeof(mixed));
	mixed[0].err = ERR_INVALID;
	up(&s, answers);
	script_apply(&s, mixed, ARRAY_SIZE(mixed));
	script_down(&s);
}

static void aws_own_endpoints_become_aliases(void **state)
{
	static const struct {
		const char *in, *flag;
		const char *types;  /* what comes out, sorted */
		const char *health; /* NULL: no alias */
		int64_t ttl;
	} table[] = {
		{ "a.example.test CNAME lb.eu-central-1.elb.amazonaws.com", NULL, "A AAAA", "true",
		  0 },
		/* an alias has no TTL of its own */
		{ "a.example.test CNAME lb.eu-central-1.elb.amazonaws.com ttl=60", NULL, "A AAAA",
		  "true", 300 },
		{ "a.example.test CNAME lb.eu-central-1.elb.amazonaws.com", "aws-prefer-cname=true",
		  "CNAME", NULL, 0 },
		{ "a.example.test CNAME lb.eu-central-1.elb.amazonaws.com alias=false", NULL,
		  "CNAME", NULL, 0 },
		{ "a.example.test CNAME lb.eu-central-1.elb.amazonaws.com",
		  "aws-evaluate-target-health=false", "A AAAA", "false", 0 },
		{ "a.example.test CNAME lb.eu-central-1.elb.amazonaws.com "
		  "aws/evaluate-target-health=nonsense",
		  NULL, "A AAAA", "false", 0 },
		{ "a.example.test CNAME b.example.test alias=true", NULL, "A AAAA", "true", 0 },
		{ "a.example.test CNAME lb.example.net", NULL, "CNAME", NULL, 0 },
		{ "a.example.test A 192.0.2.1 ttl=60 aws/evaluate-target-health=true", NULL, "A",
		  NULL, 60 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct endpoint_list l = { 0 };
		struct strv types = { 0 };
		struct script s;

		assert_int_equal(script_up(&s, &provider_aws, whole, ENV,
					   FLAGS("provider=aws", table[i].flag)),
				 0);
		endpoint_list_take(&l, words_endpoint(table[i].in));
		provider_aws.adjust(s.provider, &l);
		for (size_t k = 0; k < l.n; k++) {
			const char *health = endpoint_prop(l.e[k], "aws/evaluate-target-health");

			strv_add(&types, l.e[k]->record_type);
			assert_int_equal(l.e[k]->record_ttl, table[i].ttl);
			if (table[i].health)
				assert_string_equal(health, table[i].health);
			else
				assert_null(health);
		}
		char *got = strv_join(&types, " ");
		if (strcmp(got, table[i].types) != 0)
			fail_msg("row %zu: %s", i, got);
		free(got);
		strv_fini(&types);
		endpoint_list_fini(&l);
		script_down(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pages_are_read_and_signed),
		cmocka_unit_test(a_batch_deletes_what_is_there_exactly),
		cmocka_unit_test(a_refused_batch_is_taken_apart),
		cmocka_unit_test(aws_own_endpoints_become_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
