#include "sync/google_token.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/secret_file.h"
#include "sync/http_api.h"
#include "sync/jwt.h"

#define SCOPE     "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
#define TOKEN_URI "https://oauth2.googleapis.com/token"
#define METADATA  "http://metadata.google.internal"
#define SKEW_S    60
#define FORM      "application/x-www-form-urlencoded"

struct waiter {
	struct waiter *next;
	void (*cb)(void *ctx, int err, const char *text, const char *value);
	void *ctx;
	bool wants_project;
};

struct google_token {
	struct http_api *api;
	char *token, *project;
	int64_t expires_s;
	struct waiter *waiters, **waiters_end;
	bool busy;
	int64_t skew_s;
	bool asked_again;  /* once, with the service's clock */
	cJSON *federation; /* external_account being exchanged */
};

struct google_token *google_token_new(struct loop *loop, struct http_client *http)
{
	struct google_token *t = MEM_NEW(struct google_token);
	struct http_api_config c = {
		.loop = loop, .http = http, .base_url = "", .max_tries = 3, .timeout_ms = 10000
	};

	t->api = http_api_new(&c);
	t->waiters_end = &t->waiters;
	return t;
}

void google_token_free(struct google_token *t)
{
	if (t == NULL)
		return;
	http_api_free(t->api);
	while (t->waiters) {
		struct waiter *w = t->waiters;

		t->waiters = w->next;
		free(w);
	}
	mem_wipe(t->token, t->token ? strlen(t->token) : 0);
	free(t->token);
	free(t->project);
	cJSON_Delete(t->federation);
	free(t);
}

static void finish(struct google_token *t, int err, const char *text)
{
	struct waiter *w = t->waiters;

	t->busy = false;
	t->waiters = NULL;
	t->waiters_end = &t->waiters;
	while (w) {
		struct waiter *next = w->next;

		if (w->wants_project)
			w->cb(w->ctx, err, text, err ? NULL : t->project);
		else
			w->cb(w->ctx, err, text, err ? NULL : t->token);
		free(w);
		w = next;
	}
}

static void finish_failed(struct google_token *t, const struct http_api_result *r, const char *what)
{
	const char *word = json_text(r->json, "error_description");

	if (word == NULL)
		word = json_text(r->json, "error");
	if (word == NULL)
		word = r->status ? "no token in the answer" : r->body;
	char *text = mem_printf("google: %s: %.200s", what, word);
	finish(t, r->err ? r->err : ERR_AUTH, text);
	free(text);
}

static bool take_token(struct google_token *t, const struct http_api_result *r)
{
	const char *token = json_text(r->json, "access_token");

	if (r->err || token == NULL)
		return false;
	mem_strset(&t->token, token);
	t->expires_s = clock_real_s() + json_number(r->json, "expires_in", 3600) - 60;
	return true;
}

static void begin(struct google_token *t);

void google_token_drop(struct google_token *t, int64_t skew_s)
{
	t->skew_s = skew_s;
	if (!t->busy)
		mem_strset(&t->token, NULL);
}

/* "Token must be a short-lived token": our clock is off.  True if it is asked again. */
static bool mend_clock(struct google_token *t, const struct http_api_result *r)
{
	int64_t theirs = r->status ? http_api_date_s(r->response) : -1;
	int64_t off = theirs - clock_real_s();

	if (t->asked_again || theirs <= 0 ||
	    (off <= t->skew_s + SKEW_S && off >= t->skew_s - SKEW_S))
		return false;
	t->skew_s = off;
	t->asked_again = true;
	begin(t);
	return true;
}

static void on_token(void *ctx, const struct http_api_result *r)
{
	struct google_token *t = ctx;

	if (take_token(t, r))
		finish(t, 0, NULL);
	else if (!mend_clock(t, r))
		finish_failed(t, r, "token");
}

static void post_form(struct google_token *t, const char *url, const struct buf *form,
		      http_api_cb cb)
{
	http_api_send(t->api, "POST", url, buf_str(form), FORM, NULL, cb, t);
}

static void add_form(struct buf *b, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(b, "%s%s=", b->len ? "&" : "", name);
	http_api_escape(b, value);
}

/* RFC 7523: a token for a JWT signed with the service account's key. */
static void ask_service_account(struct google_token *t, const cJSON *key)
{
	const char *email = json_text(key, "client_email"), *pem = json_text(key, "private_key");
	const char *uri = json_text(key, "token_uri"), *kid = json_text(key, "private_key_id");
	struct buf form = { 0 };
	int64_t now = clock_real_s() + t->skew_s;

	if (uri == NULL)
		uri = TOKEN_URI;
	mem_strset(&t->project, json_text(key, "project_id"));
	cJSON *claims = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(claims, "iss", email ? email : "");
	(void)cJSON_AddStringToObject(claims, "scope", SCOPE);
	(void)cJSON_AddStringToObject(claims, "aud", uri);
	(void)cJSON_AddNumberToObject(claims, "iat", (double)now);
	(void)cJSON_AddNumberToObject(claims, "exp", (double)(now + 3600));
	char *jwt = email && pem ? jwt_sign_rs256(claims, pem, kid) : NULL;
	cJSON_Delete(claims);
	if (jwt == NULL) {
		finish(t, ERR_AUTH,
		       "google: the service account file has no usable client_email and "
		       "private_key");
		return;
	}
	add_form(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	add_form(&form, "assertion", jwt);
	post_form(t, uri, &form, on_token);
	buf_fini(&form);
	free(jwt);
}

static void ask_user(struct google_token *t, const cJSON *key)
{
	struct buf form = { 0 };

	mem_strset(&t->project, json_text(key, "quota_project_id"));
	add_form(&form, "grant_type", "refresh_token");
	add_form(&form, "client_id", json_text(key, "client_id"));
	add_form(&form, "client_secret", json_text(key, "client_secret"));
	add_form(&form, "refresh_token", json_text(key, "refresh_token"));
	const char *uri = json_text(key, "token_uri");
	post_form(t, uri ? uri : TOKEN_URI, &form, on_token);
	buf_fini(&form);
}

/* --- workload identity federation (RFC 8693) -------------------------------------------- */

static void on_impersonated(void *ctx, const struct http_api_result *r)
{
	struct google_token *t = ctx;
	const char *token = json_text(r->json, "accessToken");
	const char *until = json_text(r->json, "expireTime");
	int64_t when = 0;

	if (r->err || token == NULL) {
		finish_failed(t, r, "generateAccessToken");
		return;
	}
	mem_strset(&t->token, token);
	if (until == NULL || clock_from_rfc3339(until, &when) < 0)
		when = clock_real_s() + 600;
	t->expires_s = when - 60;
	finish(t, 0, NULL);
}

static void on_exchanged(void *ctx, const struct http_api_result *r)
{
	struct google_token *t = ctx;
	const char *url = json_text(t->federation, "service_account_impersonation_url");

	if (!take_token(t, r)) {
		finish_failed(t, r, "token exchange");
		return;
	}
	if (url == NULL) {
		finish(t, 0, NULL);
		return;
	}
	char *header = mem_printf("Authorization: Bearer %s", t->token);
	const char *headers[] = { header, NULL };
	http_api_send(t->api, "POST", url, "{\"scope\":[\"" SCOPE "\"]}", NULL, headers,
		      on_impersonated, t);
	free(header);
}

/* Exchange the SUBJECT token (a file's or a URL's content) for one of Google's. */
static void exchange(struct google_token *t, const char *subject)
{
	const cJSON *key = t->federation;
	const char *field = json_text(key, "credential_source.format.subject_token_field_name");
	cJSON *json = field ? cJSON_Parse(subject) : NULL; /* JSON that names the token */
	const char *token = field ? json_member(json, field) : subject;
	const char *url = json_text(key, "token_url");
	struct buf form = { 0 };

	if (token == NULL || url == NULL) {
		finish(t, ERR_AUTH,
		       "google: workload identity federation: no token_url, or no subject token "
		       "where credential_source says");
	} else {
		add_form(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
		add_form(&form, "audience", json_text(key, "audience"));
		add_form(&form, "scope", "https://www.googleapis.com/auth/cloud-platform");
		add_form(&form, "requested_token_type",
			 "urn:ietf:params:oauth:token-type:access_token");
		add_form(&form, "subject_token_type", json_text(key, "subject_token_type"));
		add_form(&form, "subject_token", token);
		post_form(t, url, &form, on_exchanged);
		buf_fini(&form);
	}
	cJSON_Delete(json);
}

static void on_subject(void *ctx, const struct http_api_result *r)
{
	struct google_token *t = ctx;

	if (r->err)
		finish_failed(t, r, "subject token");
	else
		exchange(t, r->body);
}

static void ask_subject(struct google_token *t, const char *url)
{
	struct strv headers = { 0 };
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(t->federation, "credential_source.headers"))
		if (cJSON_IsString(it))
			strv_take(&headers, mem_printf("%s: %s", it->string, it->valuestring));
	strv_take(&headers, NULL); /* ends the list */
	http_api_send(t->api, "GET", url, NULL, NULL, (const char *const *)headers.s, on_subject,
		      t);
	strv_fini(&headers);
}

static void ask_federation(struct google_token *t, const cJSON *key)
{
	char *subject = secret_file_read(json_text(key, "credential_source.file"));
	const char *url = json_text(key, "credential_source.url");

	cJSON_Delete(t->federation);
	t->federation = cJSON_Duplicate(key, true);
	if (subject)
		exchange(t, subject);
	else if (url)
		ask_subject(t, url);
	else
		finish(t, ERR_UNSUPPORTED,
		       "google: workload identity federation: credential_source needs file or url");
	free(subject);
}

/* --- the metadata server ------------------------------------------------------------------ */

static const char *const metadata_headers[] = { "Metadata-Flavor: Google", NULL };

static void ask_metadata(struct google_token *t, const char *path, http_api_cb cb)
{
	const char *host = getenv("GCE_METADATA_HOST");
	char *url = host && *host ? mem_printf("http://%s/computeMetadata/v1%s", host, path)
				  : mem_printf(METADATA "/computeMetadata/v1%s", path);

	http_api_send(t->api, "GET", url, NULL, NULL, metadata_headers, cb, t);
	free(url);
}

static void on_project(void *ctx, const struct http_api_result *r)
{
	struct google_token *t = ctx;

	if (r->err == 0 && r->len)
		mem_strset(&t->project, r->body);
	finish(t, 0, NULL);
}

static void on_metadata_token(void *ctx, const struct http_api_result *r)
{
	struct google_token *t = ctx;

	if (!take_token(t, r))
		finish_failed(
			t, r,
			"no credentials: set GOOGLE_APPLICATION_CREDENTIALS, or run where the "
			"metadata server answers");
	else if (t->project == NULL)
		ask_metadata(t, "/project/project-id", on_project);
	else
		finish(t, 0, NULL);
}

/* --- choosing -------------------------------------------------------------------------------- */

static void begin(struct google_token *t)
{
	const char *path = getenv("GOOGLE_APPLICATION_CREDENTIALS"), *home = getenv("HOME");
	char *well_known = mem_printf("%s/.config/gcloud/application_default_credentials.json",
				      home ? home : "");
	char *text = secret_file_read(path && *path ? path : well_known);
	cJSON *key = text ? cJSON_Parse(text) : NULL;
	const char *type = json_text(key, "type");

	if (type && strcmp(type, "service_account") == 0) {
		ask_service_account(t, key);
	} else if (type && strcmp(type, "external_account") == 0) {
		ask_federation(t, key);
	} else if (type && strcmp(type, "authorized_user") == 0) {
		ask_user(t, key);
	} else if (path && *path) {
		char *why = mem_printf(
			"google: GOOGLE_APPLICATION_CREDENTIALS: %s is no credentials file", path);
		finish(t, ERR_AUTH, why);
		free(why);
	} else {
		ask_metadata(t, "/instance/service-accounts/default/token", on_metadata_token);
	}
	secret_file_free(text);
	free(well_known);
	cJSON_Delete(key);
}

static void get(struct google_token *t,
		void (*cb)(void *ctx, int err, const char *text, const char *value), void *ctx,
		bool wants_project)
{
	if (!t->busy && t->token && t->expires_s > clock_real_s()) {
		cb(ctx, 0, NULL, wants_project ? t->project : t->token);
		return;
	}
	struct waiter *w = MEM_NEW(struct waiter);
	*w = (struct waiter){ .cb = cb, .ctx = ctx, .wants_project = wants_project };
	*t->waiters_end = w;
	t->waiters_end = &w->next;
	if (t->busy)
		return;
	t->busy = true;
	t->asked_again = false;
	begin(t);
}

void google_token_get(struct google_token *t,
		      void (*cb)(void *ctx, int err, const char *text, const char *token),
		      void *ctx)
{
	get(t, cb, ctx, false);
}

void google_token_project(struct google_token *t,
			  void (*cb)(void *ctx, int err, const char *text, const char *project),
			  void *ctx)
{
	get(t, cb, ctx, true);
}
