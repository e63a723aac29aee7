/*
 * aws_read - hosted zones (by filters and tags) and their record sets, page by
 * page.  Called by provider_aws.c.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "sync/aws.h"
#include "sync/domain_filter.h"
#include "sync/paging.h"
#include "sync/route53_record.h"
#include "sync/xml.h"

#define TAG_IDS 10 /* hosted zones in one question for tags */

/* --- zones --------------------------------------------------------------------------- */

static void zone_free(struct aws_zone *z)
{
	map_fini(&z->sets, free);
	free(z->id);
	free(z->name);
	free(z);
}

void aws_zones_clear(struct provider *p)
{
	for (size_t i = 0; i < p->nzones; i++)
		zone_free(p->zones[i]);
	free(p->zones);
	p->zones = NULL;
	p->nzones = 0;
	strv_fini(&p->origins);
}

char *aws_set_key(const char *name, const char *type, const char *id)
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

char *aws_error_text(const struct http_api_result *r)
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
	char *why = aws_error_text(r), *text = mem_printf("aws: %s", why);

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
	char *key = aws_set_key(e->dns_name, e->record_type, e->set_identifier);
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
	buf_printf(&path, AWS_API "/hostedzone/%s/rrset?maxitems=300", rd->p->zones[rd->at]->id);
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
		     "xmlns=\"" AWS_XMLNS "\"><ResourceIds>");
	while (n < TAG_IDS && rd->at + n < p->nzones && p->zones[rd->at + n]->account == account)
		xml_element(&b, "ResourceId", p->zones[rd->at + n++]->id);
	buf_puts(&b, "</ResourceIds></ListTagsForResourcesRequest>");
	rd->ntags = n;
	http_api_send(account->api, "POST", AWS_API "/tags/hostedzone", b.data, "application/xml",
		      NULL, on_tags, rd);
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

	buf_puts(&path, AWS_API "/hostedzone?maxitems=100");
	add_parameter(&path, "marker", marker);
	http_api_json(rd->p->accounts[rd->at].api, "GET", path.data, NULL, on_zones, rd);
	buf_fini(&path);
}

void aws_records(struct provider *p,
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
	aws_zones_clear(p);
	p->zones_read_ms = 0;
	read_zones(rd, NULL);
}

void aws_read_cancel(struct provider *p)
{
	if (p->reading) {
		endpoint_list_fini(&p->reading->out);
		paging_reset(&p->reading->pages);
	}
	free(p->reading);
	p->reading = NULL;
}
