#include "gslb/history.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/inside.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/state.h"

#define ENTRIES 4096

struct entry {
	int64_t real_ms;
	char *host, *cause, *detail, *reason;
	struct strv before, after;
};

struct history {
	struct entry e[ENTRIES]; /* a ring */
	uint64_t n;              /* ever added */
	struct state *state;
};

#define TABLE "gslb-history"

/* Eight octets, so that the order of keys is that of time. */
static void key_of(uint64_t n, uint8_t *out)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(n >> (56 - 8 * i));
}

static void entry_fini(struct entry *e)
{
	free(e->host);
	free(e->cause);
	free(e->detail);
	free(e->reason);
	strv_fini(&e->before);
	strv_fini(&e->after);
}

static bool load(void *ctx, const void *key, size_t key_len, const void *value, size_t len)
{
	struct history *h = ctx;
	char *text = mem_strndup(value, len);
	cJSON *o = cJSON_Parse(text);
	uint64_t n = 0;

	for (size_t i = 0; i < key_len && i < 8; i++)
		n = n << 8 | ((const uint8_t *)key)[i];
	if (json_text(o, "host")) {
		struct entry *e = &h->e[n % ENTRIES];

		entry_fini(e);
		*e = (struct entry){ .real_ms = json_number(o, "time_ms", 0),
				     .host = mem_strdup(json_text(o, "host")),
				     .cause = mem_strdup(json_text(o, "cause")),
				     .detail = mem_strdup(json_text(o, "detail")),
				     .reason = mem_strdup(json_text(o, "reason")) };
		json_strings(o, "before", &e->before);
		json_strings(o, "after", &e->after);
		h->n = n + 1;
	}
	cJSON_Delete(o);
	free(text);
	return true;
}

struct history *history_new(struct state *state)
{
	struct history *h = MEM_NEW(struct history);

	h->state = state;
	state_each(state, TABLE, "", 0, load, h);
	return h;
}

void history_free(struct history *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < ENTRIES; i++)
		entry_fini(&h->e[i]);
	free(h);
}

static cJSON *entry_json(const struct entry *e);

/* On the disk are as many as in the ring. */
static void keep(struct history *h, const struct entry *e)
{
	uint8_t key[8];

	if (h->state == NULL)
		return;
	cJSON *o = entry_json(e);
	char *text = json_print(o);
	key_of(h->n - 1, key);
	state_put(h->state, TABLE, key, sizeof(key), text, strlen(text));
	if (h->n > ENTRIES) {
		key_of(h->n - 1 - ENTRIES, key);
		state_delete(h->state, TABLE, key, sizeof(key));
	}
	free(text);
	cJSON_Delete(o);
}

void history_add(struct history *h, const struct host *host, const struct strv *before)
{
	struct entry *e = &h->e[h->n++ % ENTRIES];

	entry_fini(e);
	*e = (struct entry){ .real_ms = clock_real_ms(),
			     .host = mem_strdup(host->name),
			     .cause = mem_strdup(host->cause),
			     .detail = mem_strdup(host->cause_detail),
			     .reason = mem_strdup(host->d.reason) };
	strv_copy(&e->before, before);
	strv_copy(&e->after, &host->answer);
	keep(h, e);
}

static cJSON *entry_json(const struct entry *e)
{
	cJSON *o = cJSON_CreateObject();
	char time[40];

	(void)clock_rfc3339(e->real_ms / 1000, time);
	cJSON_AddStringToObject(o, "time", time);
	cJSON_AddNumberToObject(o, "time_ms", (double)e->real_ms);
	cJSON_AddStringToObject(o, "host", e->host);
	cJSON_AddStringToObject(o, "cause", e->cause ? e->cause : "");
	if (e->detail)
		cJSON_AddStringToObject(o, "detail", e->detail);
	if (e->reason)
		cJSON_AddStringToObject(o, "reason", e->reason);
	cJSON_AddItemToObject(o, "before", json_from_strv(&e->before));
	cJSON_AddItemToObject(o, "after", json_from_strv(&e->after));
	return o;
}

void history_explain(const struct history *h, const char *host, size_t max, cJSON *array)
{
	for (uint64_t i = 0; i < h->n && i < ENTRIES && max; i++) {
		const struct entry *e = &h->e[(h->n - 1 - i) % ENTRIES];

		if (e->host == NULL)
			continue; /* older than what was kept */
		if (host && strcmp(e->host, host) != 0)
			continue;
		cJSON_AddItemToArray(array, entry_json(e));
		max--;
	}
}
