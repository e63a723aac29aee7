/*
 * aws_apply - changes as Route 53's batches, each landing as a whole or not at
 * all; with --aws-change-wait the next goes only when the last is on all name
 * servers (GetChange says INSYNC).  Called by provider_aws.c.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "sync/aws.h"
#include "sync/batch.h"
#include "sync/route53_record.h"
#include "sync/xml.h"

#define POLL_FIRST_MS 500
#define POLL_MS       2000

/* An apply: the changes, once for each hosted zone that takes them. */
struct applying {
	struct provider *p;
	struct change *changes; /* borrowed */
	struct change *copies;
	size_t *of; /* index of each copy's change */
	struct aws_zone **zones;
	size_t n;
	void (*done)(void *ctx, int err, const char *err_text);
	void *ctx;
};

struct sending {
	struct batch *b;
	struct aws_zone *zone;
	/* what the view becomes when the batch lands: key -> XML, "" = gone */
	struct map view;
	/* waiting for its change to be everywhere */
	char *change; /* path of the question */
	uint64_t give_up_ms;
	struct loop_timer *timer;
};

static void add_change(struct buf *b, const char *action, const char *set)
{
	buf_printf(b, "<Change><Action>%s</Action>%s</Change>", action, set);
}

static const char *standing(const struct sending *s, const char *key)
{
	const char *now = map_get(&s->view, key);

	if (now == NULL)
		now = map_get(&s->zone->sets, key);
	return now && *now ? now : NULL;
}

/* DELETE repeats the set exactly as it stands; one that is not there needs none. */
static void put_delete(struct sending *s, struct buf *b, const struct endpoint *e)
{
	char *key = aws_set_key(e->dns_name, e->record_type, e->set_identifier);
	const char *set = standing(s, key);

	if (set) {
		add_change(b, "DELETE", set);
		free(map_put(&s->view, key, mem_strdup("")));
	}
	free(key);
}

/* A zone cannot be without these for a moment, not even within a batch. */
static bool must_stand(const struct sending *s, const struct endpoint *e)
{
	return strcmp(e->dns_name, s->zone->name) == 0 &&
	       (strcmp(e->record_type, "NS") == 0 || strcmp(e->record_type, "SOA") == 0);
}

/*
 * Compare and swap: a set that stands is deleted exactly as we saw it and created anew in the same
 * batch, which the service applies as a whole or not at all.
 */
static bool put_write(struct sending *s, struct buf *b, const struct endpoint *e)
{
	struct buf set = { 0 };
	char *key = aws_set_key(e->dns_name, e->record_type, e->set_identifier);
	bool good = route53_record_write(e, s->zone->id, &set);

	if (good) {
		if (!must_stand(s, e))
			put_delete(s, b, e);
		add_change(b, standing(s, key) ? "UPSERT" : "CREATE", buf_str(&set));
		free(map_put(&s->view, key, buf_take(&set)));
	}
	buf_fini(&set);
	free(key);
	return good;
}

static bool put_change(struct sending *s, struct buf *b, const struct change *c)
{
	if (c->kind == CHANGE_DELETE) {
		put_delete(s, b, c->before);
		return true;
	}
	if (c->before && endpoint_compare_key(c->before, c->after) != 0)
		put_delete(s, b, c->before);
	return put_write(s, b, c->after);
}

static void finish(struct sending *s, int err, const char *text)
{
	struct batch *b = s->b;

	map_fini(&s->view, free);
	loop_timer_free(s->timer);
	free(s->change);
	free(s);
	batch_sent(b, err, text, -1);
}

/* --- waiting ------------------------------------------------------------------------ */

static void ask_status(void *ctx);

/* Whatever comes of it, the change has landed: it is only not known to be everywhere. */
static void on_status(void *ctx, const struct http_api_result *r)
{
	struct sending *s = ctx;
	struct xml *x = r->err ? NULL : xml_parse(r->body, r->len);
	const char *status = xml_text(x, "ChangeInfo/Status");

	if (status && strcmp(status, "PENDING") == 0 && clock_mono_ms() < s->give_up_ms) {
		loop_timer_set(s->timer, POLL_MS);
	} else {
		if (status == NULL || strcmp(status, "INSYNC") != 0)
			log_warning("provider aws: change %s is not known to be INSYNC: %s",
				    s->change + strlen(AWS_API "/change/"),
				    r->err ? error_text(r->err) : "--aws-change-wait is over");
		finish(s, 0, NULL);
	}
	xml_free(x);
}

static void ask_status(void *ctx)
{
	struct sending *s = ctx;

	http_api_json(s->zone->account->api, "GET", s->change, NULL, on_status, s);
}

/* The batch landed as ANSWER says: the next goes when all name servers have it, if so asked. */
static void wait_or_finish(struct sending *s, const struct http_api_result *answer)
{
	const struct provider *p = s->zone->account->p;
	int64_t ms = config_ms(p->env.config, OPT_AWS_CHANGE_WAIT);
	struct xml *x = ms > 0 ? xml_parse(answer->body, answer->len) : NULL;
	const char *id = xml_text(x, "ChangeInfo/Id"), *status = xml_text(x, "ChangeInfo/Status");
	const char *slash = id ? strrchr(id, '/') : NULL;

	if (id == NULL || status == NULL || strcmp(status, "PENDING") != 0) {
		finish(s, 0, NULL);
	} else {
		struct buf path = { 0 };

		buf_puts(&path, AWS_API "/change/");
		http_api_escape(&path, slash ? slash + 1 : id);
		s->change = buf_take(&path);
		s->give_up_ms = clock_mono_ms() + (uint64_t)ms;
		s->timer = loop_timer_new(p->env.loop, ask_status, s);
		loop_timer_set(s->timer, POLL_FIRST_MS);
	}
	xml_free(x);
}

/* --- batches ------------------------------------------------------------------------ */

/* Refused because the zone is not as we saw it? */
static bool is_stale(const char *why)
{
	return strstr(why, "InvalidChangeBatch") &&
	       (strstr(why, "but it was not found") || strstr(why, "do not match the current") ||
		strstr(why, "but it already exists"));
}

static void on_changed(void *ctx, const struct http_api_result *r)
{
	struct sending *s = ctx;

	if (r->err) {
		char *why = aws_error_text(r);
		int err = r->err == ERR_AGAIN ? ERR_NETWORK : r->err; /* 5xx: it may have landed */

		finish(s, is_stale(why) ? ERR_STALE : err, why);
		free(why);
		return;
	}
	for (struct map_item *it = map_first(&s->view); it; it = map_next(&s->view, it)) {
		const char *set = it->value;

		if (*set)
			free(map_put(&s->zone->sets, it->key, mem_strdup(set)));
		else
			free(map_remove(&s->zone->sets, it->key));
	}
	wait_or_finish(s, r);
}

static void send_piece(void *ctx, struct batch *batch, void *zone, struct change *const *list,
		       size_t n)
{
	struct sending *s = MEM_NEW(struct sending);
	struct buf b = { 0 };
	bool good = true;

	(void)ctx;
	*s = (struct sending){ .b = batch, .zone = zone };
	buf_puts(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ChangeResourceRecordSetsRequest "
		     "xmlns=\"" AWS_XMLNS "\"><ChangeBatch><Changes>");
	size_t empty = b.len;
	/* what goes makes room for what comes, whatever their order */
	for (size_t i = 0; i < n; i++)
		if (list[i]->kind == CHANGE_DELETE)
			good = put_change(s, &b, list[i]) && good;
	for (size_t i = 0; i < n && good; i++)
		if (list[i]->kind != CHANGE_DELETE)
			good = put_change(s, &b, list[i]);
	if (!good) {
		finish(s, ERR_INVALID, "a target or property does not fit its record type");
	} else if (b.len == empty) {
		finish(s, 0, NULL); /* it stands so already */
	} else {
		char *path = mem_printf(AWS_API "/hostedzone/%s/rrset/", s->zone->id);

		buf_puts(&b, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
		http_api_send(s->zone->account->api, "POST", path, b.data, "application/xml", NULL,
			      on_changed, s);
		free(path);
	}
	buf_fini(&b);
}

/* A set that stands is repeated to delete it, as an UPSERT would count twice. */
static struct batch_cost cost(void *ctx, const struct change *c)
{
	const struct endpoint *both[] = { c->before, c->after };
	struct batch_cost cost = { 0 };

	(void)ctx;
	for (size_t k = 0; k < 2; k++) {
		cost.changes += both[k] != NULL;
		for (size_t i = 0; both[k] && i < both[k]->targets.n; i++) {
			cost.values++;
			cost.bytes += strlen(both[k]->targets.s[i]);
		}
	}
	return cost;
}

/* Public: the zone with the longest name.  Private: every one that matches (split horizon). */
static size_t zones_of(struct provider *p, const char *name, struct aws_zone **out)
{
	struct aws_zone *best = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->nzones; i++) {
		struct aws_zone *z = p->zones[i];

		if (!dname_text_is_below(name, z->name))
			continue;
		if (z->is_private)
			out[n++] = z;
		else if (best == NULL || strlen(z->name) > strlen(best->name))
			best = z;
	}
	if (best)
		out[n++] = best;
	return n;
}

static void *zone_of(void *ctx, const struct change *c)
{
	const struct applying *a = ctx;

	return a->zones[c - a->copies];
}

static void on_applied(void *ctx, int err, const char *err_text)
{
	struct applying *a = ctx;

	for (size_t i = 0; i < a->n; i++) {
		struct change *c = &a->changes[a->of[i]], *copy = &a->copies[i];

		if (copy->err && c->err == 0) {
			c->err = copy->err;
			c->err_text = copy->err_text;
			copy->err_text = NULL;
		}
		free(copy->err_text);
	}
	a->done(a->ctx, err, err_text);
	free(a->copies);
	free(a->of);
	free(a->zones);
	free(a);
}

static void add_copy(struct applying *a, size_t of, struct aws_zone *zone)
{
	a->copies[a->n] = a->changes[of];
	a->of[a->n] = of;
	a->zones[a->n++] = zone;
}

static size_t positive(const struct provider *p, enum option id)
{
	int64_t n = config_number(p->env.config, id);

	return n > 0 ? (size_t)n : 1;
}

void aws_apply(struct provider *p, struct change *changes, size_t n,
	       void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	static const struct batch_ops ops = {
		.zone = zone_of, .cost = cost, .send = send_piece, .done = on_applied
	};
	struct batch_limits limits = { .changes = positive(p, OPT_AWS_BATCH_CHANGE_SIZE),
				       .bytes = positive(p, OPT_AWS_BATCH_CHANGE_SIZE_BYTES),
				       .values = positive(p, OPT_AWS_BATCH_CHANGE_SIZE_VALUES),
				       .interval_ms = (unsigned)config_ms(
					       p->env.config, OPT_AWS_BATCH_CHANGE_INTERVAL) };
	size_t most = n * (p->nzones + 1);
	struct aws_zone **zones = mem_calloc(p->nzones + 1, sizeof(struct aws_zone *));
	struct applying *a = MEM_NEW(struct applying);

	*a = (struct applying){ .p = p,
				.changes = changes,
				.copies = mem_calloc(most, sizeof(*changes)),
				.of = mem_calloc(most, sizeof(size_t)),
				.zones = mem_calloc(most, sizeof(struct aws_zone *)),
				.done = done,
				.ctx = ctx };
	for (size_t i = 0; i < n; i++) {
		const struct endpoint *e = changes[i].after ? changes[i].after : changes[i].before;
		size_t k = zones_of(p, e->dns_name, zones);

		if (k == 0)
			add_copy(a, i, NULL);
		for (size_t j = 0; j < k; j++)
			add_copy(a, i, zones[j]);
	}
	free(zones);
	(void)batch_start(p->env.loop, &ops, a, &limits, NULL, a->copies, a->n);
}
