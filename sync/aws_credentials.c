#include "sync/aws_credentials.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/secret_file.h"
#include "sync/http_api.h"
#include "sync/xml.h"

#define RENEW_BEFORE_S 300
#define IMDS           "http://169.254.169.254"
#define CONTAINER      "http://169.254.170.2"

struct waiter {
	struct waiter *next;
	void (*cb)(void *ctx, int err, const char *text, const struct aws_credentials *c);
	void *ctx;
};

struct aws_source {
	struct aws_source_config c;
	char *profile, *assume_role, *external_id;
	char *profile_role, *profile_external_id; /* role_arn of the profile, to take first */
	struct http_api *api;
	struct aws_credentials base, final;
	struct waiter *waiters, **waiters_end;
	bool busy, asked_profile;
	char *imds_token;
	int64_t skew_s;
};

struct aws_source *aws_source_new(const struct aws_source_config *config)
{
	struct aws_source *s = MEM_NEW(struct aws_source);
	const char *profile = getenv("AWS_PROFILE");

	s->c = *config;
	s->asked_profile = config->profile && *config->profile;
	if (s->asked_profile)
		profile = config->profile;
	s->profile = mem_strdup(profile && *profile ? profile : "default");
	s->assume_role = mem_strdup(config->assume_role ? config->assume_role : "");
	s->external_id = mem_strdup(config->external_id ? config->external_id : "");
	struct http_api_config api = { .loop = config->loop,
				       .http = config->http,
				       .base_url = "",
				       .max_tries = 3,
				       .timeout_ms = 10000 };
	s->api = http_api_new(&api);
	s->waiters_end = &s->waiters;
	return s;
}

void aws_source_free(struct aws_source *s)
{
	if (s == NULL)
		return;
	http_api_free(s->api);
	while (s->waiters) {
		struct waiter *w = s->waiters;

		s->waiters = w->next;
		free(w);
	}
	aws_credentials_fini(&s->base);
	aws_credentials_fini(&s->final);
	mem_wipe(s->imds_token, s->imds_token ? strlen(s->imds_token) : 0);
	free(s->imds_token);
	free(s->profile);
	free(s->assume_role);
	free(s->external_id);
	free(s->profile_role);
	free(s->profile_external_id);
	free(s);
}

static bool is_fresh(const struct aws_credentials *c)
{
	return c->access_key &&
	       (c->expires_s == 0 || c->expires_s - RENEW_BEFORE_S > clock_real_s());
}

static void finish(struct aws_source *s, int err, const char *text)
{
	struct waiter *w = s->waiters;

	s->busy = false;
	s->waiters = NULL;
	s->waiters_end = &s->waiters;
	while (w) {
		struct waiter *next = w->next;

		w->cb(w->ctx, err, text, err ? NULL : &s->final);
		free(w);
		w = next;
	}
}

static void finish_copy(struct aws_source *s)
{
	aws_credentials_fini(&s->final);
	s->final = (struct aws_credentials){
		.access_key = mem_strdup(s->base.access_key),
		.secret_key = mem_strdup(s->base.secret_key),
		.session_token = mem_strdup(s->base.session_token),
		.expires_s = s->base.expires_s,
	};
	finish(s, 0, NULL);
}

static void set(struct aws_credentials *c, const char *key, const char *secret, const char *token,
		const char *expires)
{
	int64_t when = 0;

	if (expires && clock_from_rfc3339(expires, &when) < 0)
		when = clock_real_s() + 900; /* unreadable: ask again soon */
	aws_credentials_fini(c);
	*c = (struct aws_credentials){ .access_key = mem_strdup(key),
				       .secret_key = mem_strdup(secret),
				       .session_token = token && *token ? mem_strdup(token) : NULL,
				       .expires_s = when };
}

/* --- STS ------------------------------------------------------------------------ */

static const char *region(void)
{
	const char *r = getenv("AWS_REGION");

	if (r == NULL || *r == '\0')
		r = getenv("AWS_DEFAULT_REGION");
	return r && *r ? r : "us-east-1";
}

static char *sts_url(void)
{
	const char *url = getenv("AWS_ENDPOINT_URL_STS");

	if (url == NULL || *url == '\0')
		url = getenv("AWS_ENDPOINT_URL");
	if (url && *url)
		return mem_printf("%s/", url);
	return mem_printf("https://sts.%s.amazonaws.com/", region());
}

/* Credentials of ACTION's answer into C; false if it holds none. */
static bool sts_read(const struct http_api_result *r, const char *action, struct aws_credentials *c)
{
	struct xml *x = r->err ? NULL : xml_parse(r->body, r->len);
	char *result = mem_printf("%sResult", action);
	const struct xml *cred = xml_child(xml_child(x, result), "Credentials");
	const char *key = xml_text(cred, "AccessKeyId"),
		   *secret = xml_text(cred, "SecretAccessKey");
	bool good = key && secret;

	if (good)
		set(c, key, secret, xml_text(cred, "SessionToken"), xml_text(cred, "Expiration"));
	xml_free(x);
	free(result);
	return good;
}

static void sts_failed(struct aws_source *s, const struct http_api_result *r, const char *action)
{
	struct xml *x = r->status ? xml_parse(r->body, r->len) : NULL;
	const char *code = xml_text(x, "Error/Code");
	char *text =
		mem_printf("aws: STS %s: %s", action,
			   code ? code : (r->status ? "no credentials in the answer" : r->body));

	finish(s, r->err ? r->err : ERR_AUTH, text);
	free(text);
	xml_free(x);
}

static void base_ready(struct aws_source *s);

static void on_assumed(void *ctx, const struct http_api_result *r)
{
	struct aws_source *s = ctx;

	if (sts_read(r, "AssumeRole", &s->final))
		finish(s, 0, NULL);
	else
		sts_failed(s, r, "AssumeRole");
}

static void on_profile_role(void *ctx, const struct http_api_result *r)
{
	struct aws_source *s = ctx;

	mem_strset(&s->profile_role, NULL);
	if (sts_read(r, "AssumeRole", &s->base))
		base_ready(s);
	else
		sts_failed(s, r, "AssumeRole");
}

static void ask_role(struct aws_source *s, const char *role, const char *external_id,
		     http_api_cb cb)
{
	struct buf body = { 0 };
	char *url = sts_url(), *headers[4] = { NULL };

	buf_puts(&body, "Action=AssumeRole&Version=2011-06-15&RoleSessionName=gslbd&RoleArn=");
	http_api_escape(&body, role);
	if (external_id && *external_id) {
		buf_puts(&body, "&ExternalId=");
		http_api_escape(&body, external_id);
	}
	struct aws_request req = { .method = "POST",
				   .url = url,
				   .body = body.data,
				   .body_len = body.len,
				   .service = "sts",
				   .region = region(),
				   .now_s = clock_real_s() + s->skew_s };
	char *token;
	aws_sigv4_sign(&req, &s->base, &headers[0], &token, &headers[1]);
	headers[2] = token;
	http_api_send(s->api, "POST", url, body.data, "application/x-www-form-urlencoded",
		      (const char *const *)headers, cb, s);
	for (size_t i = 0; i < 3; i++)
		free(headers[i]);
	free(url);
	buf_fini(&body);
}

/* The base credentials are there: use them, or take the profile's role and the flag's with them. */
static void base_ready(struct aws_source *s)
{
	if (s->profile_role)
		ask_role(s, s->profile_role, s->profile_external_id, on_profile_role);
	else if (*s->assume_role)
		ask_role(s, s->assume_role, s->external_id, on_assumed);
	else
		finish_copy(s);
}

static void on_web_identity(void *ctx, const struct http_api_result *r)
{
	struct aws_source *s = ctx;

	if (sts_read(r, "AssumeRoleWithWebIdentity", &s->base))
		base_ready(s);
	else
		sts_failed(s, r, "AssumeRoleWithWebIdentity");
}

static bool try_web_identity(struct aws_source *s)
{
	const char *role = getenv("AWS_ROLE_ARN"), *name = getenv("AWS_ROLE_SESSION_NAME");
	char *token = secret_file_read(getenv("AWS_WEB_IDENTITY_TOKEN_FILE"));

	if (token == NULL || role == NULL || *role == '\0') {
		free(token);
		return false;
	}
	struct buf body = { 0 };
	char *url = sts_url();
	buf_puts(&body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=");
	http_api_escape(&body, name && *name ? name : "gslbd");
	buf_puts(&body, "&RoleArn=");
	http_api_escape(&body, role);
	buf_puts(&body, "&WebIdentityToken=");
	http_api_escape(&body, token);
	http_api_send(s->api, "POST", url, body.data, "application/x-www-form-urlencoded", NULL,
		      on_web_identity, s);
	secret_file_free(token);
	free(url);
	buf_fini(&body);
	return true;
}

/* --- files and environment -------------------------------------------------------- */

static bool try_environment(struct aws_source *s)
{
	const char *key = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");

	if (!key || !*key || !secret || !*secret)
		return false;
	set(&s->base, key, secret, getenv("AWS_SESSION_TOKEN"), NULL);
	return true;
}

/* "name = value" of section [SECTION]; NULL if there is none.  Caller frees. */
static char *ini_get(const char *text, const char *section, const char *name)
{
	struct strv lines = { 0 };
	bool in = false;
	char *found = NULL;

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n && !found; i++) {
		char *line = lines.s[i], *eq = strchr(line, '=');

		if (line[0] == '[') {
			size_t n = strlen(section);

			if (strncmp(line + 1, "profile ", 8) == 0)
				line += 8;
			in = strncmp(line + 1, section, n) == 0 && line[n + 1] == ']';
			continue;
		}
		if (!in || eq == NULL || line[0] == '#')
			continue;
		struct strv pair = { 0 };
		*eq = '\0';
		strv_split(&pair, line, "");
		if (pair.n == 1 && strcmp(pair.s[0], name) == 0) {
			const char *value = eq + 1 + strspn(eq + 1, " \t");

			found = mem_strdup(value);
		}
		strv_fini(&pair);
	}
	strv_fini(&lines);
	return found;
}

static char *read_shared(const char *variable, const char *name)
{
	const char *path = getenv(variable), *home = getenv("HOME");
	char *own =
		path && *path ? mem_strdup(path) : mem_printf("%s/.aws/%s", home ? home : "", name);
	char *text = secret_file_read(own);

	free(own);
	return text;
}

/* NAME of PROFILE in the credentials file, else in the config file.  Caller frees. */
static char *profile_get(const char *credentials, const char *config, const char *profile,
			 const char *name)
{
	char *value = credentials ? ini_get(credentials, profile, name) : NULL;

	return value || !config ? value : ini_get(config, profile, name);
}

/* A profile with keys, or with a role to take by the keys of its source_profile. */
static bool try_profile(struct aws_source *s)
{
	char *text = read_shared("AWS_SHARED_CREDENTIALS_FILE", "credentials");
	char *config = read_shared("AWS_CONFIG_FILE", "config");
	char *role = profile_get(text, config, s->profile, "role_arn");
	char *from = role ? profile_get(text, config, s->profile, "source_profile") : NULL;
	const char *with = from ? from : s->profile;
	char *key = profile_get(text, config, with, "aws_access_key_id");
	char *secret = profile_get(text, config, with, "aws_secret_access_key");
	char *token = profile_get(text, config, with, "aws_session_token");
	bool good = key && secret;

	if (good)
		set(&s->base, key, secret, token, NULL);
	if (good && from) {
		free(s->profile_external_id);
		s->profile_external_id = profile_get(text, config, s->profile, "external_id");
		mem_strset(&s->profile_role, role);
	}
	mem_wipe(secret, secret ? strlen(secret) : 0);
	mem_wipe(text, text ? strlen(text) : 0);
	free(key);
	free(secret);
	free(token);
	free(role);
	free(from);
	free(text);
	free(config);
	return good;
}

/* --- metadata services ------------------------------------------------------------- */

static void metadata_failed(struct aws_source *s, const struct http_api_result *r)
{
	(void)r;
	finish(s, ERR_AUTH,
	       "aws: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a "
	       "web "
	       "identity, or run where pod or instance credentials are served");
}

static void on_metadata(void *ctx, const struct http_api_result *r)
{
	struct aws_source *s = ctx;
	const char *key = json_text(r->json, "AccessKeyId");
	const char *secret = json_text(r->json, "SecretAccessKey");

	if (r->err || !key || !secret) {
		metadata_failed(s, r);
		return;
	}
	set(&s->base, key, secret, json_text(r->json, "Token"), json_text(r->json, "Expiration"));
	base_ready(s);
}

static bool try_container(struct aws_source *s)
{
	const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *given = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char *token = secret_file_read(getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
	char *headers[2] = { NULL }, *url = NULL;

	if (relative && *relative)
		url = mem_printf(CONTAINER "%s", relative);
	else if (full && *full)
		url = mem_strdup(full);
	if (url) {
		if (token || given)
			headers[0] = mem_printf("Authorization: %s", token ? token : given);
		http_api_send(s->api, "GET", url, NULL, NULL, (const char *const *)headers,
			      on_metadata, s);
	}
	free(headers[0]);
	free(token);
	free(url);
	return url != NULL;
}

static void imds_get(struct aws_source *s, const char *name, http_api_cb cb)
{
	const char *base = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	char *url = mem_printf("%s/latest/meta-data/iam/security-credentials/%s",
			       base && *base ? base : IMDS, name);
	char *header = mem_printf("X-aws-ec2-metadata-token: %s", s->imds_token);
	const char *headers[] = { header, NULL };

	http_api_send(s->api, "GET", url, NULL, NULL, headers, cb, s);
	free(header);
	free(url);
}

static void on_imds_role(void *ctx, const struct http_api_result *r)
{
	struct aws_source *s = ctx;

	if (r->err || r->len == 0) {
		metadata_failed(s, r);
		return;
	}
	char *role = mem_strndup(r->body, strcspn(r->body, "\r\n"));
	imds_get(s, role, on_metadata);
	free(role);
}

static void on_imds_token(void *ctx, const struct http_api_result *r)
{
	struct aws_source *s = ctx;

	if (r->err || r->len == 0) {
		metadata_failed(s, r);
		return;
	}
	mem_strset(&s->imds_token, r->body);
	imds_get(s, "", on_imds_role);
}

static void ask_imds(struct aws_source *s)
{
	const char *base = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *off = getenv("AWS_EC2_METADATA_DISABLED");
	static const char *const headers[] = { "X-aws-ec2-metadata-token-ttl-seconds: 21600",
					       NULL };

	if (off && strcmp(off, "true") == 0) {
		metadata_failed(s, NULL);
		return;
	}
	char *url = mem_printf("%s/latest/api/token", base && *base ? base : IMDS);
	http_api_send(s->api, "PUT", url, NULL, NULL, headers, on_imds_token, s);
	free(url);
}

void aws_source_drop(struct aws_source *s, int64_t skew_s)
{
	s->skew_s = skew_s;
	if (s->busy)
		return;
	aws_credentials_fini(&s->base);
	aws_credentials_fini(&s->final);
}

void aws_source_get(struct aws_source *s,
		    void (*cb)(void *ctx, int err, const char *text,
			       const struct aws_credentials *c),
		    void *ctx)
{
	if (!s->busy && is_fresh(&s->final)) {
		cb(ctx, 0, NULL, &s->final);
		return;
	}
	struct waiter *w = MEM_NEW(struct waiter);
	w->cb = cb;
	w->ctx = ctx;
	*s->waiters_end = w;
	s->waiters_end = &w->next;
	if (s->busy)
		return;
	s->busy = true;
	if ((s->asked_profile && try_profile(s)) || (!s->asked_profile && try_environment(s)) ||
	    is_fresh(&s->base)) {
		base_ready(s);
		return;
	}
	if (try_web_identity(s))
		return;
	if (!s->asked_profile && try_profile(s)) {
		base_ready(s);
		return;
	}
	if (!try_container(s))
		ask_imds(s);
}
