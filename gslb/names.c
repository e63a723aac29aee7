#include "gslb/names.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/netaddr.h"
#include "lib/rrtype.h"

#define REFRESH_MIN_MS 1000
#define REFRESH_MAX_MS 300000
#define RETRY_MS       2000
#define UNUSED_MS      3600000
#define DEPTH_MAX      8 /* CNAMEs, as k8gb */

struct watched {
	struct names *names;
	char *name;
	uint8_t wire[DNAME_MAX];
	struct strv addresses;
	struct strv fresh; /* of the look-up that runs */
	bool is_known;
	bool failed;  /* of the look-up that runs */
	uint32_t ttl; /* of the look-up that runs */
	uint32_t heard_ttl;
	uint16_t type;         /* being asked */
	uint8_t at[DNAME_MAX]; /* being asked: the name or where its CNAMEs have led */
	unsigned depth;        /* CNAMEs followed by questions of our own */
	uint64_t used_ms;
	uint64_t asked_ms;
	struct loop_timer *timer;
	struct dns_request *running;
};

struct names {
	struct loop *loop;
	struct dns_client *dns;
	struct netaddr *servers;
	size_t nservers;
	struct map watched;
	void (*changed)(void *ctx, const char *name);
	void *ctx;
};

static void watched_free(void *ptr)
{
	struct watched *w = ptr;

	if (w->running)
		dns_request_cancel(w->running);
	loop_timer_free(w->timer);
	strv_fini(&w->addresses);
	strv_fini(&w->fresh);
	free(w->name);
	free(w);
}

static void ask(struct watched *w);
static void begin(struct watched *w, uint16_t type);

static void lookup_ended(struct watched *w)
{
	struct names *n = w->names;

	strv_uniq(&w->fresh);
	bool good = !w->failed;

	bool changed = good && (!w->is_known || !strv_equal(&w->fresh, &w->addresses));
	if (changed) {
		strv_fini(&w->addresses);
		w->addresses = w->fresh;
		w->fresh = (struct strv){ 0 };
		w->is_known = true;
	}
	strv_fini(&w->fresh);
	if (good)
		w->heard_ttl = w->ttl;
	/* an empty answer has no TTL that we were told */
	uint64_t wait = good && w->addresses.n ? (uint64_t)w->ttl * 1000 : RETRY_MS;
	if (wait < REFRESH_MIN_MS)
		wait = REFRESH_MIN_MS;
	if (wait > REFRESH_MAX_MS)
		wait = REFRESH_MAX_MS;
	loop_timer_set(w->timer, wait);
	if (changed)
		n->changed(n->ctx, w->name);
}

static void take(struct watched *w, const struct dns_record *r)
{
	struct netaddr a = { .family = r->type == RRTYPE_A ? 4 : 6 };
	char text[NETADDR_TEXT_MAX];

	if (r->section != DNS_ANSWER || r->type != w->type || r->rdlen != (a.family == 4 ? 4 : 16))
		return;
	memcpy(a.bytes, r->rdata, r->rdlen);
	strv_add(&w->fresh, netaddr_to_text(&a, text));
	if (r->ttl < w->ttl)
		w->ttl = r->ttl;
}

/* Edge servers need not recurse: the end of a chain of CNAMEs may be ours to ask for, as k8gb does.
 */
static bool follow(struct watched *w, const struct dns_reply *reply)
{
	bool moved = true, has_address = false, ever = false;

	for (size_t turns = 0; moved && turns < reply->nrecords; turns++) {
		moved = false;
		for (size_t i = 0; i < reply->nrecords && !moved; i++) {
			const struct dns_record *r = &reply->records[i];

			if (r->section != DNS_ANSWER || !dname_equal(r->owner, w->at))
				continue;
			has_address = has_address || r->type == w->type;
			if (r->type == RRTYPE_CNAME && r->rdlen <= DNAME_MAX) {
				memcpy(w->at, r->rdata, r->rdlen);
				if (r->ttl < w->ttl)
					w->ttl = r->ttl;
				moved = ever = true;
			}
		}
	}
	return ever && !has_address && w->depth++ < DEPTH_MAX;
}

/* What cannot be had now stays: a server that fails for AAAA has not taken the A away. */
static void keep_v6(struct watched *w)
{
	for (size_t i = 0; i < w->addresses.n; i++)
		if (strchr(w->addresses.s[i], ':'))
			strv_add(&w->fresh, w->addresses.s[i]);
}

static void on_reply(void *ctx, const struct dns_reply *reply)
{
	struct watched *w = ctx;
	bool bad = reply->err ||
		   (reply->rcode != DNS_RCODE_NOERROR && reply->rcode != DNS_RCODE_NXDOMAIN);

	w->running = NULL;
	if (bad && (w->type == RRTYPE_A || w->fresh.n == 0))
		w->failed = true;
	else if (bad)
		keep_v6(w);
	for (size_t i = 0; i < reply->nrecords; i++)
		take(w, &reply->records[i]);
	if (!bad && follow(w, reply)) {
		ask(w);
	} else if (w->type == RRTYPE_A && !w->failed) {
		begin(w, RRTYPE_AAAA);
	} else {
		lookup_ended(w);
	}
}

static void ask(struct watched *w)
{
	struct names *n = w->names;
	struct dns_question q = { .servers = n->servers,
				  .nservers = n->nservers,
				  .name = w->at,
				  .type = w->type,
				  .recursion_desired = true,
				  .on_done = on_reply,
				  .ctx = w };

	w->running = dns_client_ask(n->dns, &q);
}

static void begin(struct watched *w, uint16_t type)
{
	memcpy(w->at, w->wire, sizeof(w->at));
	w->depth = 0;
	w->type = type;
	ask(w);
}

static void on_timer(void *ctx)
{
	struct watched *w = ctx;

	if (w->running)
		return;
	if (clock_mono_ms() - w->used_ms > UNUSED_MS) {
		struct names *n = w->names;

		watched_free(map_remove(&n->watched, w->name));
		return;
	}
	w->asked_ms = clock_mono_ms();
	w->failed = w->names->nservers == 0;
	w->ttl = REFRESH_MAX_MS / 1000;
	if (w->failed)
		lookup_ended(w);
	else
		begin(w, RRTYPE_A);
}

struct names *names_new(struct loop *loop, struct dns_client *dns, const struct netaddr *servers,
			size_t nservers, void (*changed)(void *ctx, const char *name), void *ctx)
{
	struct names *n = MEM_NEW(struct names);

	n->loop = loop;
	n->dns = dns;
	n->servers = nservers ? mem_dup(servers, nservers * sizeof(*servers)) : NULL;
	n->nservers = nservers;
	n->changed = changed;
	n->ctx = ctx;
	return n;
}

void names_free(struct names *n)
{
	if (n == NULL)
		return;
	map_fini(&n->watched, watched_free);
	free(n->servers);
	free(n);
}

const struct strv *names_get(struct names *n, const char *name)
{
	char *key = dname_text_normal(name);
	struct watched *w = map_get(&n->watched, key);

	if (w == NULL) {
		w = MEM_NEW(struct watched);
		if (dname_from_text(key, w->wire) < 0) {
			free(w);
			free(key);
			return NULL;
		}
		w->names = n;
		w->name = mem_strdup(key);
		w->timer = loop_timer_new(n->loop, on_timer, w);
		loop_timer_set(w->timer, 0);
		(void)map_put(&n->watched, key, w); /* was not there */
	}
	free(key);
	w->used_ms = clock_mono_ms();
	return w->is_known ? &w->addresses : NULL;
}

static struct watched *find(struct names *n, const char *name)
{
	char *key = dname_text_normal(name);
	struct watched *w = map_get(&n->watched, key);

	free(key);
	return w;
}

void names_refresh(struct names *n, const char *name)
{
	struct watched *w = find(n, name);

	if (w && !w->running && clock_mono_ms() - w->asked_ms >= REFRESH_MIN_MS)
		loop_timer_set(w->timer, 0);
}

unsigned names_ttl(struct names *n, const char *name)
{
	struct watched *w = find(n, name);

	return w && w->is_known ? w->heard_ttl : 0;
}
