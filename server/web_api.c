/*
 * web_api - the JSON side of the admin address; see web_api.h.
 */
#include "server/web_api.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/http_server.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"

/* --- status ------------------------------------------------------------------------ */

/* "input: why not" of every input that is not ready. */
static void add_not_ready(cJSON *out)
{
	cJSON *why = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(out, "not_ready");
	const cJSON *w;

	(void)status_is_ready(why);
	cJSON_ArrayForEach(w, why) {
		char *text = mem_printf("%s: %s", w->string, w->valuestring);

		cJSON_AddItemToArray(list, cJSON_CreateString(text));
		free(text);
	}
	cJSON_Delete(why);
}

void web_api_about(void *ctx, cJSON *out)
{
	const struct web_api *a = ctx;
	char text[32];

	cJSON_AddStringToObject(out, "version", PACKAGE_VERSION);
	if (*a->geo_tag)
		cJSON_AddStringToObject(out, "geo_tag", a->geo_tag);
	cJSON_AddStringToObject(out, "started_at", clock_rfc3339(a->started_s, text));
	cJSON_AddNumberToObject(out, "pid", getpid());
	cJSON_AddNumberToObject(out, "generation", (double)status_generation());
	cJSON_AddBoolToObject(out, "ready", status_is_ready(NULL));
	add_not_ready(out);
}

static void reply_error(struct http_exchange *x, int status, const char *text)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "error", text);
	http_exchange_json(x, status, o);
	cJSON_Delete(o);
}

/* Keep the members whose name holds ?match=TEXT, and of these the first ?limit=N. */
static void filter(cJSON *o, const struct http_exchange *x)
{
	const char *match = http_exchange_query(x, "match"),
		   *limit = http_exchange_query(x, "limit");
	long left = limit ? strtol(limit, NULL, 10) : -1;
	cJSON *next;

	if (!match && !limit)
		return;
	for (cJSON *i = o->child; i; i = next) {
		next = i->next;
		if ((match && i->string && !strcasestr(i->string, match)) || left == 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(o, i));
		else if (left > 0)
			left--;
	}
}

void web_api_status(void *ctx, struct http_exchange *x)
{
	const char *section = http_exchange_rest(x);
	cJSON *o;

	(void)ctx;
	o = status_collect(*section ? section : NULL);
	if (!o) {
		reply_error(x, 404, "no such section");
		return;
	}
	if (*section)
		filter(o, x);
	http_exchange_json(x, 200, o);
	cJSON_Delete(o);
}

/* --- commands ----------------------------------------------------------------------- */

/* The first line of FILE without line end; false if it cannot be read or is empty. */
static bool read_token(const char *file, char *out, int size)
{
	FILE *f = fopen(file, "re");
	bool ok = f && fgets(out, size, f);

	if (f)
		fclose(f);
	if (ok)
		out[strcspn(out, "\r\n")] = '\0';
	return ok && *out;
}

/* Over the unix socket its mode decides; over TCP the bearer token (RFC 6750 2.1). */
static bool may_mutate(const struct web_api *a, const struct http_exchange *x)
{
	const char *auth = http_exchange_header(x, "Authorization");
	char token[512];
	bool ok;

	if (http_exchange_is_local(x))
		return true;
	if (!a->token_file || !auth || strncasecmp(auth, "Bearer ", 7) != 0 ||
	    !read_token(a->token_file, token, sizeof(token)))
		return false;
	auth += 7;
	ok = strlen(auth) == strlen(token) && !CRYPTO_memcmp(auth, token, strlen(token));
	mem_wipe(token, sizeof(token));
	return ok;
}

static int status_of(int err)
{
	return err == 0 ? 200 : err == ERR_NOT_FOUND ? 404 : err == ERR_CONFLICT ? 409 : 422;
}

static void run(const struct web_api *a, struct http_exchange *x, const cJSON *args)
{
	const char *name = http_exchange_rest(x);
	cJSON *out = cJSON_CreateObject();
	int err = status_run(name, args, out, may_mutate(a, x)), status = status_of(err);

	if (err == ERR_DENIED && !json_text(out, "error")) {
		status = 401;
		http_exchange_set(x, "WWW-Authenticate", "Bearer");
		cJSON_AddStringToObject(
			out, "error",
			"this command changes things: it needs the unix socket or a token");
	} else if (err && !json_text(out, "error")) {
		char *text = err == ERR_NOT_FOUND ? mem_printf("no command '%s'", name)
						  : mem_strdup(error_text(err));

		cJSON_AddStringToObject(out, "error", text);
		free(text);
	}
	http_exchange_json(x, status, out);
	cJSON_Delete(out);
}

void web_api_command(void *ctx, struct http_exchange *x)
{
	const struct buf *body = http_exchange_body(x);
	cJSON *args;

	if (http_exchange_method(x) == HTTP_GET) {
		cJSON *list = cJSON_CreateObject();

		status_commands(list);
		http_exchange_json(x, 200, list);
		cJSON_Delete(list);
		return;
	}
	args = body->len ? cJSON_ParseWithLength(body->data, body->len) : cJSON_CreateObject();
	if (cJSON_IsObject(args))
		run(ctx, x, args);
	else
		reply_error(x, 400, "the body must be a JSON object");
	cJSON_Delete(args);
}

/* --- for kubelet and Prometheus ------------------------------------------------------- */

void web_api_healthz(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	http_exchange_text(x, 200, "OK\n");
}

void web_api_readyz(void *ctx, struct http_exchange *x)
{
	cJSON *o = cJSON_CreateObject();
	bool ready = status_is_ready(NULL);

	(void)ctx;
	cJSON_AddBoolToObject(o, "ready", ready);
	if (!ready)
		(void)status_is_ready(cJSON_AddObjectToObject(o, "reasons"));
	http_exchange_json(x, ready ? 200 : 503, o);
	cJSON_Delete(o);
}

void web_api_metrics(void *ctx, struct http_exchange *x)
{
	struct buf out = { 0 };

	(void)ctx;
	metric_print(&out);
	http_exchange_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
	buf_fini(&out);
}
