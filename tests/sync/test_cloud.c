/* The words of the cloud services: signatures, XML, record sets, targets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "sync/aws_sigv4.h"
#include "sync/azure_record.h"
#include "sync/cloudflare_record.h"
#include "sync/hetzner_label.h"
#include "sync/jwt.h"
#include "sync/route53_alias.h"
#include "sync/route53_record.h"
#include "sync/spelling.h"
#include "sync/xml.h"

/* The case "get-vanilla" of AWS's published Signature Version 4 test suite. */
static void sigv4_signs_as_aws_says(void **state)
{
	struct aws_credentials c = { .access_key = mem_strdup("AKIDEXAMPLE"),
				     .secret_key = mem_strdup(
					     "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") };
	struct aws_request r = { .method = "GET",
				 .url = "https://example.amazonaws.com/",
				 .service = "service",
				 .region = "us-east-1",
				 .now_s = 1440938160 };
	char *date, *token, *authorization;

	(void)state;
	aws_sigv4_sign(&r, &c, &date, &token, &authorization);
	assert_string_equal(date, "X-Amz-Date: 20150830T123600Z");
	assert_null(token);
	assert_string_equal(
		authorization,
		"Authorization: AWS4-HMAC-SHA256 "
		"Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
		"SignedHeaders=host;x-amz-date, "
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	free(date);
	free(authorization);
	aws_credentials_fini(&c);
}

static void query_parameters_are_signed_in_order(void **state)
{
	struct aws_credentials c = { .access_key = mem_strdup("A"),
				     .secret_key = mem_strdup("s"),
				     .session_token = mem_strdup("t") };
	struct aws_request r = { .method = "GET",
				 .url = "https://h/?b=2&a=1",
				 .service = "s",
				 .region = "r",
				 .now_s = 1440938160 };
	struct aws_request q = { .method = "GET",
				 .url = "https://h/?a=1&b=2",
				 .service = "s",
				 .region = "r",
				 .now_s = 1440938160 };
	char *date, *token, *one, *two;

	(void)state;
	aws_sigv4_sign(&r, &c, &date, &token, &one);
	assert_string_equal(token, "X-Amz-Security-Token: t");
	assert_non_null(strstr(one, "SignedHeaders=host;x-amz-date;x-amz-security-token,"));
	free(date);
	free(token);
	aws_sigv4_sign(&q, &c, &date, &token, &two);
	assert_string_equal(one, two);
	free(date);
	free(token);
	free(one);
	free(two);
	aws_credentials_fini(&c);
}

static void xml_is_read_and_bombs_are_refused(void **state)
{
	static const char good[] =
		"<?xml version=\"1.0\"?><a xmlns=\"u\"><b>1</b><b>2 &amp; 3</b><c><d/></c></a>";
	static const char *const bad[] = { "", "<a>", "<a></b>", "<a/><b/>",
					   "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>" };
	struct xml *x = xml_parse(good, strlen(good));
	struct buf deep = { 0 };

	(void)state;
	assert_string_equal(x->name, "a");
	assert_string_equal(xml_text(x, "b"), "1");
	assert_string_equal(buf_str(&xml_next(xml_child(x, "b"))->text), "2 & 3");
	assert_string_equal(xml_text(x, "c/d"), "");
	assert_null(xml_text(x, "c/e"));
	xml_free(x);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_null(xml_parse(bad[i], strlen(bad[i])));
	for (int i = 0; i < 100; i++)
		buf_puts(&deep, "<a>");
	for (int i = 0; i < 100; i++)
		buf_puts(&deep, "</a>");
	assert_null(xml_parse(deep.data, deep.len));
	buf_fini(&deep);
}

static void a_route53_set_is_read_as_externaldns_reads_it(void **state)
{
	static const char weighted[] =
		"<ResourceRecordSet><Name>\\052.Example.com.</Name><Type>A</"
		"Type><SetIdentifier>eu</SetIdentifier>"
		"<Weight>10</Weight><TTL>60</"
		"TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>"
		"</ResourceRecord></ResourceRecords></ResourceRecordSet>";
	static const char alias[] =
		"<ResourceRecordSet><Name>a.example.com.</Name><Type>A</Type><AliasTarget>"
		"<HostedZoneId>Z215JYRZR1TBD5</"
		"HostedZoneId><DNSName>lb.eu-central-1.elb.amazonaws.com.</DNSName>"
		"<EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget></"
		"ResourceRecordSet>";
	struct xml *x = xml_parse(weighted, strlen(weighted)), *y = xml_parse(alias, strlen(alias));
	struct endpoint *e = route53_record_read(x), *a = route53_record_read(y);
	struct buf out = { 0 };

	(void)state;
	assert_string_equal(e->dns_name, "*.example.com");
	assert_string_equal(e->set_identifier, "eu");
	assert_string_equal(endpoint_prop(e, "aws/weight"), "10");
	assert_int_equal(e->record_ttl, 60);
	char *copy = route53_record_copy(x);
	assert_string_equal(copy, weighted);
	free(copy);
	assert_string_equal(a->targets.s[0], "lb.eu-central-1.elb.amazonaws.com");
	assert_string_equal(endpoint_prop(a, "alias"), "true");
	assert_int_equal(a->record_ttl, 300);
	assert_true(route53_record_write(a, "ZSELF", &out));
	assert_non_null(
		strstr(out.data, "<AliasTarget><HostedZoneId>Z215JYRZR1TBD5</HostedZoneId>"));
	assert_null(strstr(out.data, "<TTL>"));
	buf_reset(&out);
	assert_true(route53_record_write(e, "ZSELF", &out));
	assert_non_null(strstr(
		out.data, "<SetIdentifier>eu</SetIdentifier><Weight>10</Weight><TTL>60</TTL>"));
	buf_fini(&out);
	endpoint_free(e);
	endpoint_free(a);
	xml_free(x);
	xml_free(y);
	assert_string_equal(route53_alias_zone("x.elb.eu-central-1.amazonaws.com"),
			    "Z3F0SRJ5LGBH90");
	assert_null(route53_alias_zone("eu-central-1.elb.amazonaws.com.evil.test"));
	assert_string_equal(route53_alias_zone("vpce-1.s3.eu-west-1.vpce.amazonaws.com"),
			    "Z38GZ743OKFT7T");
	assert_string_equal(route53_alias_zone("d-x.execute-api.eu-central-1.amazonaws.com"),
			    "Z1U9ULNL0V5AJ3");
	assert_string_equal(route53_alias_zone("x.elb.cn-north-1.amazonaws.com.cn"),
			    "Z3QFB96KMJ7ED6");
	assert_string_equal(route53_alias_zone("x.elb.il-central-1.amazonaws.com"),
			    "Z0313266YDI6ZRHTGQY4");
}

static void a_routing_policy_is_wished_as_route53_gives_it_back(void **state)
{
	struct endpoint *e = endpoint_new("w.example", "A", 0);

	(void)state;
	endpoint_set_prop(e, "aws/weight", "10");
	endpoint_set_prop(e, "aws/health-check-id", "h1");
	route53_record_adjust(e); /* no set identifier, no policy */
	assert_null(endpoint_prop(e, "aws/weight"));
	assert_string_equal(endpoint_prop(e, "aws/health-check-id"), "h1");
	mem_strset(&e->set_identifier, "eu");
	endpoint_set_prop(e, "aws/weight", "ten");
	endpoint_set_prop(e, "aws/multi-value-answer", "");
	endpoint_set_prop(e, "aws/geolocation-continent-code", "EU");
	endpoint_set_prop(e, "aws/geolocation-country-code", "DE");
	route53_record_adjust(e);
	assert_string_equal(endpoint_prop(e, "aws/weight"), "0");
	assert_string_equal(endpoint_prop(e, "aws/multi-value-answer"), "true");
	assert_null(endpoint_prop(e, "aws/geolocation-country-code"));
	endpoint_free(e);
}

static void hetzner_labels_are_properties(void **state)
{
	cJSON *set = cJSON_Parse("{\"labels\":{\"team\":\"web\",\"n\":1}}");
	struct endpoint *have = endpoint_new("a.example", "A", 60);
	struct endpoint *want = endpoint_new("a.example", "A", 60);

	(void)state;
	hetzner_label_read(set, have);
	assert_string_equal(endpoint_prop(have, "webhook/hetzner-label-team"), "web");
	assert_null(hetzner_label_json(want));
	assert_false(hetzner_label_differ(have, want)); /* nothing is said */
	hetzner_label_keep(have, want);
	assert_string_equal(endpoint_prop(want, "webhook/hetzner-label-team"), "web");
	endpoint_set_prop(want, "webhook/hetzner-label-team", "dns");
	assert_true(hetzner_label_differ(have, want));
	assert_true(hetzner_label_differ(NULL, want));
	hetzner_label_keep(have, want); /* what is said stands */
	assert_string_equal(endpoint_prop(want, "webhook/hetzner-label-team"), "dns");
	cJSON_Delete(set);
	endpoint_free(have);
	endpoint_free(want);
}

static void azure_metadata_is_a_sorted_property(void **state)
{
	cJSON *set =
		cJSON_Parse("{\"name\":\"a\",\"type\":\"Microsoft.Network/dnszones/"
			    "A\",\"properties\":{\"TTL\":60,"
			    "\"metadata\":{\"b\":\"2\",\"a\":\"1\"},\"ARecords\":[{\"ipv4Address\":"
			    "\"192.0.2.1\"}],\"targetResource\":{}}}");
	struct endpoint *e = azure_record_read(set, "example");

	(void)state;
	assert_string_equal(endpoint_prop(e, AZURE_PROP_TAGS), "a=1,b=2");
	endpoint_set_prop(e, AZURE_PROP_TAGS, " z = 9,, y=8 ,x");
	azure_record_adjust(e);
	assert_string_equal(endpoint_prop(e, AZURE_PROP_TAGS), "y=8,z=9");
	cJSON *body = azure_record_body(e, false);
	assert_string_equal(json_text(body, "properties.metadata.z"), "9");
	cJSON_Delete(body);
	cJSON_Delete(set);
	endpoint_free(e);
}

static void txt_is_quoted_in_strings_of_255(void **state)
{
	struct endpoint *e = endpoint_new("t.example", "TXT", 0);
	char long_text[401];
	struct buf out = { 0 };

	(void)state;
	memset(long_text, 'x', 400);
	long_text[400] = '\0';
	strv_add(&e->targets, "\"heritage=external-dns\"");
	strv_add(&e->targets, "plain");
	strv_add(&e->targets, long_text);
	assert_true(route53_record_write(e, "Z", &out));
	assert_non_null(strstr(out.data, "<Value>&#34;heritage=external-dns&#34;</Value>"));
	assert_non_null(strstr(out.data, "<Value>&#34;plain&#34;</Value>"));
	assert_non_null(strstr(out.data, "x&#34; &#34;x"));
	buf_fini(&out);
	endpoint_free(e);
	char *q = spelling_quoted(long_text), *back = spelling_unquoted(q);
	assert_int_equal(strlen(q), 400 + 5);
	assert_string_equal(back, long_text);
	free(q);
	free(back);
}

static void names_get_and_lose_their_final_dot(void **state)
{
	static const struct {
		const char *type, *plain, *absolute;
	} rows[] = {
		{ "CNAME", "a.example", "a.example." },
		{ "MX", "10 m.example", "10 m.example." },
		{ "SRV", "1 2 3 s.example", "1 2 3 s.example." },
		{ "A", "192.0.2.1", "192.0.2.1" },
		{ "TXT", "\"a.\"", "\"a.\"" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *a = spelling_absolute(rows[i].type, rows[i].plain);
		char *b = spelling_plain(rows[i].type, rows[i].absolute);

		assert_string_equal(a, rows[i].absolute);
		assert_string_equal(b, rows[i].plain);
		free(a);
		free(b);
	}
	char *apex = spelling_relative("example.test", "example.test");
	assert_string_equal(apex, "@");
	assert_null(spelling_relative("notexample.test", "example.test"));
	free(apex);
}

static void cloudflare_records_go_there_and_back(void **state)
{
	static const struct {
		const char *type, *target;
	} rows[] = {
		{ "A", "192.0.2.1" },        { "CNAME", "a.example" },       { "TXT", "\"x=y\"" },
		{ "MX", "10 mail.example" }, { "SRV", "1 2 443 s.example" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct endpoint *e = endpoint_new("n.example", rows[i].type, 120);
		struct cloudflare_record r;

		cJSON *body = cloudflare_record_body(e, rows[i].target);
		(void)cJSON_AddStringToObject(body, "id", "1");
		if (!json_get(body, "content")) /* the service fills it in for SRV */
			(void)cJSON_AddStringToObject(body, "content", "2 443 s.example");
		assert_true(cloudflare_record_read(body, &r));
		assert_string_equal(r.target, rows[i].target);
		assert_int_equal(r.ttl, 120);
		cloudflare_record_fini(&r);
		cJSON_Delete(body);
		endpoint_free(e);
	}
	struct endpoint *e = endpoint_new("n.example", "MX", 0);
	assert_null(cloudflare_record_body(e, "mail.example"));
	endpoint_free(e);
	assert_true(cloudflare_record_same_target("TXT", "a b", "\"a b\""));
	assert_false(cloudflare_record_same_target("TXT", "a b", "\"a c\""));
}

static void azure_sets_go_there_and_back(void **state)
{
	static const struct {
		const char *type, *target;
	} rows[] = {
		{ "A", "192.0.2.1" },
		{ "AAAA", "2001:db8::1" },
		{ "CNAME", "a.example" },
		{ "NS", "ns.example" },
		{ "MX", "10 m.example" },
		{ "SRV", "1 2 3 s.example" },
		{ "TXT", "\"heritage=external-dns\"" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int is_private = 0; is_private < 2; is_private++) {
			struct endpoint *e = endpoint_new("n.zone.example", rows[i].type, 60);

			strv_add(&e->targets, rows[i].target);
			cJSON *set = azure_record_body(e, is_private);
			if (is_private && strcmp(rows[i].type, "NS") == 0) {
				assert_null(set);
				endpoint_free(e);
				continue;
			}
			char *type = mem_printf("Microsoft.Network/dnszones/%s", rows[i].type);
			(void)cJSON_AddStringToObject(set, "name", "n");
			(void)cJSON_AddStringToObject(set, "type", type);
			struct endpoint *back = azure_record_read(set, "zone.example");
			assert_string_equal(back->dns_name, "n.zone.example");
			assert_string_equal(back->targets.s[0], rows[i].target);
			assert_int_equal(back->record_ttl, 60);
			endpoint_free(back);
			endpoint_free(e);
			cJSON_Delete(set);
			free(type);
		}
	}
}

static void a_jwt_is_signed_with_the_key(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	cJSON *claims = cJSON_CreateObject();

	(void)state;
	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	long len = BIO_get_mem_data(bio, &pem);
	char *text = mem_strndup(pem, (size_t)len);
	(void)cJSON_AddStringToObject(claims, "iss", "me");
	char *jwt = jwt_sign_rs256(claims, text, "k1");
	assert_non_null(jwt);
	assert_int_equal(
		strspn(jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
		strlen(jwt));
	char *dot = strrchr(jwt, '.');
	unsigned char signature[400];
	char padded[400];
	(void)snprintf(padded, sizeof(padded), "%s", dot + 1);
	for (char *p = padded; *p; p++)
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	while (strlen(padded) % 4)
		strcat(padded, "=");
	assert_int_equal(EVP_DecodeBlock(signature, (unsigned char *)padded, (int)strlen(padded)) /
				 3 * 3,
			 258);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(
		EVP_DigestVerify(md, signature, 256, (unsigned char *)jwt, (size_t)(dot - jwt)), 1);
	assert_null(jwt_sign_rs256(claims, "no key", NULL));
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	BIO_free(bio);
	cJSON_Delete(claims);
	free(jwt);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sigv4_signs_as_aws_says),
		cmocka_unit_test(query_parameters_are_signed_in_order),
		cmocka_unit_test(xml_is_read_and_bombs_are_refused),
		cmocka_unit_test(a_route53_set_is_read_as_externaldns_reads_it),
		cmocka_unit_test(a_routing_policy_is_wished_as_route53_gives_it_back),
		cmocka_unit_test(hetzner_labels_are_properties),
		cmocka_unit_test(azure_metadata_is_a_sorted_property),
		cmocka_unit_test(txt_is_quoted_in_strings_of_255),
		cmocka_unit_test(names_get_and_lose_their_final_dot),
		cmocka_unit_test(cloudflare_records_go_there_and_back),
		cmocka_unit_test(azure_sets_go_there_and_back),
		cmocka_unit_test(a_jwt_is_signed_with_the_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
