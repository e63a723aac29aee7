#include "server/maint.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"
#include "lib/rrtype.h"
#include "lib/state.h"
#include "lib/status.h"
#include "lib/transfer.h"
#include "lib/tsig_keys.h"
#include "server/acl.h"
#include "server/catalog.h"
#include "server/handoff.h"
#include "server/notify.h"
#include "server/overlay.h"
#include "server/remote.h"
#include "server/request.h"
#include "server/secondary.h"
#include "server/update.h"
#include "server/xfr.h"
#include "zonedb/journal.h"
#include "zonedb/zonedb.h"

struct maint {
	struct zonedb *db;
	struct state *state;
	struct server *server;
	struct tsig_keys keys;
	struct acl allow_transfer, allow_update;
	struct acl allow_notify;
	struct remotes notify_targets, primaries, catalogs;
	struct journal *journal;
	struct xfr *xfr;
	struct notify *notify;
	bool (*on_notify)(void *ctx, const uint8_t *zone);
	void *on_notify_ctx;
	struct catalog *catalog;
	bool has_catalog;
	uint8_t catalog_origin[DNAME_MAX];
	struct map static_zones; /* origins of --zone, as text */
	struct secondaries *secondaries;
	struct overlay *overlay;
	struct update *update;
};

/* --- the door ----------------------------------------------------------------------------- */

/* A query that was signed, or that the worker could have answered: as a worker, then signed. */
static void answer_query(struct request *r)
{
	uint8_t *out = mem_alloc(65535);
	struct dns_writer w = { 0 };
	size_t max = request_max(r);
	size_t n = handoff_answer(r->h, r->msg, r->len, out, max < 512 ? 512 : max);

	if (n > max) { /* RFC 8945 5.3: no room for the signature: the question alone, with TC */
		n = dns_msg_question_end(out, n);
		memset(out + 6, 0, 6);
		out[2] |= DNS_FLAG_TC >> 8;
	}
	if (n) {
		buf_add(&w.out, out, n);
		(void)request_send(r, &w); /* the client may have left */
	}
	dns_writer_fini(&w);
	free(out);
	request_done(r);
}

/* RFC 1996 3.7, 4.7: the SOA in it is a hint; it is confirmed before it is acted on. */
static void take_notify(struct maint *m, struct request *r)
{
	const struct netaddr *client = handoff_client(r->h);
	const uint8_t *zone = r->m.qname;
	bool has_serial = false;
	uint32_t serial = 0;

	if (r->m.qtype != RRTYPE_SOA) {
		request_refuse(r, DNS_RCODE_NOTIMP);
		return;
	}
	if (r->m.qclass == DNS_CLASS_IN && m->on_notify && m->on_notify(m->on_notify_ctx, zone)) {
		metric_add(METRIC_NOTIFIES_TOTAL, 1, "in", "accepted");
		request_confirm(r, DNS_RCODE_NOERROR);
		return;
	}
	if (r->m.qclass != DNS_CLASS_IN || !secondaries_has(m->secondaries, zone)) {
		metric_add(METRIC_NOTIFIES_TOTAL, 1, "in", "notauth");
		request_refuse(r, DNS_RCODE_NOTAUTH);
		return;
	}
	if (!secondaries_is_primary(m->secondaries, zone, client, r->key) &&
	    !acl_allows(&m->allow_notify, zone, client, r->key)) {
		metric_add(METRIC_NOTIFIES_TOTAL, 1, "in", "refused");
		request_refuse(r, DNS_RCODE_REFUSED);
		return;
	}
	for (size_t i = 0; i < r->m.nrecords && !has_serial; i++) {
		const struct dns_record *rec = &r->m.records[i];

		if (rec->section == DNS_ANSWER && rec->type == RRTYPE_SOA && rec->rdlen) {
			serial = transfer_soa_serial(rec->rdata, rec->rdlen);
			has_serial = true;
		}
	}
	metric_add(METRIC_NOTIFIES_TOTAL, 1, "in", "accepted");
	secondaries_notified(m->secondaries, zone, has_serial, serial);
	request_confirm(r, DNS_RCODE_NOERROR);
}

static void on_handoff(void *ctx, struct handoff *h)
{
	struct maint *m = ctx;
	struct request *r = request_new(h, &m->keys);

	if (r == NULL)
		return; /* malformed or a wrong signature: answered */
	switch (dns_msg_opcode(r->m.flags)) {
	case DNS_OPCODE_QUERY:
		if (r->m.qtype == RRTYPE_AXFR || r->m.qtype == RRTYPE_IXFR)
			xfr_serve(m->xfr, r);
		else
			answer_query(r);
		return;
	case DNS_OPCODE_NOTIFY:
		take_notify(m, r);
		return;
	case DNS_OPCODE_UPDATE:
		update_serve(m->update, r);
		return;
	default:
		request_refuse(r, DNS_RCODE_NOTIMP);
		return;
	}
}

static bool is_static(const struct maint *m, const uint8_t *origin)
{
	uint8_t lower[DNAME_MAX];

	(void)dname_lower(origin, lower); /* its length is not needed */
	char *name = dname_text(lower);
	bool found = map_get(&m->static_zones, name) != NULL;
	free(name);
	return found;
}

static bool is_catalog(const struct maint *m, const uint8_t *origin)
{
	return m->has_catalog && dname_equal(origin, m->catalog_origin);
}

static enum update_zone zone_kind(void *ctx, const uint8_t *origin)
{
	const struct maint *m = ctx;

	if (is_static(m, origin))
		return UPDATE_ZONE_FREE;
	if (is_catalog(m, origin) || secondaries_has(m->secondaries, origin))
		return UPDATE_ZONE_CLOSED;
	return UPDATE_ZONE_SHARED;
}

/* Does the zone come from elsewhere than a primary? */
static bool is_taken(void *ctx, const uint8_t *origin)
{
	const struct maint *m = ctx;

	return is_static(m, origin) || is_catalog(m, origin) ||
	       zonedb_zone(zonedb_current(m->db), origin) != NULL;
}

/* --- status --------------------------------------------------------------------------------- */

static void section(void *ctx, cJSON *out)
{
	const struct maint *m = ctx;

	cJSON_AddNumberToObject(out, "transfers_out", (double)xfr_running(m->xfr));
	cJSON_AddNumberToObject(out, "state_errors", (double)state_errors(m->state));
	cJSON_AddNumberToObject(out, "updated_rrsets", (double)overlay_count(m->overlay));
	secondaries_status(m->secondaries, cJSON_AddObjectToObject(out, "secondaries"));
	notify_status(m->notify, cJSON_AddObjectToObject(out, "notify"));
}

/* --- life ----------------------------------------------------------------------------------- */

static int load_options(struct maint *m, const struct config *c, char **ret_why)
{
	int err = tsig_keys_load(c, &m->keys, ret_why);

	if (err == 0)
		err = acl_load(&m->allow_transfer, "--allow-transfer",
			       config_list(c, OPT_ALLOW_TRANSFER), false, &m->keys, ret_why);
	if (err == 0)
		err = acl_load(&m->allow_update, "--allow-update", config_list(c, OPT_ALLOW_UPDATE),
			       true, &m->keys, ret_why);
	if (err == 0)
		err = acl_load(&m->allow_notify, "--allow-notify", config_list(c, OPT_ALLOW_NOTIFY),
			       false, &m->keys, ret_why);
	if (err == 0)
		err = remotes_load(&m->primaries, "--primary", config_list(c, OPT_PRIMARY), true,
				   false, &m->keys, ret_why);
	if (err == 0)
		err = remotes_load(&m->catalogs, "--catalog-zone", config_list(c, OPT_CATALOG_ZONE),
				   true, false, &m->keys, ret_why);
	if (err == 0)
		err = remotes_load(&m->notify_targets, "--notify", config_list(c, OPT_NOTIFY),
				   false, true, &m->keys, ret_why);
	return err;
}

static void list_static_zones(struct maint *m, const struct strv *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		char *origin = mem_strndup(texts->s[i], strcspn(texts->s[i], "="));
		uint8_t wire[DNAME_MAX];

		if (dname_from_text(origin, wire) == 0) { /* static_zones_new tells what is wrong */
			(void)dname_lower(wire, wire);
			char *name = dname_text(wire);
			map_put(&m->static_zones, name, m);
			free(name);
		}
		free(origin);
	}
}

static int open_catalog(struct maint *m, struct loop *loop, struct zonedb *db, const char *name,
			char **ret_why)
{
	uint8_t origin[DNAME_MAX];

	if (*name == '\0')
		return 0;
	/* "0123456789abcdef.zones." must fit before it */
	if (dname_from_text(name, origin) || dname_len(origin) > DNAME_MAX - 32) {
		*ret_why = mem_printf("--catalog=%s: not a zone name", name);
		return ERR_SYNTAX;
	}
	m->has_catalog = true;
	memcpy(m->catalog_origin, origin, dname_len(origin));
	m->catalog = catalog_new(loop, db, origin);
	return 0;
}

int maint_new(struct loop *loop, struct zonedb *db, struct dns_client *dns, struct server *server,
	      struct state *state, const struct config *config, struct maint **ret, char **ret_why)
{
	struct maint *m = MEM_NEW(struct maint);
	int err = load_options(m, config, ret_why);

	m->db = db;
	m->state = state;
	m->server = server;
	if (err == 0) {
		list_static_zones(m, config_list(config, OPT_ZONE));
		m->overlay = overlay_new(db, state); /* before the journal: it adds to new zones */
		m->journal = journal_new(db, state, 0);
		m->update = update_new(db, m->overlay, state, &m->allow_update, zone_kind, m);
		m->xfr = xfr_new(db, m->journal, &m->allow_transfer);
		m->notify = notify_new(loop, db, dns, &m->notify_targets);
		err = open_catalog(m, loop, db, config_text(config, OPT_CATALOG), ret_why);
	}
	if (err == 0) {
		/* behind the journal: what it restores is a zone that comes */
		struct secondaries_env env = {
			.loop = loop,
			.db = db,
			.dns = dns,
			.state = state,
			.primaries = &m->primaries,
			.catalogs = &m->catalogs,
			.max_bytes = (size_t)config_number(config, OPT_MAX_ZONE_BYTES),
			.is_taken = is_taken,
			.ctx = m,
		};

		err = secondaries_new(&env, &m->secondaries, ret_why);
	}
	if (err) {
		maint_free(m);
		return err;
	}
	if (m->allow_update.n && state == NULL)
		log_warning("--allow-update without --state-dir: updates are lost at a restart");
	if (server)
		handoff_handler(server, on_handoff, m);
	status_section("maintenance", section, m);
	*ret = m;
	return 0;
}

void maint_on_notify(struct maint *m, bool (*cb)(void *ctx, const uint8_t *zone), void *ctx)
{
	m->on_notify = cb;
	m->on_notify_ctx = ctx;
}

void maint_refresh(struct maint *m)
{
	secondaries_refresh(m->secondaries);
}

void maint_free(struct maint *m)
{
	if (m == NULL)
		return;
	if (m->server)
		handoff_handler(m->server, NULL, NULL);
	secondaries_free(m->secondaries);
	update_free(m->update);
	overlay_free(m->overlay);
	map_fini(&m->static_zones, NULL);
	catalog_free(m->catalog);
	notify_free(m->notify);
	xfr_free(m->xfr);
	journal_free(m->journal);
	remotes_fini(&m->notify_targets);
	remotes_fini(&m->primaries);
	remotes_fini(&m->catalogs);
	acl_fini(&m->allow_notify);
	acl_fini(&m->allow_transfer);
	acl_fini(&m->allow_update);
	tsig_keys_fini(&m->keys);
	free(m);
}
