/*
 * provider_aws - Route 53 (API 2013-04-01): hosted zones, record sets, and
 * change batches, signed with SigV4.  AWS_ENDPOINT_URL_ROUTE_53 or
 * AWS_ENDPOINT_URL chooses another endpoint.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/map.h"
#include "sync/aws_credentials.h"
#include "sync/batch.h"
#include "sync/domain_filter.h"
#include "sync/http_api.h"
#include "sync/paging.h"
#include "sync/provider.h"
#include "sync/route53_alias.h"
#include "sync/route53_record.h"
#include "sync/xml.h"

#define API     "/2013-04-01"
#define XMLNS   "https://route53.amazonaws.com/doc/2013-04-01/"
#define TAG_IDS 10 /* hosted zones in one question for tags */
#define SKEW_S  60 /* a clock that is further off gets its requests refused, sooner or later */

extern const struct provider_ops provider_aws;

/* One set of credentials (--aws-profile), with the rate that its account has. */
struct aws_account {
	struct provider *p;
	struct http_api *api;
	struct aws_source *credentials;
	int64_t skew_s; /* of the service's clock */
};

struct aws_zone {
	struct aws_account *account;
	char *id;   /* without "/hostedzone/" */
	char *name; /* lower case, no final dot */
	bool is_private;
	struct map sets; /* "name type set-identifier" -> the set's XML as Route 53 has it */
};

struct provider {
	struct provider_env env;
	struct reading *reading; /* that is on its way; NULL = none */
	struct aws_account *accounts;
	size_t naccounts;
	const char *region;
	uint64_t zones_read_ms; /* when the list of zones was read; 0 = never */
	struct aws_zone **zones;
	size_t nzones;
	struct strv origins;
};

/* --- zones --------------------------------------------------------------------------- */

static void zone_free(struct aws_zone *z)
{
	map_fini(&z->sets, free);
	free(z->id);
	free(z->name);
	free(z);
}

static void zones_clear(struct provider *p)
{
	for (size_t i = 0; i < p->nzones; i++)
		zone_free(p->zones[i]);
	free(p->zones);
	p->zones = NULL;
	p->nzones = 0;
	strv_fini(&p->origins);
}

static char *set_key(const char *name, const char *type, const char *id)
{
	return mem_printf("%s %s %s", name, type, id);
}

/* zone-id-filter is a suffix comparison, as in ExternalDNS: "Z1" and "/hostedzone/Z1" are one. */
static bool id_is_wanted(const struct provider *p, const char *id)
{
	const struct strv *ids = config_list(p->env.config, OPT_ZONE_ID_FILTER);
	bool any = ids->n == 0;

	for (size_t i = 0; i < ids->n && !any; i++) {
		const char *slash = strrchr(ids->s[i], '/');
		const char *want = slash ? slash + 1 : ids->s[i];
		size_t n = strlen(id), k = strlen(want);

		any = n >= k && strcmp(id + n - k, want) == 0;
	}
	return any;
}

static void add_zone(struct provider *p, struct aws_account *account, const struct xml *x)
{
	const char *id = xml_text(x, "Id"), *name = xml_text(x, "Name");
	const char *is_private = xml_text(x, "Config/PrivateZone");
	const char *type = config_text(p->env.config, OPT_AWS_ZONE_TYPE);
	bool hidden = is_private && strcmp(is_private, "true") == 0;

	if (!id || !name || (strcmp(type, "public") == 0 && hidden) ||
	    (strcmp(type, "private") == 0 && !hidden))
		return;
	const char *slash = strrchr(id, '/');
	char *plain = route53_name(name);
	bool wanted = domain_filter_match(p->env.filter, plain) ||
		      (config_bool(p->env.config, OPT_AWS_ZONE_MATCH_PARENT) &&
		       domain_filter_match_parent(p->env.filter, plain));
	if (!wanted || !id_is_wanted(p, slash ? slash + 1 : id)) {
		free(plain);
		return;
	}
	struct aws_zone *z = MEM_NEW(struct aws_zone);
	z->account = account;
	z->id = mem_strdup(slash ? slash + 1 : id);
	z->name = plain;
	z->is_private = hidden;
	p->zones = mem_array(p->zones, p->nzones + 1, sizeof(struct aws_zone *));
	p->zones[p->nzones++] = z;
	(void)strv_add_unique(&p->origins, plain);
}

/* --- reading --------------------------------------------------------------------------- */

struct reading {
	struct provider *p;
	void (*done)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void *ctx;
	size_t at; /* account or zone at work */
	size_t ntags;
	struct paging pages;
	struct endpoint_list out;
};

static char *error_words(const struct http_api_result *r)
{
	struct xml *x = r->status ? xml_parse(r->body, r->len) : NULL;
	const char *code = xml_text(x, "Error/Code"), *message = xml_text(x, "Error/Message");
	const char *one = xml_text(x, "Messages/Message"); /* InvalidChangeBatch of its own form */
	char *text;

	if (code || one)
		text = mem_printf("%s: %.400s", code ? code : "InvalidChangeBatch",
				  message ? message : (one ? one : ""));
	else if (r->status)
		text = mem_printf("HTTP status %d", r->status);
	else
		text = mem_printf("%.300s", r->body);
	xml_free(x);
	return text;
}

static void read_end(struct reading *rd, int err, const char *text)
{
	struct endpoint_list out = rd->out;

	if (err) {
		endpoint_list_fini(&out);
		out = (struct endpoint_list){ 0 };
	}
	endpoint_list_sort(&out);
	rd->p->reading = NULL;
	rd->done(rd->ctx, err, text, &out);
	paging_reset(&rd->pages);
	free(rd);
}

static void read_fail(struct reading *rd, const struct http_api_result *r)
{
	int err = r->err ? r->err : ERR_PROTOCOL;
	char *why = error_words(r), *text = mem_printf("aws: %s", why);

	read_end(rd, err, text);
	free(why);
	free(text);
}

static void take_set(struct reading *rd, const struct xml *set)
{
	struct aws_zone *z = rd->p->zones[rd->at];
	struct endpoint *e = route53_record_read(set);

	if (e == NULL)
		return;
	char *key = set_key(e->dns_name, e->record_type, e->set_identifier);
	free(map_put(&z->sets, key, route53_record_copy(set)));
	free(key);
	endpoint_list_take(&rd->out, e);
}

static void read_sets(struct reading *rd, const char *name, const char *type, const char *id);

static void read_more_sets(struct reading *rd, const char *name, const char *type, const char *id)
{
	char *token = mem_printf("%s %s %s", name ? name : "", type ? type : "", id ? id : "");

	if (name && paging_may_go(&rd->pages, token))
		read_sets(rd, name, type, id);
	else
		read_end(rd, ERR_PROTOCOL, "aws: " PAGING_TEXT);
	free(token);
}

static void on_sets(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	struct xml *x = r->err ? NULL : xml_parse(r->body, r->len);
	const struct xml *sets = xml_child(x, "ResourceRecordSets");
	const char *more = xml_text(x, "IsTruncated");

	if (sets == NULL) {
		read_fail(rd, r);
		xml_free(x);
		return;
	}
	for (const struct xml *s = xml_child(sets, "ResourceRecordSet"); s; s = xml_next(s))
		take_set(rd, s);
	if (more && strcmp(more, "true") == 0) {
		read_more_sets(rd, xml_text(x, "NextRecordName"), xml_text(x, "NextRecordType"),
			       xml_text(x, "NextRecordIdentifier"));
	} else {
		rd->at++;
		paging_reset(&rd->pages);
		read_sets(rd, NULL, NULL, NULL);
	}
	xml_free(x);
}

static void add_parameter(struct buf *b, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(b, "&%s=", name);
	http_api_escape(b, value);
}

static void read_sets(struct reading *rd, const char *name, const char *type, const char *id)
{
	struct buf path = { 0 };

	if (rd->at == rd->p->nzones) {
		read_end(rd, 0, NULL);
		return;
	}
	buf_printf(&path, API "/hostedzone/%s/rrset?maxitems=300", rd->p->zones[rd->at]->id);
	add_parameter(&path, "name", name);
	add_parameter(&path, "type", type);
	add_parameter(&path, "identifier", id);
	http_api_json(rd->p->zones[rd->at]->account->api, "GET", path.data, NULL, on_sets, rd);
	buf_fini(&path);
}

/* --aws-zone-tags: "key=value" or "key", all must be there. */
static bool tags_match(const struct provider *p, const struct xml *set)
{
	const struct strv *tags = config_list(p->env.config, OPT_AWS_ZONE_TAGS);
	bool all = true;

	for (size_t i = 0; i < tags->n && all; i++) {
		const char *eq = strchr(tags->s[i], '=');
		size_t n = eq ? (size_t)(eq - tags->s[i]) : strlen(tags->s[i]);
		bool found = false;

		for (const struct xml *t = xml_child(xml_child(set, "Tags"), "Tag"); t && !found;
		     t = xml_next(t)) {
			const char *key = xml_text(t, "Key"), *value = xml_text(t, "Value");

			found = key && strlen(key) == n && strncmp(key, tags->s[i], n) == 0 &&
				(!eq || (value && strcmp(value, eq + 1) == 0));
		}
		all = found;
	}
	return all;
}

static void begin_sets(struct reading *rd)
{
	rd->p->zones_read_ms = clock_mono_ms();
	rd->at = 0;
	read_sets(rd, NULL, NULL, NULL);
}

static void read_tags(struct reading *rd);

/* Zones at..at+ntags were asked for; those without the tags go. */
static void on_tags(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	struct provider *p = rd->p;
	struct xml *x = r->err ? NULL : xml_parse(r->body, r->len);
	const struct xml *sets = xml_child(x, "ResourceTagSets");
	size_t kept = rd->at;

	if (sets == NULL) {
		read_fail(rd, r);
		xml_free(x);
		return;
	}
	for (size_t i = rd->at; i < rd->at + rd->ntags; i++) {
		bool wanted = false;

		for (const struct xml *s = xml_child(sets, "ResourceTagSet"); s; s = xml_next(s)) {
			const char *id = xml_text(s, "ResourceId");

			if (id && strcmp(id, p->zones[i]->id) == 0)
				wanted = tags_match(p, s);
		}
		if (wanted)
			p->zones[kept++] = p->zones[i];
		else
			zone_free(p->zones[i]);
	}
	memmove(&p->zones[kept], &p->zones[rd->at + rd->ntags],
		(p->nzones - rd->at - rd->ntags) * sizeof(struct aws_zone *));
	p->nzones -= rd->at + rd->ntags - kept;
	rd->at = kept;
	xml_free(x);
	read_tags(rd);
}

static void read_tags(struct reading *rd)
{
	struct provider *p = rd->p;
	struct buf b = { 0 };
	size_t n = 0;

	if (config_list(p->env.config, OPT_AWS_ZONE_TAGS)->n == 0 || rd->at == p->nzones) {
		strv_fini(&p->origins);
		for (size_t i = 0; i < p->nzones; i++)
			(void)strv_add_unique(&p->origins, p->zones[i]->name);
		begin_sets(rd);
		return;
	}
	struct aws_account *account = p->zones[rd->at]->account;
	buf_puts(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListTagsForResourcesRequest "
		     "xmlns=\"" XMLNS "\"><ResourceIds>");
	while (n < TAG_IDS && rd->at + n < p->nzones && p->zones[rd->at + n]->account == account)
		xml_element(&b, "ResourceId", p->zones[rd->at + n++]->id);
	buf_puts(&b, "</ResourceIds></ListTagsForResourcesRequest>");
	rd->ntags = n;
	http_api_send(account->api, "POST", API "/tags/hostedzone", b.data, "application/xml", NULL,
		      on_tags, rd);
	buf_fini(&b);
}

static void read_zones(struct reading *rd, const char *marker);

static void on_zones(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	struct xml *x = r->err ? NULL : xml_parse(r->body, r->len);
	const struct xml *zones = xml_child(x, "HostedZones");
	const char *more = xml_text(x, "IsTruncated"), *next = xml_text(x, "NextMarker");

	if (zones == NULL) {
		read_fail(rd, r);
		xml_free(x);
		return;
	}
	for (const struct xml *z = xml_child(zones, "HostedZone"); z; z = xml_next(z))
		add_zone(rd->p, &rd->p->accounts[rd->at], z);
	if (more && strcmp(more, "true") == 0 && next && paging_may_go(&rd->pages, next)) {
		read_zones(rd, next);
	} else if (more && strcmp(more, "true") == 0) {
		read_end(rd, ERR_PROTOCOL, "aws: " PAGING_TEXT);
	} else if (++rd->at < rd->p->naccounts) {
		paging_reset(&rd->pages);
		read_zones(rd, NULL);
	} else {
		rd->at = 0;
		paging_reset(&rd->pages);
		read_tags(rd);
	}
	xml_free(x);
}

static void read_zones(struct reading *rd, const char *marker)
{
	struct buf path = { 0 };

	buf_puts(&path, API "/hostedzone?maxitems=100");
	add_parameter(&path, "marker", marker);
	http_api_json(rd->p->accounts[rd->at].api, "GET", path.data, NULL, on_zones, rd);
	buf_fini(&path);
}

static void aws_records(struct provider *p,
			void (*done)(void *ctx, int err, const char *err_text,
				     struct endpoint_list *records),
			void *ctx)
{
	struct reading *rd = p->reading = MEM_NEW(struct reading);
	uint64_t trust_ms = (uint64_t)config_ms(p->env.config, OPT_AWS_ZONES_CACHE_DURATION);

	*rd = (struct reading){ .p = p, .done = done, .ctx = ctx };
	if (p->zones_read_ms && clock_mono_ms() < p->zones_read_ms + trust_ms) {
		for (size_t i = 0; i < p->nzones; i++) {
			map_fini(&p->zones[i]->sets, free);
			p->zones[i]->sets = (struct map){ 0 };
		}
		read_sets(rd, NULL, NULL, NULL);
		return;
	}
	zones_clear(p);
	p->zones_read_ms = 0;
	read_zones(rd, NULL);
}

/* --- wishes ------------------------------------------------------------------------------ */

/* Does a CNAME become an ALIAS?  The object's own word, else AWS's endpoints do. */
static bool becomes_alias(const struct provider *p, const struct endpoint *e)
{
	const char *alias = endpoint_prop(e, "alias");

	if (alias)
		return strcmp(alias, "true") == 0;
	return strcmp(e->record_type, "CNAME") == 0 && e->targets.n == 1 &&
	       !config_bool(p->env.config, OPT_AWS_PREFER_CNAME) &&
	       route53_alias_zone(e->targets.s[0]) != NULL;
}

static void adjust_one(struct provider *p, struct endpoint *e, struct endpoint_list *more)
{
	bool is_cname = strcmp(e->record_type, "CNAME") == 0;
	bool is_address = strcmp(e->record_type, "A") == 0 || strcmp(e->record_type, "AAAA") == 0;
	const char *health = endpoint_prop(e, "aws/evaluate-target-health");

	route53_record_adjust(e);
	if (!(is_cname || is_address) || !becomes_alias(p, e)) {
		endpoint_set_prop(e, "alias", is_cname ? "false" : NULL);
		endpoint_set_prop(e, "aws/evaluate-target-health", NULL);
		return;
	}
	endpoint_set_prop(e, "alias", "true");
	if (e->record_ttl > 0)
		e->record_ttl = ROUTE53_DEFAULT_TTL; /* an alias has none */
	if (health == NULL)
		health = config_bool(p->env.config, OPT_AWS_EVALUATE_TARGET_HEALTH) ? "true"
										    : "false";
	else if (strcmp(health, "true") != 0)
		health = "false";
	endpoint_set_prop(e, "aws/evaluate-target-health", health);
	if (!is_cname)
		return;
	struct endpoint *v6 = endpoint_copy(e);
	mem_strset(&v6->record_type, "AAAA");
	mem_strset(&e->record_type, "A");
	endpoint_list_take(more, v6);
}

static void aws_adjust(struct provider *p, struct endpoint_list *desired)
{
	struct endpoint_list more = { 0 };

	for (size_t i = 0; i < desired->n; i++)
		adjust_one(p, desired->e[i], &more);
	for (size_t i = 0; i < more.n; i++)
		endpoint_list_take(desired, more.e[i]);
	free(more.e);
	endpoint_list_sort(desired);
}

/* --- writing ------------------------------------------------------------------------------ */

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
	char *key = set_key(e->dns_name, e->record_type, e->set_identifier);
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
	char *key = set_key(e->dns_name, e->record_type, e->set_identifier);
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
	free(s);
	batch_sent(b, err, text, -1);
}

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
		char *why = error_words(r);
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
	finish(s, 0, NULL);
}

static struct aws_zone *zone_at(const struct provider *p, const void *zone)
{
	for (size_t i = 0; i < p->nzones; i++)
		if (p->zones[i] == zone)
			return p->zones[i];
	return NULL;
}

static void send_piece(void *ctx, struct batch *batch, const void *zone, struct change *const *list,
		       size_t n)
{
	struct provider *p = ((struct applying *)ctx)->p;
	struct sending *s = MEM_NEW(struct sending);
	struct buf b = { 0 };
	bool good = true;

	*s = (struct sending){ .b = batch, .zone = zone_at(p, zone) };
	buf_puts(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ChangeResourceRecordSetsRequest "
		     "xmlns=\"" XMLNS "\"><ChangeBatch><Changes>");
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
		char *path = mem_printf(API "/hostedzone/%s/rrset/", s->zone->id);

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

static const void *zone_of(void *ctx, const struct change *c)
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

static void aws_apply(struct provider *p, struct change *changes, size_t n,
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

/* --- life ----------------------------------------------------------------------------------- */

struct signing {
	struct aws_account *account;
	struct http_api_call *call;
};

static void on_credentials(void *ctx, int err, const char *text, const struct aws_credentials *c)
{
	struct signing *g = ctx;
	struct http_api_call *call = g->call;

	if (err == 0) {
		char *date, *token, *authorization;
		struct aws_request r = { .method = http_api_call_method(call),
					 .url = http_api_call_url(call),
					 .service = "route53",
					 .region = g->account->p->region,
					 .now_s = clock_real_s() + g->account->skew_s };
		r.body = http_api_call_body(call, &r.body_len);
		aws_sigv4_sign(&r, c, &date, &token, &authorization);
		http_api_call_header(call, "%s", date);
		http_api_call_header(call, "%s", authorization);
		if (token)
			http_api_call_header(call, "%s", token);
		free(date);
		free(token);
		free(authorization);
	}
	free(g);
	http_api_call_go(call, err, text);
}

static void authorize(void *ctx, struct http_api_call *call)
{
	struct aws_account *account = ctx;
	struct signing *g = MEM_NEW(struct signing);

	*g = (struct signing){ account, call };
	aws_source_get(account->credentials, on_credentials, g);
}

/* Refused: the clocks differ, or the session is over before its time. */
static bool renew(void *ctx, const struct http_response *r)
{
	struct aws_account *account = ctx;
	int64_t theirs = http_api_date_s(r), off = theirs - clock_real_s();

	if (theirs > 0 && (off > account->skew_s + SKEW_S || off < account->skew_s - SKEW_S))
		account->skew_s = off;
	aws_source_drop(account->credentials, account->skew_s);
	return true;
}

static bool is_throttle(void *ctx, int status, const char *body)
{
	(void)ctx;
	return status == 400 &&
	       (strstr(body, "<Code>Throttling") || strstr(body, "<Code>PriorRequestNotComplete"));
}

static const struct strv *aws_zones(struct provider *p)
{
	return &p->origins;
}

static void aws_close(struct provider *p)
{
	if (p == NULL)
		return;
	if (p->reading) {
		endpoint_list_fini(&p->reading->out);
		paging_reset(&p->reading->pages);
	}
	free(p->reading);
	for (size_t i = 0; i < p->naccounts; i++) {
		http_api_free(p->accounts[i].api);
		aws_source_free(p->accounts[i].credentials);
	}
	free(p->accounts);
	zones_clear(p);
	free(p);
}

static bool aws_keeps(struct provider *p, const char *property)
{
	(void)p;
	return strcmp(property, "alias") == 0 || strncmp(property, "aws/", 4) == 0;
}

static const char *env_or(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

static void open_account(struct provider *p, struct aws_account *account, const char *base,
			 const char *profile)
{
	const struct config *config = p->env.config;
	struct aws_source_config credentials = {
		.loop = p->env.loop,
		.http = p->env.http,
		.profile = profile,
		.assume_role = config_text(config, OPT_AWS_ASSUME_ROLE),
		.external_id = config_text(config, OPT_AWS_ASSUME_ROLE_EXTERNAL_ID),
	};
	/* 2026: burst 50, 10 a second for an account */
	struct http_api_config c = {
		.loop = p->env.loop,
		.http = p->env.http,
		.base_url = base,
		.rate_per_s = 10,
		.burst = 50,
		.max_tries = (unsigned)config_number(config, OPT_AWS_API_RETRIES) + 1,
		.authorize = authorize,
		.is_throttle = is_throttle,
		.renew = renew,
		.ctx = account,
	};

	account->p = p;
	account->credentials = aws_source_new(&credentials);
	account->api = http_api_new(&c);
}

static int aws_open(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	struct provider *p = MEM_NEW(struct provider);
	const char *region = env_or("AWS_REGION", env_or("AWS_DEFAULT_REGION", ""));
	const struct strv *profiles = config_list(env->config, OPT_AWS_PROFILE);

	(void)ret_why;
	p->env = *env;
	/* a global service: one signing region a partition */
	const char *url = "https://route53.amazonaws.com";
	p->region = "us-east-1";
	if (strncmp(region, "cn-", 3) == 0) {
		p->region = "cn-northwest-1";
		url = "https://route53.amazonaws.com.cn";
	} else if (strncmp(region, "us-gov-", 7) == 0) {
		p->region = "us-gov-west-1";
		url = "https://route53.us-gov.amazonaws.com";
	}
	url = env_or("AWS_ENDPOINT_URL_ROUTE_53", env_or("AWS_ENDPOINT_URL", url));
	size_t len = strlen(url);
	char *base = mem_strndup(url, len && url[len - 1] == '/' ? len - 1 : len);
	p->naccounts = profiles->n ? profiles->n : 1;
	p->accounts = mem_calloc(p->naccounts, sizeof(*p->accounts));
	for (size_t i = 0; i < p->naccounts; i++)
		open_account(p, &p->accounts[i], base, profiles->n ? profiles->s[i] : NULL);
	free(base);
	*ret = p;
	return 0;
}

const struct provider_ops provider_aws = {
	.name = "aws",
	.open = aws_open,
	.close = aws_close,
	.records = aws_records,
	.apply = aws_apply,
	.adjust = aws_adjust,
	.zones = aws_zones,
	.keeps = aws_keeps,
};
