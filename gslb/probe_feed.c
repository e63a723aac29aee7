/*
 * probe_feed - a number that something else offers by HTTP: a metric of Prometheus
 * text, a field of a JSON document, or the number alone.  Up while it is at most feed.max; with
 * feed.low and feed.high it is the member's load, and its share of the answers shrinks between
 * them. {target} in feed.url becomes the address.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gslb/probe.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/mem.h"

#define BODY_MAX (1u << 20)

extern const struct probe_ops probe_feed;

/* "name{labels} value": the first line whose name, or name with labels, is FIELD. */
static bool from_metrics(const char *text, const char *field, double *ret)
{
	size_t len = strlen(field);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *rest = line + len;
		char *end;

		if (strncmp(line, field, len) != 0 || (*rest != ' ' && *rest != '{'))
			continue;
		if (*rest == '{')
			rest += strcspn(rest, "}\n") + 1;
		*ret = strtod(rest, &end);
		if (end != rest)
			return true;
	}
	return false;
}

static bool from_json(const char *text, const char *field, double *ret)
{
	cJSON *o = cJSON_Parse(text);
	const cJSON *n = json_get(o, field);
	bool found = cJSON_IsNumber(n);

	if (found)
		*ret = n->valuedouble;
	cJSON_Delete(o);
	return found;
}

static bool find_number(const char *text, const char *field, double *ret)
{
	char *end;

	if (field && text[strspn(text, " \t\r\n")] == '{')
		return from_json(text, field, ret);
	if (field)
		return from_metrics(text, field, ret);
	*ret = strtod(text, &end);
	return end != text;
}

static void on_done(void *ctx, const struct http_response *r)
{
	struct probe_run *run = ctx;
	const struct probe_spec *s = probe_run_spec(run);
	char *why = NULL;
	double n;
	bool good = false;

	probe_run_set_data(run, NULL);
	if (r->err) {
		why = mem_strdup(r->error[0] ? r->error : "no answer");
	} else if (r->status != 200) {
		why = mem_printf("status %d", r->status);
	} else if (!find_number(buf_str(&r->body), s->field, &n) || !isfinite(n)) {
		why = mem_printf("no number %s in the answer", s->field ? s->field : "");
	} else {
		probe_run_number(run, n);
		good = s->max <= 0 || n <= s->max;
		why = good ? NULL : mem_printf("%g is more than %g", n, s->max);
	}
	probe_run_done(run, good, why ? why : "");
	free(why);
}

/* Caller frees. */
static char *url_of(const struct probe_run *run)
{
	static const char hole[] = "{target}";
	const char *url = probe_run_spec(run)->url, *at = strstr(url, hole);
	char text[NETADDR_TEXT_MAX];

	if (at == NULL)
		return mem_strdup(url);
	return mem_printf("%.*s%s%s", (int)(at - url), url,
			  netaddr_to_text(probe_run_target(run), text), at + sizeof(hole) - 1);
}

static void start(struct probe_run *run)
{
	struct http_client *http = probe_run_http(run);
	char *url = url_of(run);
	struct http_call call = { .url = url,
				  .timeout_ms = probe_run_spec(run)->timeout_ms,
				  .max_body = BODY_MAX,
				  .insecure = !probe_run_spec(run)->verify,
				  .on_done = on_done,
				  .ctx = run };

	if (http)
		probe_run_set_data(run, http_client_call(http, &call));
	free(url); /* without a client the probe's time runs out */
}

static void cancel(struct probe_run *run)
{
	http_request_cancel(probe_run_data(run));
	probe_run_set_data(run, NULL);
}

static char *check(const struct probe_spec *s)
{
	if (s->url == NULL || (strncmp(s->url, "http://", 7) && strncmp(s->url, "https://", 8)))
		return mem_strdup("feed.url: must begin with http:// or https://");
	if (s->high < s->low || (s->low > 0 && !(s->high > s->low)))
		return mem_strdup("feed.high: must be more than feed.low");
	return NULL;
}

const struct probe_ops probe_feed = {
	.name = "Feed",
	.start = start,
	.cancel = cancel,
	.check = check,
};
