/*
 * The providers that speak HTTP to software of one's own (webhook, pdns) against
 * small stateful services that misbehave for a while.  All rows run at once on one loop,
 * for each has to wait out its trouble.
 */
#include "lib/error.h"
#include "sync/webhook_json.h"
#include "tests/fake_http.h"
#include "tests/sync/rig.h"

extern const struct provider_ops provider_webhook, provider_pdns;

enum what { READS, WRITES, ZONES /* the second read of pdns */ };
enum trouble {
	NONE,
	SLOW_DOWN,   /* 429 with Retry-After */
	BROKEN,      /* 500 */
	AWAY,        /* 503 with Retry-After */
	STRANGER,    /* 401 */
	RESET,       /* without an answer */
	RESET_AFTER, /* and it was done */
	HALF,        /* of the promised body, then a reset */
	CUT,         /* the end of the JSON is missing */
	GARBAGE,     /* HTML */
	OTHER_TYPE,  /* good JSON, but "5" */
	NOTHING,     /* an empty body */
	DRIP,        /* a slow loris */
};

struct service {
	struct fake_http *http;
	cJSON *records; /* endpoints, or RRsets */
	bool is_pdns;
	enum what what;
	enum trouble trouble;
	unsigned spoilt, applied;
};

static void apply_list(struct service *s, cJSON *list, bool add, const char *name)
{
	while (list && cJSON_GetArraySize(list)) {
		cJSON *e = cJSON_DetachItemFromArray(list, 0);

		for (int i = cJSON_GetArraySize(s->records) - 1; i >= 0; i--) {
			const cJSON *r = cJSON_GetArrayItem(s->records, i);
			const char *type = s->is_pdns ? "type" : "recordType";

			if (strcmp(json_text(r, name), json_text(e, name)) == 0 &&
			    strcmp(json_text(r, type), json_text(e, type)) == 0)
				cJSON_DeleteItemFromArray(s->records, i);
		}
		const char *change = json_text(e, "changetype");
		if (add && (change == NULL || strcmp(change, "DELETE") != 0))
			cJSON_AddItemToArray(s->records, e);
		else
			cJSON_Delete(e);
	}
}

static void perform(struct service *s, const char *body)
{
	static const char *const lists[] = { "delete", "updateOld", "updateNew", "create" };
	cJSON *o = cJSON_Parse(body);

	assert_non_null(o);
	s->applied++;
	if (s->is_pdns)
		apply_list(s, cJSON_GetObjectItem(o, "rrsets"), true, "name");
	for (size_t i = 0; !s->is_pdns && i < ARRAY_SIZE(lists); i++)
		apply_list(s, cJSON_GetObjectItem(o, lists[i]), i >= 2, "dnsName");
	cJSON_Delete(o);
}

/* What a good answer to Q would be (caller frees), with *ret_status. */
static char *answer(struct service *s, const struct fake_request *q, int *ret_status)
{
	bool adjusts = strcmp(q->target, "/adjustendpoints") == 0;

	*ret_status = 200;
	if (strcmp(q->method, "GET") != 0 && !adjusts) {
		perform(s, q->body);
		*ret_status = 204;
		return mem_strdup("");
	}
	if (adjusts)
		return mem_strdup(q->body);
	if (strcmp(q->target, "/") == 0)
		return mem_strdup("{}");
	if (s->is_pdns && strcmp(q->target, "/api/v1/servers/localhost/zones") == 0)
		return mem_strdup("[{\"id\":\"e.org.\",\"name\":\"e.org.\",\"kind\":\"Native\"}]");
	if (!s->is_pdns)
		return json_print(s->records);
	cJSON *o = cJSON_CreateObject();
	(void)cJSON_AddItemReferenceToObject(o, "rrsets", s->records);
	char *text = json_print(o);
	cJSON_Delete(o);
	return text;
}

static void send_plainly(struct fake_conn *c, int status, const char *extra, const char *body)
{
	char *headers = mem_printf("Content-Type: %s\r\n%s", WEBHOOK_MEDIA_TYPE, extra);

	fake_conn_reply(c, status, headers, body);
	free(headers);
}

static void spoil(struct service *s, struct fake_conn *c, const struct fake_request *q)
{
	char *head, *good;
	int status;

	s->spoilt++;
	switch (s->trouble) {
	case SLOW_DOWN:
	case AWAY:
		send_plainly(c, s->trouble == AWAY ? 503 : 429, "Retry-After: 1\r\n", "later");
		return;
	case BROKEN:
		send_plainly(c, 500, "", "oops");
		return;
	case STRANGER:
		send_plainly(c, 401, "", "who are you");
		return;
	case RESET_AFTER:
		free(answer(s, q, &status));
		fake_conn_close(c, true);
		return;
	case HALF:
		head = mem_printf(
			"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: 999\r\n\r\n"
			"[{\"dnsName\":\"a.e",
			WEBHOOK_MEDIA_TYPE);
		fake_conn_puts(c, head);
		free(head);
		fake_conn_close(c, true);
		return;
	case CUT:
		good = answer(s, q, &status);
		good[strlen(good) / 2] = '\0';
		send_plainly(c, 200, "", good);
		free(good);
		return;
	case GARBAGE:
		send_plainly(c, 200, "", "<html>Bad gateway</html>");
		return;
	case OTHER_TYPE:
		send_plainly(c, 200, "", "5");
		return;
	case NOTHING:
		send_plainly(c, 200, "", "");
		return;
	case DRIP:
		fake_conn_puts(c, "HTTP/1.1 200 O"); /* and no more */
		return;
	case RESET:
	case NONE:
		fake_conn_close(c, true);
		return;
	}
}

static void serve(void *ctx, struct fake_conn *c, const struct fake_request *q)
{
	struct service *s = ctx;
	bool writes = strcmp(q->method, "PATCH") == 0 ||
		      (strcmp(q->method, "POST") == 0 && strcmp(q->target, "/records") == 0);
	int status;

	if (s->trouble && (s->what == ZONES ? strstr(q->target, "/zones/e.org.") && !writes
					    : writes == (s->what == WRITES))) {
		spoil(s, c, q);
		return;
	}
	char *text = answer(s, q, &status);
	if (status == 204) /* has no body, nor a length of it */
		fake_conn_puts(c, "HTTP/1.1 204 No Content\r\n\r\n");
	else
		send_plainly(c, status, "", text);
	free(text);
}

static void up(struct rig *r, struct service *s, struct loop *loop, bool is_pdns, enum what what,
	       enum trouble trouble)
{
	*s = (struct service){ .is_pdns = is_pdns, .what = what, .trouble = trouble };
	s->http = fake_http_new(loop, 0, serve, s);
	s->records = cJSON_Parse(
		is_pdns ? "[{\"name\":\"hand.e.org.\",\"type\":\"A\",\"ttl\":5,\"records\":"
			  "[{\"content\":\"192.0.2.77\",\"disabled\":false}]}]"
			: "[{\"dnsName\":\"hand.e.org\",\"recordType\":\"A\",\"recordTTL\":5,"
			  "\"targets\":[\"192.0.2.77\"]}]");
	char *url = mem_printf("%s=%s", is_pdns ? "pdns-server" : "webhook-provider-url",
			       fake_http_url(s->http));
	rig_up_on(r, loop, is_pdns ? &provider_pdns : &provider_webhook, NULL,
		  FLAGS(url, "pdns-api-key=x", "webhook-provider-read-timeout=300ms",
			"webhook-provider-write-timeout=300ms"));
	free(url);
}

static bool has(const struct service *s, const char *text)
{
	char *all = json_print(s->records);
	bool found = strstr(all, text) != NULL;

	free(all);
	return found;
}

static bool converged(const struct service *s)
{
	return cJSON_GetArraySize(s->records) == 5 && has(s, "192.0.2.77") &&
	       has(s, "192.0.2.1\"") && has(s, "lb.x.org") && has(s, "_x.a-a.e.org") &&
	       has(s, "_x.cname-b.e.org");
}

static const struct {
	enum what what;
	enum trouble trouble;
	int only; /* 0: webhook, 1: pdns, -1: both */
} rows[] = {
	{ READS, NONE, -1 },         { READS, SLOW_DOWN, -1 },  { READS, BROKEN, -1 },
	{ READS, AWAY, -1 },         { READS, STRANGER, -1 },   { READS, RESET, -1 },
	{ READS, HALF, -1 },         { READS, CUT, -1 },        { READS, GARBAGE, -1 },
	{ READS, NOTHING, -1 },      { READS, OTHER_TYPE, -1 }, { READS, DRIP, 0 },
	{ ZONES, CUT, 1 },           { ZONES, OTHER_TYPE, 1 },  { ZONES, NOTHING, 1 },
	{ ZONES, GARBAGE, 1 },       { WRITES, SLOW_DOWN, -1 }, { WRITES, BROKEN, -1 },
	{ WRITES, AWAY, -1 },        { WRITES, STRANGER, -1 },  { WRITES, RESET, -1 },
	{ WRITES, RESET_AFTER, -1 }, { WRITES, HALF, 0 },       { WRITES, GARBAGE, 0 },
	{ WRITES, DRIP, 0 },
};

static void every_trouble_is_waited_out_and_harms_nobody(void **state)
{
	enum { N = 2 * ARRAY_SIZE(rows) };
	struct rig r[N];
	struct service s[N];
	struct loop *loop = loop_new();

	(void)state;
	for (size_t i = 0; i < N; i++) {
		size_t k = i / 2;

		if (rows[k].only == 1 - (int)(i % 2))
			continue;
		up(&r[i], &s[i], loop, i % 2, rows[k].what, rows[k].trouble);
		want(&r[i], "o/a", "a.e.org A 192.0.2.1");
		want(&r[i], "o/b", "b.e.org CNAME lb.x.org");
		instance_gate(r[i].i, true, true);
		instance_start(r[i].i);
	}
	for (size_t i = 0; i < N; i++) {
		size_t k = i / 2;

		if (rows[k].only == 1 - (int)(i % 2))
			continue;
		if (rows[k].trouble)
			WAIT_FOR(loop, s[i].spoilt);
		if (rows[k].trouble && rows[k].trouble != RESET_AFTER && s[i].applied)
			fail_msg("row %zu, service %zu: something was written", k, i % 2);
		s[i].trouble = NONE;
	}
	for (size_t i = 0; i < N; i++) {
		size_t k = i / 2;

		if (rows[k].only == 1 - (int)(i % 2))
			continue;
		for (int n = 0; n < 1000 && !converged(&s[i]); n++)
			loop_once(loop, 10);
		if (!converged(&s[i])) {
			char *all = json_print(s[i].records);

			fail_msg("row %zu, service %zu: %s", k, i % 2, all);
		}
	}
	for (size_t i = 0; i < N; i++) {
		if (rows[i / 2].only == 1 - (int)(i % 2))
			continue;
		rig_stop(&r[i]);
		fake_http_free(s[i].http);
		cJSON_Delete(s[i].records);
		r[i].loop = NULL;
		rig_free(&r[i]);
	}
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_trouble_is_waited_out_and_harms_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
