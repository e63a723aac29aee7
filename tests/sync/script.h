/*
 * script - a provider's calls against a service that answers by a table: each row
 * says what a request gets; what was asked is kept as text.  For the words on the
 * wire; the stateful fakes of tests/e2e judge what becomes of the zone.
 */
#pragma once

#include "sync/domain_filter.h"
#include "sync/provider.h"
#include "tests/fake_http.h"
#include "tests/sync/rig.h"
#include "tests/sync/words.h"

struct script_row {
	const char *method;
	const char *target; /* whole, or up to a final "*" */
	int status;
	const char *body;    /* NULL = "" */
	const char *headers; /* "Name: value\r\n…", NULL = "" */
};

struct script {
	struct loop *loop;
	struct config *config;
	struct http_client *http;
	struct dns_client *dns;
	struct fake_http *service;
	struct domain_filter *filter;
	const struct provider_ops *ops;
	struct provider *provider;
	const struct script_row
		*rows; /* of those that match, the first not yet used, or the last */
	bool used[64];
	struct strv asked;   /* "METHOD target body" */
	struct strv headers; /* of the same requests */
	struct strv records; /* what records gave, sorted; "K=V" for properties */
	bool done;
	int err;
	char *err_text;
};

static inline bool script_matches(const struct script_row *row, const struct fake_request *r)
{
	size_t len = strlen(row->target);

	if (strcmp(row->method, r->method) != 0)
		return false;
	return len && row->target[len - 1] == '*' ? !strncmp(row->target, r->target, len - 1)
						  : !strcmp(row->target, r->target);
}

static inline void script_answer(void *ctx, struct fake_conn *c, const struct fake_request *r)
{
	struct script *s = ctx;
	const struct script_row *found = NULL;

	strv_take(&s->asked, mem_printf("%s %s%s%s", r->method, r->target, r->body_len ? " " : "",
					r->body_len ? r->body : ""));
	strv_add(&s->headers, r->headers);
	for (size_t i = 0; s->rows[i].method; i++) {
		if (!script_matches(&s->rows[i], r))
			continue;
		assert_true(i < ARRAY_SIZE(s->used));
		found = &s->rows[i];
		if (!s->used[i]) {
			s->used[i] = true;
			break;
		}
	}
	if (found == NULL) {
		fail_msg("not in the script: %s", s->asked.s[s->asked.n - 1]);
		return;
	}
	fake_conn_reply(c, found->status, found->headers ? found->headers : "",
			found->body ? found->body : "");
}

/* Sets NAME to VALUE, where a first '@' is the service's URL; NULL takes it out. */
static inline void script_env(const struct script *s, const char *name, const char *value)
{
	char *text = value && *value == '@'
			     ? mem_printf("%s%s", fake_http_url(s->service), value + 1)
			     : mem_strdup(value);

	if (value)
		(void)setenv(name, text, 1);
	else
		(void)unsetenv(name);
	free(text);
}

/* ENV: NAME, VALUE…, NULL; FLAGS as config_for_test's.  Returns what open says. */
static inline int script_up(struct script *s, const struct provider_ops *ops,
			    const struct script_row *rows, const char *const *env,
			    const char *const *flags)
{
	*s = (struct script){ .loop = loop_new(), .ops = ops, .rows = rows };
	s->config = config_for_test(flags);
	log_setup(getenv("RIG_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, 0);
	s->http = http_client_new(s->loop);
	s->dns = dns_client_new(s->loop);
	s->service = fake_http_new(s->loop, 0, script_answer, s);
	for (; *env; env += 2)
		script_env(s, env[0], env[1]);
	if (domain_filter_from_config(s->config, &s->filter, &s->err_text))
		fail_msg("%s", s->err_text);
	struct provider_env penv = { .loop = s->loop,
				     .config = s->config,
				     .http = s->http,
				     .dns = s->dns,
				     .filter = s->filter };
	return ops->open(&penv, &s->provider, &s->err_text);
}

static inline void script_down(struct script *s)
{
	if (s->provider)
		s->ops->close(s->provider);
	fake_http_free(s->service);
	dns_client_free(s->dns);
	http_client_free(s->http);
	domain_filter_free(s->filter);
	config_free(s->config);
	loop_free(s->loop);
	strv_fini(&s->asked);
	strv_fini(&s->headers);
	strv_fini(&s->records);
	free(s->err_text);
}

static inline void script_forget(struct script *s)
{
	strv_fini(&s->asked);
	strv_fini(&s->headers);
	s->asked = s->headers = (struct strv){ 0 };
}

static inline void script_on_records(void *ctx, int err, const char *err_text,
				     struct endpoint_list *records)
{
	struct script *s = ctx;

	s->done = true;
	s->err = err;
	mem_strset(&s->err_text, err_text);
	for (size_t i = 0; records && i < records->n; i++) {
		const struct endpoint *e = records->e[i];
		struct buf line = { 0 };
		char *words = words_print(e);

		buf_puts(&line, words);
		for (size_t k = 0; k < e->nprovider_specific; k++)
			buf_printf(&line, " %s=%s", e->provider_specific[k].name,
				   e->provider_specific[k].value);
		strv_take(&s->records, buf_take(&line));
		free(words);
	}
	strv_sort(&s->records);
	if (records)
		endpoint_list_fini(records);
}

/* Read all; the records are S->records afterwards, the outcome S->err. */
static inline void script_read(struct script *s)
{
	strv_fini(&s->records);
	s->records = (struct strv){ 0 };
	s->done = false;
	s->ops->records(s->provider, script_on_records, s);
	assert_false(s->done); /* never before it returned */
	WAIT_FOR(s->loop, s->done);
}

static inline void script_on_applied(void *ctx, int err, const char *err_text)
{
	struct script *s = ctx;

	s->done = true;
	s->err = err;
	mem_strset(&s->err_text, err_text);
}

struct script_change {
	const char *before, *after; /* lines of words.h; NULL = none */
	int err;                    /* that it must end with */
};

/* Apply N changes in one call; each must end as it says. */
static inline void script_apply(struct script *s, const struct script_change *rows, size_t n)
{
	struct change c[16] = { 0 };
	struct endpoint *before[16] = { 0 }, *after[16] = { 0 };

	assert_true(n <= ARRAY_SIZE(c));
	for (size_t i = 0; i < n; i++) {
		before[i] = rows[i].before ? words_endpoint(rows[i].before) : NULL;
		after[i] = rows[i].after ? words_endpoint(rows[i].after) : NULL;
		c[i] = (struct change){ .kind = !before[i] ? CHANGE_CREATE
						: after[i] ? CHANGE_UPDATE
							   : CHANGE_DELETE,
					.before = before[i],
					.after = after[i] };
	}
	s->done = false;
	s->ops->apply(s->provider, c, n, script_on_applied, s);
	assert_false(s->done);
	WAIT_FOR(s->loop, s->done);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(c[i].err, rows[i].err);
		free(c[i].err_text);
		endpoint_free(before[i]);
		endpoint_free(after[i]);
	}
}

/* Is the text the N-th that was asked? */
static inline void script_asked(const struct script *s, size_t n, const char *text)
{
	assert_true(n < s->asked.n);
	assert_string_equal(s->asked.s[n], text);
}
