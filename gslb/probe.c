#include "gslb/probe.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "gslb/probe_table.h"
#include "lib/clock.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"

struct watcher {
	struct watcher *next;
	void (*changed)(void *ctx);
	void *ctx;
};

struct probe_run {
	struct probe *probe;
	void *data;
	uint64_t begun_ms;
	bool running;
};

struct probe {
	struct probes *probes;
	char *key;
	struct probe_spec *spec; /* a copy */
	struct netaddr target;
	struct watcher *watchers;
	struct loop_timer *timer; /* the next check, or the end of this one's time */
	struct probe_run run;
	enum probe_state state;
	unsigned in_row; /* results in a row that speak against the state */
	uint64_t checks;
	unsigned rtt_ms;
	char *reason; /* of the last bad result */
	int64_t turned_s;
	bool has_number;
	double number; /* of a feed */
	double told;   /* the load that watchers were told last */
	bool *gone;    /* the same, while a result is taken */
	bool *freed;   /* set while watchers are called: told when the probe goes away */
};

struct probes {
	struct loop *loop;
	struct http_client *http;
	struct map probes; /* key -> struct probe */
	uint64_t spread;
};

const struct probe_ops *probe_find(const char *name)
{
	for (size_t i = 0; probe_table[i]; i++)
		if (strcasecmp(probe_table[i]->name, name) == 0)
			return probe_table[i];
	return NULL;
}

struct loop *probe_run_loop(const struct probe_run *run)
{
	return run->probe->probes->loop;
}

struct http_client *probe_run_http(const struct probe_run *run)
{
	return run->probe->probes->http;
}

void probe_run_number(struct probe_run *run, double number)
{
	run->probe->number = number;
	run->probe->has_number = true;
}

const struct probe_spec *probe_run_spec(const struct probe_run *run)
{
	return run->probe->spec;
}

const struct netaddr *probe_run_target(const struct probe_run *run)
{
	return &run->probe->target;
}

void *probe_run_data(const struct probe_run *run)
{
	return run->data;
}

void probe_run_set_data(struct probe_run *run, void *data)
{
	run->data = data;
}

static void tell(struct probe *pr)
{
	/* a callback may unwatch itself, others, or the last one: walk a copy, look before each
	 * call */
	size_t n = 0;
	bool freed = false;
	for (const struct watcher *w = pr->watchers; w; w = w->next)
		n++;
	struct watcher **list = mem_calloc(n, sizeof(struct watcher *));
	n = 0;
	for (struct watcher *w = pr->watchers; w; w = w->next)
		list[n++] = w;
	pr->freed = &freed;
	for (size_t i = 0; i < n && !freed; i++) {
		const struct watcher *w = pr->watchers;

		while (w && w != list[i])
			w = w->next;
		if (w)
			w->changed(w->ctx);
	}
	if (!freed)
		pr->freed = NULL;
	free(list);
}

static void turn(struct probe *pr, enum probe_state state)
{
	pr->state = state;
	pr->in_row = 0;
	pr->turned_s = clock_real_s();
	tell(pr);
}

static unsigned needed(const struct probe *pr)
{
	switch (pr->state) {
	case PROBE_UNKNOWN:
		return 1;
	case PROBE_UP:
		return pr->spec->fall;
	case PROBE_DOWN:
		return pr->spec->rise;
	}
	return 1;
}

/* The first result decides; after that rise or fall results in a row are needed. */
static void judge(struct probe *pr, bool good)
{
	enum probe_state now = good ? PROBE_UP : PROBE_DOWN;

	if (pr->state == now) {
		bool was_near = pr->in_row > 0;

		pr->in_row = 0;
		if (was_near)
			tell(pr);
		return;
	}
	if (++pr->in_row >= needed(pr))
		turn(pr, now);
	else
		tell(pr);
}

#define LOAD_STEP 0.05 /* less is not worth another answer */

bool probe_load(const struct probe *pr, double *ret)
{
	double low = pr->spec->low, high = pr->spec->high;

	if (!(high > low) || !pr->has_number)
		return false;
	double load = (pr->number - low) / (high - low);
	*ret = load < 0 ? 0 : load > 1 ? 1 : load;
	return true;
}

static void tell_load(struct probe *pr)
{
	double load;

	if (!probe_load(pr, &load))
		return;
	double step = load > pr->told ? load - pr->told : pr->told - load;
	/* at the ends exactly: nothing of it, all of it */
	if (step < LOAD_STEP && !(step > 0 && (load <= 0 || load >= 1)))
		return;
	pr->told = load;
	tell(pr);
}

/* +-10 % around the interval, so that many probes do not march in step. */
static uint64_t next_wait_ms(struct probe *pr)
{
	uint64_t r = (clock_mono_ns() ^ (uintptr_t)pr) * 0x9e3779b97f4a7c15ULL >> 40;
	unsigned interval = pr->spec->interval_ms;

	return interval - interval / 10 + r % (interval / 5 + 1);
}

static void finish(struct probe *pr, bool good, const char *why)
{
	pr->run.running = false;
	pr->run.data = NULL;
	pr->checks++;
	pr->rtt_ms = (unsigned)(clock_mono_ms() - pr->run.begun_ms);
	if (pr->spec->inverted) {
		why = good ? "the inverted check is good" : "";
		good = !good;
	}
	mem_strset(&pr->reason, good ? "" : why);
	metric_add(METRIC_PROBES_TOTAL, 1, pr->spec->ops->name, good ? "good" : "bad");
	metric_observe(METRIC_PROBE_DURATION, pr->rtt_ms / 1000.0, pr->spec->ops->name);
	loop_timer_set(pr->timer, next_wait_ms(pr));
	bool freed = false;
	pr->gone = &freed;
	tell_load(pr);
	if (freed)
		return;
	pr->gone = NULL;
	judge(pr, good); /* last: a watcher may unwatch, and so free the probe */
}

void probe_run_done(struct probe_run *run, bool good, const char *why)
{
	finish(run->probe, good, why);
}

static void on_timer(void *ctx)
{
	struct probe *pr = ctx;

	if (pr->run.running) { /* time is up */
		pr->spec->ops->cancel(&pr->run);
		finish(pr, false, "timed out");
		return;
	}
	pr->run = (struct probe_run){ .probe = pr, .begun_ms = clock_mono_ms(), .running = true };
	loop_timer_set(pr->timer, pr->spec->timeout_ms);
	pr->spec->ops->start(&pr->run);
}

struct probes *probes_new(struct loop *loop, struct http_client *http)
{
	struct probes *p = MEM_NEW(struct probes);

	p->loop = loop;
	p->http = http;
	return p;
}

static void probe_free(void *ptr)
{
	struct probe *pr = ptr;

	if (pr->freed)
		*pr->freed = true;
	if (pr->gone)
		*pr->gone = true;
	if (pr->run.running)
		pr->spec->ops->cancel(&pr->run);
	while (pr->watchers) {
		struct watcher *w = pr->watchers;

		pr->watchers = w->next;
		free(w);
	}
	loop_timer_free(pr->timer);
	probe_spec_free(pr->spec);
	free(pr->reason);
	free(pr->key);
	free(pr);
}

void probes_free(struct probes *p)
{
	if (p == NULL)
		return;
	map_fini(&p->probes, probe_free);
	free(p);
}

static struct probe_spec *spec_copy(const struct probe_spec *s)
{
	struct probe_spec *c = mem_dup(s, sizeof(*s));

	c->name = mem_strdup(s->name);
	c->method = mem_strdup(s->method);
	c->path = mem_strdup(s->path);
	c->host = mem_strdup(s->host);
	c->body = mem_strdup(s->body);
	c->server_name = mem_strdup(s->server_name);
	c->service = mem_strdup(s->service);
	c->dns_name = mem_strdup(s->dns_name);
	c->file = mem_strdup(s->file);
	c->url = mem_strdup(s->url);
	c->field = mem_strdup(s->field);
	c->key = mem_strdup(s->key);
	c->headers = c->statuses = c->command = (struct strv){ 0 };
	strv_copy(&c->headers, &s->headers);
	strv_copy(&c->statuses, &s->statuses);
	strv_copy(&c->command, &s->command);
	return c;
}

struct probe *probes_watch(struct probes *p, const struct netaddr *target,
			   const struct probe_spec *spec, void (*changed)(void *ctx), void *ctx)
{
	char text[NETADDR_TEXT_MAX];
	char *key = mem_printf("%s %s", netaddr_to_text(target, text), spec->key);
	struct probe *pr = map_get(&p->probes, key);

	if (pr == NULL) {
		pr = MEM_NEW(struct probe);
		pr->probes = p;
		pr->key = mem_strdup(key);
		pr->spec = spec_copy(spec);
		pr->target = *target;
		pr->target.port = spec->port;
		pr->reason = mem_strdup("");
		pr->timer = loop_timer_new(p->loop, on_timer, pr);
		/* the first thousand at once, then spread over a second at most */
		loop_timer_set(pr->timer, p->probes.n < 1000 ? 0 : p->spread++ % 1000);
		(void)map_put(&p->probes, key, pr); /* was not there */
	}
	free(key);
	struct watcher *w = MEM_NEW(struct watcher);
	*w = (struct watcher){ pr->watchers, changed, ctx };
	pr->watchers = w;
	return pr;
}

void probe_unwatch(struct probe *pr, void *ctx)
{
	struct watcher **at = &pr->watchers;

	while (*at && (*at)->ctx != ctx)
		at = &(*at)->next;
	if (*at) {
		struct watcher *w = *at;

		*at = w->next;
		free(w);
	}
	if (pr->watchers == NULL) {
		(void)map_remove(&pr->probes->probes, pr->key);
		probe_free(pr);
	}
}

enum probe_state probe_state(const struct probe *pr)
{
	return pr->state;
}

unsigned probe_near_ms(const struct probe *pr)
{
	return pr->in_row ? (needed(pr) - pr->in_row) * pr->spec->interval_ms : 0;
}

const char *probe_reason(const struct probe *pr)
{
	return pr->reason;
}

int64_t probe_turned_s(const struct probe *pr)
{
	return pr->turned_s;
}

void probes_show(const struct probes *p, cJSON *out)
{
	static const char *const words[] = { "unknown", "up", "down" };

	for (struct map_item *it = map_first(&p->probes); it; it = map_next(&p->probes, it)) {
		const struct probe *pr = it->value;
		char text[NETADDR_TEXT_MAX];
		cJSON *o = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(o, "target", netaddr_to_text_port(&pr->target, text));
		(void)cJSON_AddStringToObject(o, "kind", pr->spec->ops->name);
		(void)cJSON_AddStringToObject(o, "state", words[pr->state]);
		(void)cJSON_AddStringToObject(o, "reason", pr->reason);
		(void)cJSON_AddNumberToObject(o, "checks", (double)pr->checks);
		(void)cJSON_AddNumberToObject(o, "rtt_ms", pr->rtt_ms);
		(void)cJSON_AddItemToArray(out, o);
	}
}
