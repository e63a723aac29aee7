#include "sync/webhook_server.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/http_server.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "sync/change_list.h"
#include "sync/domain_filter.h"
#include "sync/target.h"
#include "sync/view.h"
#include "sync/webhook_json.h"

/* A request that waits for the provider, which takes one call at a time. */
struct job {
	struct job *next;
	struct webhook_server *server;
	struct http_reply *reply; /* NULL: the client is gone */
	bool writes;
	struct change_list changes;
	struct webhook_changes asked; /* what CHANGES borrows from */
	struct view have;             /* what the provider had just before */
};

struct webhook_server {
	struct provider_env env;
	const struct provider_ops *ops;
	struct provider *provider;
	struct domain_filter *filter;
	struct http_server *http;
	struct job *jobs, **end; /* the first one is under way */
};

static void run_next(struct webhook_server *s);

/* --- replies --------------------------------------------------------------------------- */

static void reply_json(struct http_exchange *x, cJSON *json)
{
	char *text = json_print(json);

	http_exchange_set(x, "Vary", "Content-Type"); /* old clients insist */
	http_exchange_reply(x, 200, WEBHOOK_MEDIA_TYPE, text, strlen(text));
	free(text);
	cJSON_Delete(json);
}

static void job_free(struct job *j)
{
	change_list_fini(&j->changes);
	webhook_changes_fini(&j->asked);
	view_fini(&j->have);
	free(j);
}

/* The first job has ended: tell its client, take the next. */
static void finish(struct webhook_server *s, int status, const char *type, const char *text)
{
	struct job *j = s->jobs;

	if (j->reply)
		http_reply_send(j->reply, status, type, text, strlen(text));
	s->jobs = j->next;
	if (s->jobs == NULL)
		s->end = &s->jobs;
	job_free(j);
	if (s->jobs)
		run_next(s);
}

static void gone(void *ctx)
{
	((struct job *)ctx)->reply = NULL;
}

static struct job *job_new(struct webhook_server *s, struct http_exchange *x)
{
	struct job *j = MEM_NEW(struct job);

	j->server = s;
	j->reply = http_exchange_hold(x, gone, j);
	*s->end = j;
	s->end = &j->next;
	return j;
}

/* --- the four calls ---------------------------------------------------------------------- */

static void on_negotiate(void *ctx, struct http_exchange *x)
{
	struct webhook_server *s = ctx;
	const struct strv *zones = s->ops->zones ? s->ops->zones(s->provider) : NULL;
	cJSON *o;

	if (domain_filter_is_configured(s->filter) || zones == NULL) {
		o = domain_filter_to_json(s->filter);
	} else {
		o = cJSON_CreateObject();
		cJSON_AddItemToObject(o, "include", json_from_strv(zones));
	}
	reply_json(x, o);
}

static void got_records(void *ctx, int err, const char *err_text, struct endpoint_list *records)
{
	struct webhook_server *s = ctx;

	if (err) {
		endpoint_list_fini(records);
		log_warning("webhook: reading: %s", err_text ? err_text : error_text(err));
		finish(s, 500, "text/plain", err_text ? err_text : error_text(err));
		return;
	}
	cJSON *list = cJSON_CreateArray();
	for (size_t i = 0; i < records->n; i++)
		if (domain_filter_match(s->filter, records->e[i]->dns_name))
			cJSON_AddItemToArray(list, webhook_json_endpoint(records->e[i]));
	char *text = json_print(list);
	cJSON_Delete(list);
	endpoint_list_fini(records);
	finish(s, 200, WEBHOOK_MEDIA_TYPE, text);
	free(text);
}

static void applied(void *ctx, int err, const char *err_text)
{
	struct webhook_server *s = ctx;
	const struct change_list *l = &s->jobs->changes;

	for (size_t i = 0; i < l->n; i++) {
		const struct endpoint *e = change_endpoint(&l->c[i]);

		if (l->c[i].err)
			log_warning("webhook: %s %s: %s", e->dns_name, e->record_type,
				    l->c[i].err_text ? l->c[i].err_text : error_text(l->c[i].err));
		else
			log_info("webhook: %s %s written", e->dns_name, e->record_type);
	}
	if (err)
		finish(s, 500, "text/plain", err_text ? err_text : error_text(err));
	else
		finish(s, 204, NULL, "");
}

static void add_change(struct webhook_server *s, struct job *j, enum change_kind kind,
		       const struct endpoint *before, const struct endpoint *after)
{
	const struct endpoint *e = after ? after : before;

	if (domain_filter_match(s->filter, e->dns_name))
		change_list_add(&j->changes, kind, before, after, e, false);
}

static const struct endpoint *find(const struct job *j, const struct endpoint *e)
{
	return view_find(&j->have, e->dns_name, e->record_type, e->set_identifier);
}

/*
 * ExternalDNS makes up what it deletes and updates from labels, whether it is there or not: what
 * is not there needs no delete, and its update is a create.  Deletes go first: a CNAME may take the
 * place of addresses.
 */
static void fill_changes(struct webhook_server *s, struct job *j)
{
	const struct webhook_changes *a = &j->asked;

	for (size_t i = 0; i < a->remove.n; i++)
		if (find(j, a->remove.e[i]))
			add_change(s, j, CHANGE_DELETE, a->remove.e[i], NULL);
	for (size_t i = 0; i < a->update_old.n; i++) {
		const struct endpoint *new = a->update_new.e[i], *have = find(j, new);

		if (have)
			add_change(s, j, CHANGE_UPDATE, a->update_old.e[i], new);
		else
			add_change(s, j, CHANGE_CREATE, NULL, new);
	}
	for (size_t i = 0; i < a->create.n; i++) {
		const struct endpoint *e = a->create.e[i], *have = find(j, e);

		if (have == NULL || !target_set_equal(&have->targets, &e->targets))
			add_change(s, j, CHANGE_CREATE, NULL, e);
	}
}

static void got_records_before(void *ctx, int err, const char *err_text,
			       struct endpoint_list *records)
{
	struct webhook_server *s = ctx;
	struct job *j = s->jobs;

	if (err) {
		endpoint_list_fini(records);
		finish(s, 500, "text/plain", err_text ? err_text : error_text(err));
		return;
	}
	for (size_t i = 0; i < records->n; i++)
		view_put(&j->have, records->e[i]);
	free(records->e); /* its endpoints were taken */
	fill_changes(s, j);
	if (j->changes.n)
		s->ops->apply(s->provider, j->changes.c, j->changes.n, applied, s);
	else
		finish(s, 204, NULL, "");
}

static void run_next(struct webhook_server *s)
{
	s->ops->records(s->provider, s->jobs->writes ? got_records_before : got_records, s);
}

static void start(struct webhook_server *s, struct job *j)
{
	if (s->jobs == j)
		run_next(s);
}

static cJSON *parse_body(struct http_exchange *x)
{
	const struct buf *body = http_exchange_body(x);

	return body->len ? cJSON_ParseWithLength(body->data, body->len) : NULL;
}

static void on_adjust(void *ctx, struct http_exchange *x)
{
	struct webhook_server *s = ctx;
	struct endpoint_list list = { 0 };
	cJSON *in = http_exchange_method(x) == HTTP_POST ? parse_body(x) : NULL, *out;
	char *why = NULL;

	if (in == NULL || webhook_json_read_list(in, &list, &why)) {
		http_exchange_text(x, 400, why ? why : "a JSON list of endpoints is expected\n");
	} else {
		if (s->ops->adjust)
			s->ops->adjust(s->provider, &list);
		out = cJSON_CreateArray();
		for (size_t i = 0; i < list.n; i++)
			cJSON_AddItemToArray(out, webhook_json_endpoint(list.e[i]));
		reply_json(x, out);
	}
	cJSON_Delete(in);
	endpoint_list_fini(&list);
	free(why);
}

static void on_records(void *ctx, struct http_exchange *x)
{
	struct webhook_server *s = ctx;
	struct webhook_changes asked = { 0 };
	char *why = NULL;

	if (http_exchange_method(x) == HTTP_GET) {
		start(s, job_new(s, x));
		return;
	}
	cJSON *in = parse_body(x);
	if (in == NULL || webhook_json_read_changes(in, &asked, &why)) {
		http_exchange_text(x, 400, why ? why : "a JSON object of changes is expected\n");
	} else {
		struct job *j = job_new(s, x);

		j->writes = true;
		j->asked = asked;
		start(s, j);
	}
	cJSON_Delete(in);
	free(why);
}

static void on_health(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	http_exchange_text(x, 200, "ok");
}

/* --- life --------------------------------------------------------------------------------- */

int webhook_server_new(const struct provider_env *env, const struct provider_ops *ops,
		       struct webhook_server **ret, char **ret_why)
{
	struct webhook_server *s = MEM_NEW(struct webhook_server);
	const char *address = config_text(env->config, OPT_WEBHOOK_SERVER_ADDRESS);
	int err;

	s->env = *env;
	s->ops = ops;
	s->end = &s->jobs;
	err = domain_filter_from_config(env->config, &s->filter, ret_why);
	s->env.filter = s->filter;
	if (err == 0)
		err = ops->open(&s->env, &s->provider, ret_why);
	if (err == 0) {
		s->http = http_server_new(env->loop);
		http_server_limit_body(s->http, WEBHOOK_BODY_MAX);
		http_server_route(s->http, HTTP_GET, "/", on_negotiate, s);
		http_server_route(s->http, HTTP_GET | HTTP_POST, "/records", on_records, s);
		http_server_route(s->http, HTTP_GET | HTTP_POST, "/adjustendpoints", on_adjust, s);
		http_server_route(s->http, HTTP_GET, "/healthz", on_health, s);
		err = http_server_listen(s->http, address, ret_why);
	}
	if (err) {
		webhook_server_free(s);
		return err;
	}
	log_info("webhook: %s is served at %s", ops->name, address);
	*ret = s;
	return 0;
}

void webhook_server_free(struct webhook_server *s)
{
	if (s == NULL)
		return;
	if (s->http)
		http_server_free(s->http); /* tells the waiting jobs that their clients are gone */
	if (s->provider)
		s->ops->close(s->provider);
	while (s->jobs) {
		struct job *j = s->jobs;

		s->jobs = j->next;
		job_free(j);
	}
	domain_filter_free(s->filter);
	free(s);
}

unsigned webhook_server_port(const struct webhook_server *s)
{
	return http_server_port(s->http);
}
