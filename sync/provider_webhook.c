/*
 * provider_webhook - a provider in another process, by ExternalDNS's webhook
 * protocol: GET / (negotiation, domain filter), GET /records,
 * POST /adjustendpoints, POST /records.
 *
 * The first write is read back: webhooks written for 0.14 may know only the
 * capitalised keys, and answer 204 to others without doing anything.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/backoff.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "sync/batch.h"
#include "sync/change_list.h"
#include "sync/domain_filter.h"
#include "sync/provider.h"
#include "sync/webhook_json.h"

#define NEGOTIATIONS  5       /* tries, as ExternalDNS has */
#define PIECE_BYTES   8000000 /* of a POST; servers take 32 MiB */
#define PIECE_CHANGES 10000

enum spelling { SPELLING_TRIED, SPELLING_KNOWN };

struct provider {
	struct provider_env env;
	char *url; /* without final slash */
	unsigned timeout_ms;
	size_t max_body;
	bool negotiated;
	struct backoff backoff; /* of negotiation */
	struct loop_timer *timer;
	struct domain_filter *filter; /* theirs */
	bool capitals;
	enum spelling spelling;
	bool doubt; /* the last apply ended with a 5xx: look for the culprit this time */

	struct http_request *request;
	void (*on_records)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void (*on_adjusted)(void *ctx, int err, const char *err_text, struct endpoint_list *list);
	void (*on_applied)(void *ctx, int err, const char *err_text);
	void *ctx;
	struct batch *batch;
	struct change *const *sent;
	size_t nsent;
};

/* --- requests ------------------------------------------------------------------------ */

static void call(struct provider *p, const char *method, const char *path, cJSON *body,
		 void (*on_done)(void *ctx, const struct http_response *r))
{
	static const char *const read_headers[] = { "Accept: " WEBHOOK_MEDIA_TYPE, NULL };
	static const char *const write_headers[] = { "Content-Type: " WEBHOOK_MEDIA_TYPE,
						     "Accept: " WEBHOOK_MEDIA_TYPE, NULL };
	const struct config *c = p->env.config;
	char *url = mem_printf("%s%s", p->url, path), *text = body ? json_print(body) : NULL;
	const char *ca = config_text(c, OPT_TLS_CA), *cert = config_text(c, OPT_TLS_CLIENT_CERT);
	const char *key = config_text(c, OPT_TLS_CLIENT_CERT_KEY);
	struct http_call q = { .method = method,
			       .url = url,
			       .headers = body ? write_headers : read_headers,
			       .body = text,
			       .body_len = text ? strlen(text) : 0,
			       .timeout_ms = p->timeout_ms,
			       .max_body = p->max_body,
			       .ca_file = *ca ? ca : NULL,
			       .client_cert = *cert ? cert : NULL,
			       .client_key = *key ? key : NULL,
			       .on_done = on_done,
			       .ctx = p };

	p->request = http_client_call(p->env.http, &q);
	cJSON_Delete(body);
	free(text);
	free(url);
}

/* 0, or an error with *ret_why (caller frees) unless the answer has STATUS. */
static int check(const struct http_response *r, int status, const char *what, char **ret_why)
{
	if (r->err) {
		*ret_why = mem_printf("%s: %s", what, r->error);
		return r->err;
	}
	if (r->status == status)
		return 0;
	*ret_why = mem_printf("%s: status %d%s%.200s", what, r->status, r->body.len ? ": " : "",
			      buf_str(&r->body));
	if (r->status == 429)
		return ERR_AGAIN;
	if (r->status == 401 || r->status == 403)
		return ERR_AUTH;
	return r->status >= 400 && r->status < 500 ? ERR_INVALID : ERR_PROTOCOL;
}

static cJSON *parse(const struct http_response *r)
{
	return r->body.len ? cJSON_ParseWithLength(buf_str(&r->body), r->body.len) : NULL;
}

/* The answer's endpoints; as check. */
static int read_endpoints(const struct http_response *r, const char *what,
			  struct endpoint_list *out, char **ret_why)
{
	int err = check(r, 200, what, ret_why);
	cJSON *json;
	char *why = NULL;

	if (err)
		return err;
	json = parse(r);
	if (json == NULL)
		why = mem_strdup("no JSON");
	else
		err = webhook_json_read_list(json, out, &why);
	cJSON_Delete(json);
	if (why) {
		endpoint_list_fini(out);
		*ret_why = mem_printf("%s: %s", what, why);
		free(why);
		return ERR_PROTOCOL;
	}
	return err;
}

/* --- reading --------------------------------------------------------------------------- */

static void got_records(void *ctx, const struct http_response *r)
{
	struct provider *p = ctx;
	struct endpoint_list all = { 0 };
	char *why = NULL;
	int err;

	p->request = NULL;
	err = read_endpoints(r, "GET /records", &all, &why);
	if (err)
		metric_add(METRIC_EXTDNS_WEBHOOK_RECORDS_ERRORS, 1);
	p->on_records(p->ctx, err, why, &all);
	free(why);
}

static void ask_records(struct provider *p)
{
	metric_add(METRIC_EXTDNS_WEBHOOK_RECORDS_REQUESTS, 1);
	call(p, "GET", "/records", NULL, got_records);
}

static int take_filter(struct provider *p, const struct http_response *r, char **ret_why)
{
	const char *type = http_response_header(r, "content-type");
	cJSON *json = parse(r);
	char *why = NULL;
	int err = 0;

	if (type == NULL || strcmp(type, WEBHOOK_MEDIA_TYPE) != 0)
		why = mem_printf("content type \"%s\" in place of \"%s\"", type ? type : "",
				 WEBHOOK_MEDIA_TYPE);
	else if (!cJSON_IsObject(json))
		why = mem_strdup("no JSON object");
	else
		err = domain_filter_from_json(json, &p->filter, &why);
	cJSON_Delete(json);
	if (why) {
		*ret_why = mem_printf("GET /: %s", why);
		free(why);
		err = err ? err : ERR_PROTOCOL;
	}
	return err;
}

static void negotiated(void *ctx, const struct http_response *r);

static void negotiate(void *ctx)
{
	call(ctx, "GET", "/", NULL, negotiated);
}

/* A webhook that starts beside us may not be there yet.  True if it is asked once more. */
static bool negotiate_again(struct provider *p, const struct http_response *r)
{
	bool hopeless = r->err == 0 && r->status < 500 && r->status != 429;

	if (hopeless || p->backoff.tries + 1 >= NEGOTIATIONS)
		return false;
	if (p->timer == NULL)
		p->timer = loop_timer_new(p->env.loop, negotiate, p);
	loop_timer_set(p->timer, backoff_next_ms(&p->backoff));
	return true;
}

static void negotiated(void *ctx, const struct http_response *r)
{
	struct provider *p = ctx;
	struct endpoint_list none = { 0 };
	char *why = NULL;
	int err;

	p->request = NULL;
	err = check(r, 200, "GET /", &why);
	if (err && negotiate_again(p, r)) {
		free(why);
		return;
	}
	backoff_reset(&p->backoff);
	if (err == 0)
		err = take_filter(p, r, &why);
	if (err) {
		p->on_records(p->ctx, err, why, &none);
		free(why);
		return;
	}
	p->negotiated = true;
	ask_records(p);
}

static void records(struct provider *p,
		    void (*done)(void *ctx, int err, const char *err_text,
				 struct endpoint_list *records),
		    void *ctx)
{
	p->on_records = done;
	p->ctx = ctx;
	if (p->negotiated)
		ask_records(p);
	else
		negotiate(p);
}

/* --- adjusting --------------------------------------------------------------------------- */

static void got_adjusted(void *ctx, const struct http_response *r)
{
	struct provider *p = ctx;
	struct endpoint_list all = { 0 };
	char *why = NULL;
	int err;

	p->request = NULL;
	err = read_endpoints(r, "POST /adjustendpoints", &all, &why);
	if (err)
		metric_add(METRIC_EXTDNS_WEBHOOK_ADJUST_ERRORS, 1);
	p->on_adjusted(p->ctx, err, why, &all);
	free(why);
}

static void adjust_remote(struct provider *p, struct endpoint_list *desired,
			  void (*done)(void *ctx, int err, const char *err_text,
				       struct endpoint_list *adjusted),
			  void *ctx)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < desired->n; i++)
		cJSON_AddItemToArray(list, webhook_json_endpoint(desired->e[i]));
	endpoint_list_fini(desired);
	p->on_adjusted = done;
	p->ctx = ctx;
	metric_add(METRIC_EXTDNS_WEBHOOK_ADJUST_REQUESTS, 1);
	call(p, "POST", "/adjustendpoints", list, got_adjusted);
}

/* --- writing ----------------------------------------------------------------------------- */

static void post_changes(struct provider *p);

static const struct endpoint *a_create(const struct provider *p)
{
	for (size_t i = 0; i < p->nsent; i++)
		if (p->sent[i]->kind == CHANGE_CREATE)
			return p->sent[i]->after;
	return NULL;
}

/* Is what we created there?  If not, the keys were not understood. */
static void read_back(void *ctx, const struct http_response *r)
{
	struct provider *p = ctx;
	const struct endpoint *e = a_create(p);
	struct endpoint_list all = { 0 };
	char *why = NULL;
	bool found = false;

	p->request = NULL;
	if (read_endpoints(r, "GET /records", &all, &why) == 0) {
		for (size_t i = 0; i < all.n && !found; i++)
			found = strcmp(all.e[i]->dns_name, e->dns_name) == 0 &&
				strcmp(all.e[i]->record_type, e->record_type) == 0;
		p->spelling = SPELLING_KNOWN;
	} else {
		found = true; /* the next write will look again */
	}
	endpoint_list_fini(&all);
	free(why);
	if (found) {
		batch_sent(p->batch, 0, NULL, -1);
		return;
	}
	p->capitals = !p->capitals;
	post_changes(p);
}

static void posted(void *ctx, const struct http_response *r)
{
	struct provider *p = ctx;
	char *why = NULL;
	int err;

	p->request = NULL;
	err = check(r, 204, "POST /records", &why);
	if (err == 0 && p->spelling == SPELLING_TRIED && a_create(p)) {
		call(p, "GET", "/records", NULL, read_back);
		return;
	}
	if (err) {
		metric_add(METRIC_EXTDNS_WEBHOOK_APPLY_ERRORS, 1);
		/*
		 * Many webhooks answer 500 to one bad record.  The second time in a row that is
		 * what it must be, and the read in between has told what landed.
		 */
		if (err == ERR_PROTOCOL && r->err == 0 && p->doubt)
			err = ERR_INVALID;
		else if (err == ERR_PROTOCOL)
			p->doubt = true;
	} else {
		p->doubt = false;
	}
	batch_sent(p->batch, err, why, http_response_retry_after_ms(r));
	free(why);
}

static void post_changes(struct provider *p)
{
	const struct config *c = p->env.config;
	bool owned = strcmp(config_text(c, OPT_REGISTRY), "noop") != 0;
	const char *owner = owned ? config_text(c, OPT_TXT_OWNER_ID) : NULL;

	metric_add(METRIC_EXTDNS_WEBHOOK_APPLY_REQUESTS, 1);
	call(p, "POST", "/records", webhook_json_changes(p->sent, p->nsent, owner, p->capitals),
	     posted);
}

static void send_changes(void *ctx, struct batch *b, void *zone, struct change *const *c, size_t n)
{
	struct provider *p = ctx;

	(void)zone;
	p->batch = b;
	p->sent = c;
	p->nsent = n;
	post_changes(p);
}

static void *zone_of(void *ctx, const struct change *c)
{
	(void)c;
	return ctx; /* the webhook knows the zones */
}

static struct batch_cost cost(void *ctx, const struct change *c)
{
	size_t bytes = 0;
	const struct endpoint *both[] = { c->before, c->after };

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		for (size_t k = 0; both[i] && k < both[i]->targets.n; k++)
			bytes += strlen(both[i]->targets.s[k]) + 400;
	return (struct batch_cost){ .changes = 1, .bytes = bytes };
}

static void batch_done(void *ctx, int err, const char *err_text)
{
	struct provider *p = ctx;

	p->batch = NULL;
	p->on_applied(p->ctx, err, err_text);
}

static void apply(struct provider *p, struct change *changes, size_t n,
		  void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	static const struct batch_ops ops = {
		.zone = zone_of, .cost = cost, .send = send_changes, .done = batch_done
	};
	struct batch_limits limits = { .changes = PIECE_CHANGES, .bytes = PIECE_BYTES };

	p->on_applied = done;
	p->ctx = ctx;
	p->batch = batch_start(p->env.loop, &ops, p, &limits, NULL, changes, n);
}

/* --- life ----------------------------------------------------------------------------------- */

static void close_provider(struct provider *p)
{
	if (p->request)
		http_request_cancel(p->request);
	loop_timer_free(p->timer);
	batch_cancel(p->batch);
	domain_filter_free(p->filter);
	free(p->url);
	free(p);
}

static int open_provider(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	const struct config *c = env->config;
	const char *url = config_text(c, OPT_WEBHOOK_PROVIDER_URL);
	struct provider *p;
	size_t len = strlen(url);

	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
		*ret_why = mem_printf(
			"--webhook-provider-url=%s: a URL with http or https is expected", url);
		return ERR_INVALID;
	}
	p = MEM_NEW(struct provider);
	p->env = *env;
	p->backoff = (struct backoff){ .min_ms = 250, .max_ms = 4000 };
	while (len && url[len - 1] == '/')
		len--;
	p->url = mem_strndup(url, len);
	p->timeout_ms = (unsigned)(config_ms(c, OPT_WEBHOOK_PROVIDER_READ_TIMEOUT) +
				   config_ms(c, OPT_WEBHOOK_PROVIDER_WRITE_TIMEOUT));
	p->max_body = (size_t)config_number(c, OPT_WEBHOOK_PROVIDER_MAX_BODY_SIZE);
	*ret = p;
	return 0;
}

static bool keeps(struct provider *p, const char *property)
{
	(void)p;
	return strchr(property, '/') == NULL || strncmp(property, "webhook/", 8) == 0;
}

static const struct domain_filter *filter(struct provider *p)
{
	return p->filter;
}

const struct provider_ops provider_webhook = { .name = "webhook",
					       .open = open_provider,
					       .close = close_provider,
					       .records = records,
					       .apply = apply,
					       .keeps = keeps,
					       .adjust_remote = adjust_remote,
					       .filter = filter };
