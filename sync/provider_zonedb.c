/*
 * provider_zonedb - pushes into the static zones (--zone) that gslbd itself
 * serves: records are on the wire with the commit.  All changes of a call are
 * one transaction; a change whose record is not as it was read is refused
 * (ERR_STALE).  The one provider that includes zonedb/.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/idna.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "sync/batch.h"
#include "sync/change_list.h"
#include "sync/domain_filter.h"
#include "sync/provider.h"
#include "sync/target.h"
#include "sync/wire_target.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

#define DEFAULT_TTL 300

struct provider {
	struct provider_env env;
	struct strv zones;        /* origins, without final dot */
	struct loop_timer *timer; /* answers come from the loop; one call is under way at a time */
	void (*on_records)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void (*on_applied)(void *ctx, int err, const char *err_text);
	void *ctx;
	struct endpoint_list records;
	int err;
	char *err_text;
};

/* --- reading ----------------------------------------------------------------------- */

static bool read_rrset(void *ctx, const uint8_t *owner, const struct rrset *r)
{
	struct endpoint_list *all = ctx;
	const uint8_t *rdata;
	uint16_t len;
	size_t pos = 0;
	char type[12];

	if (!wire_target_is_shown(r->type))
		return true;
	char *text = dname_text(owner), *name = idna_normal(text);
	struct endpoint *e = endpoint_new(name, rrtype_to_text(r->type, type), r->ttl);

	while (rrset_next(r, &pos, &rdata, &len))
		strv_take(&e->targets, wire_target_get(r->type, rdata, len));
	endpoint_list_take(all, e);
	free(text);
	free(name);
	return true;
}

static const struct zone *open_zone(const struct provider *p, const char *origin)
{
	uint8_t wire[DNAME_MAX];

	if (dname_from_text(origin, wire) < 0)
		return NULL;
	return zonedb_zone(zonedb_current(p->env.zonedb), wire);
}

static void answer(void *ctx)
{
	struct provider *p = ctx;

	if (p->on_applied) {
		void (*done)(void *, int, const char *) = p->on_applied;

		p->on_applied = NULL;
		done(p->ctx, p->err, p->err_text);
		return;
	}
	struct endpoint_list all = p->records;

	p->records = (struct endpoint_list){ 0 };
	p->on_records(p->ctx, p->err, p->err_text, &all);
}

static void finish(struct provider *p, int err, char *err_text)
{
	p->err = err;
	free(p->err_text);
	p->err_text = err_text;
	loop_timer_set(p->timer, 0);
}

static void records(struct provider *p,
		    void (*done)(void *ctx, int err, const char *err_text,
				 struct endpoint_list *records),
		    void *ctx)
{
	p->on_records = done;
	p->ctx = ctx;
	for (size_t i = 0; i < p->zones.n; i++) {
		const struct zone *z = open_zone(p, p->zones.s[i]);

		if (z == NULL) {
			endpoint_list_fini(&p->records);
			finish(p, ERR_AGAIN, mem_printf("zone %s is not loaded", p->zones.s[i]));
			return;
		}
		zone_each_unordered(z, read_rrset, &p->records);
	}
	finish(p, 0, NULL);
}

/* --- writing ------------------------------------------------------------------------ */

/* The longest of our zones that NAME is in; NULL if none. */
static const char *zone_of(const struct provider *p, const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < p->zones.n; i++)
		if (dname_text_is_below(name, p->zones.s[i]) &&
		    (best == NULL || strlen(p->zones.s[i]) > strlen(best)))
			best = p->zones.s[i];
	return best;
}

struct place {
	uint8_t origin[DNAME_MAX], owner[DNAME_MAX];
	uint16_t type;
};

static int place_of(const struct provider *p, const struct endpoint *e, struct place *ret)
{
	const char *zone = zone_of(p, e->dns_name);

	if (zone == NULL)
		return ERR_NOT_FOUND;
	if (!wire_target_type(e->record_type, &ret->type))
		return ERR_UNSUPPORTED;
	if (*e->set_identifier) /* a name has one set of a type here */
		return ERR_UNSUPPORTED;
	if (dname_from_text(zone, ret->origin) < 0)
		return ERR_SYNTAX;
	return dname_from_text(e->dns_name, ret->owner);
}

/* Does the RRset that stands hold just E's targets? */
static bool is_as_read(const struct rrset *r, const struct endpoint *e)
{
	struct strv have = { 0 };
	const uint8_t *rdata;
	uint16_t len;
	size_t pos = 0;

	while (r && rrset_next(r, &pos, &rdata, &len))
		strv_take(&have, wire_target_get(r->type, rdata, len));
	bool same = r && target_set_equal(&have, &e->targets);
	strv_fini(&have);
	return same;
}

static int put(struct txn *t, const struct place *at, const struct endpoint *e)
{
	struct buf *bytes = mem_calloc(e->targets.n, sizeof(*bytes));
	struct rdata *rdata = mem_calloc(e->targets.n, sizeof(*rdata));
	int err = 0;

	for (size_t i = 0; err == 0 && i < e->targets.n; i++) {
		err = wire_target_put(at->type, e->record_type, e->targets.s[i], &bytes[i]);
		rdata[i] = (struct rdata){ (const uint8_t *)bytes[i].data, (uint16_t)bytes[i].len };
	}
	if (err == 0)
		err = txn_put_rrset(t, at->origin, at->owner, at->type,
				    (uint32_t)(e->record_ttl ? e->record_ttl : DEFAULT_TTL), rdata,
				    e->targets.n);
	for (size_t i = 0; i < e->targets.n; i++)
		buf_fini(&bytes[i]);
	free(bytes);
	free(rdata);
	return err;
}

static int apply_one(struct provider *p, struct txn *t, const struct change *c)
{
	struct place at;
	int err = place_of(p, change_endpoint(c), &at);

	if (err)
		return err;
	const struct rrset *have = txn_rrset(t, at.origin, at.owner, at.type);
	if (c->kind == CHANGE_CREATE ? have != NULL : !is_as_read(have, c->before))
		return ERR_STALE;
	if (c->kind == CHANGE_DELETE)
		return txn_remove(t, at.origin, at.owner, at.type);
	return put(t, &at, c->after);
}

static void undo_one(struct provider *p, struct txn *t, const struct change *c)
{
	struct place at;

	if (place_of(p, change_endpoint(c), &at))
		return;
	if (c->kind == CHANGE_CREATE)
		(void)txn_remove(t, at.origin, at.owner, at.type); /* was put just now */
	else
		(void)put(t, &at, c->before); /* stood there before */
}

static char *explain(int err, const struct change *c)
{
	const struct endpoint *e = change_endpoint(c);

	return mem_printf("%s %s: %s", e->dns_name, e->record_type,
			  err == ERR_CONFLICT ? "a CNAME cannot stand beside other records"
					      : error_text(err));
}

/* The N changes of one name: all or none. */
static void apply_unit(struct provider *p, struct txn *t, struct change *c, size_t n)
{
	int err = 0;
	size_t i;

	for (i = 0; i < n && err == 0; i++)
		err = apply_one(p, t, &c[i]);
	if (err == 0)
		return;
	size_t bad = i - 1;
	for (i = bad; i-- > 0;)
		undo_one(p, t, &c[i]);
	for (i = 0; i < n; i++) {
		c[i].err = err;
		c[i].err_text = explain(err, &c[bad]);
	}
	p->err = err;
}

static void apply(struct provider *p, struct change *changes, size_t n,
		  void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	struct txn *t = txn_begin(p->env.zonedb);
	char *why = NULL;
	int err;

	p->on_applied = done;
	p->ctx = ctx;
	p->err = 0;
	for (size_t i = 0, len; i < n; i += len) {
		for (len = 1; i + len < n; len++)
			if (!batch_follows(&changes[i + len - 1], &changes[i + len]))
				break;
		apply_unit(p, t, &changes[i], len);
	}
	err = txn_commit(t, &why);
	for (size_t i = 0; err && i < n; i++) {
		changes[i].err = err;
		mem_strset(&changes[i].err_text, why);
	}
	finish(p, err ? err : p->err, why ? why : p->err ? mem_strdup(error_text(p->err)) : NULL);
}

/* --- life --------------------------------------------------------------------------- */

static void close_provider(struct provider *p)
{
	endpoint_list_fini(&p->records);
	strv_fini(&p->zones);
	loop_timer_free(p->timer);
	free(p->err_text);
	free(p);
}

static int open_provider(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	const struct strv *zones = config_list(env->config, OPT_ZONE);
	struct provider *p = MEM_NEW(struct provider);

	p->env = *env;
	p->timer = loop_timer_new(env->loop, answer, p);
	for (size_t i = 0; i < zones->n; i++) {
		char *origin = mem_strndup(zones->s[i], strcspn(zones->s[i], "="));

		if (domain_filter_match_zone(env->filter, origin))
			strv_take(&p->zones, idna_normal(origin));
		free(origin);
	}
	if (p->zones.n == 0 || env->zonedb == NULL) {
		*ret_why = mem_strdup(zones->n ? "--provider=zonedb: no --zone passes "
						 "--domain-filter"
					       : "--provider=zonedb needs a --zone to write to");
		close_provider(p);
		return ERR_INVALID;
	}
	*ret = p;
	return 0;
}

static const struct strv *zones(struct provider *p)
{
	return &p->zones;
}

static void adjust(struct provider *p, struct endpoint_list *desired)
{
	(void)p;
	wire_target_adjust(desired, 0);
}

static bool supports(struct provider *p, const char *record_type)
{
	uint16_t type;

	(void)p;
	return wire_target_type(record_type, &type);
}

const struct provider_ops provider_zonedb = { .name = "zonedb",
					      .open = open_provider,
					      .close = close_provider,
					      .records = records,
					      .apply = apply,
					      .adjust = adjust,
					      .zones = zones,
					      .supports = supports };
