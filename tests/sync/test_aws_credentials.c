/* Where AWS's keys come from, in the SDKs' order, each source against its own small service. */
#include <unistd.h>

#include "lib/error.h"
#include "tests/sync/script.h"

extern const struct provider_ops provider_aws;

#define ZONES                                                  \
	"<ListHostedZonesResponse><HostedZones></HostedZones>" \
	"<IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesResponse>"
#define STS                                                                                 \
	"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>" \
	"<AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"            \
	"<SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>" \
	"</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
#define KEYS(id)                                                                      \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"s\"," \
	"\"Token\":\"session\",\"Expiration\":\"2099-01-01T00:00:00Z\"}"

static const struct script_row rows[] = {
	{ "GET", "/2013-04-01/hostedzone?*", 200, ZONES, NULL },
	{ "POST", "/", 200, STS, NULL },
	{ "GET", "/pod", 200, KEYS("ASIAPOD"), NULL },
	{ "PUT", "/latest/api/token", 200, "imds-token", NULL },
	{ "GET", "/latest/meta-data/iam/security-credentials/", 200, "node-role\n", NULL },
	{ "GET", "/latest/meta-data/iam/security-credentials/node-role", 200, KEYS("ASIANODE"),
	  NULL },
	{ 0 },
};

static const char *const nothing[] = {
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_PROFILE",
	"AWS_ROLE_ARN",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_EC2_METADATA_DISABLED",
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_CONFIG_FILE",
};

/* With ENV and all services at the script's. */
static int up(struct script *s, const char *const *env)
{
	const char *all[20] = { "AWS_ENDPOINT_URL",
				"@",
				"AWS_ENDPOINT_URL_STS",
				"@",
				"AWS_EC2_METADATA_SERVICE_ENDPOINT",
				"@" };

	for (size_t n = 6; *env; env++)
		all[n++] = *env;
	return script_up(s, &provider_aws, rows, all, FLAGS("provider=aws"));
}

/* A file with CONTENT; its path is freed by the caller, who removes it. */
static char *file_of(const char *content)
{
	char *path = mem_strdup("/tmp/gslbd-aws-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(close(fd), 0);
	return path;
}

static void keys_are_found_in_their_places(void **state)
{
	char *token = file_of("jwt.of.pod\n");
	char *profiles = file_of("[default]\naws_access_key_id = AKDEFAULT\n"
				 "aws_secret_access_key = d\n[web]\naws_access_key_id=AKWEB\n"
				 "aws_secret_access_key=w\n");
	const struct {
		const char *const env[9];
		const char *key;
	} table[] = {
		{ { "AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "s" }, "AKENV" },
		{ { "AWS_SHARED_CREDENTIALS_FILE", profiles }, "AKDEFAULT" },
		{ { "AWS_SHARED_CREDENTIALS_FILE", profiles, "AWS_PROFILE", "web" }, "AKWEB" },
		{ { "AWS_ROLE_ARN", "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE", token },
		  "ASIAWEB" },
		{ { "AWS_CONTAINER_CREDENTIALS_FULL_URI", "@/pod",
		    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token },
		  "ASIAPOD" },
		{ { NULL }, "ASIANODE" },
		/* the environment is before all others */
		{ { "AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "s",
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "@/pod" },
		  "AKENV" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct script s;

		for (size_t n = 0; n < ARRAY_SIZE(nothing); n++)
			(void)unsetenv(nothing[n]);
		assert_int_equal(up(&s, table[i].env), 0);
		script_read(&s);
		assert_int_equal(s.err, 0);
		char *credential = mem_printf("Credential=%s/", table[i].key);
		if (!strstr(s.headers.s[s.headers.n - 1], credential))
			fail_msg("row %zu: %s", i, s.headers.s[s.headers.n - 1]);
		/* a session's token goes along */
		assert_true(!strncmp(table[i].key, "ASIA", 4) ==
			    (strstr(s.headers.s[s.headers.n - 1],
				    "X-Amz-Security-Token: session") != NULL));
		for (size_t n = 0; n < s.asked.n; n++)
			if (!strncmp(s.asked.s[n], "POST / ", 7)) {
				assert_non_null(
					strstr(s.asked.s[n], "WebIdentityToken=jwt.of.pod"));
				assert_null(strstr(s.headers.s[n], "Authorization:"));
			}
		free(credential);
		script_down(&s);
	}
	(void)unlink(token);
	(void)unlink(profiles);
	free(token);
	free(profiles);
}

static void without_keys_the_reading_fails_and_says_so(void **state)
{
	struct script s;

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(nothing); n++)
		(void)unsetenv(nothing[n]);
	assert_int_equal(up(&s, FLAGS("AWS_EC2_METADATA_DISABLED", "true")), 0);
	script_read(&s);
	assert_int_equal(s.err, ERR_AUTH);
	assert_int_equal(s.asked.n, 0);
	assert_non_null(s.err_text);
	script_down(&s);
}

static int set_up(void **state)
{
	(void)state;
	return setenv("HOME", "/nowhere", 1) | setenv("AWS_REGION", "us-east-1", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_found_in_their_places),
		cmocka_unit_test(without_keys_the_reading_fails_and_says_so),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
