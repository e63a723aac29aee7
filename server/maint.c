#include "server/maint.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/status.h"
#include "lib/tsig_keys.h"
#include "server/acl.h"
#include "server/catalog.h"
#include "server/handoff.h"
#include "server/notify.h"
#include "server/remote.h"
#include "server/request.h"
#include "server/xfr.h"
#include "zonedb/journal.h"
#include "zonedb/zonedb.h"

struct maint {
	struct server *server;
	struct tsig_keys keys;
	struct acl allow_transfer;
	struct remotes notify_targets;
	struct journal *journal;
	struct xfr *xfr;
	struct notify *notify;
	struct catalog *catalog;
};

/* --- the door ----------------------------------------------------------------------------- */

/* A query that was signed, or that the worker could have answered: as a worker, then signed. */
static void answer_query(struct request *r)
{
	uint8_t *out = mem_alloc(65535);
	struct dns_writer w = { 0 };
	size_t max = request_max(r);
	size_t n = handoff_answer(r->h, r->msg, r->len, out, max);

	if (n) {
		buf_add(&w.out, out, n);
		(void)request_send(r, &w); /* the client may have left */
	}
	dns_writer_fini(&w);
	free(out);
	request_done(r);
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
		request_refuse(r, DNS_RCODE_NOTAUTH);
		return;
	case DNS_OPCODE_UPDATE:
		request_refuse(r, DNS_RCODE_NOTIMP);
		return;
	default:
		request_refuse(r, DNS_RCODE_NOTIMP);
		return;
	}
}

/* --- status --------------------------------------------------------------------------------- */

static void section(void *ctx, cJSON *out)
{
	const struct maint *m = ctx;

	cJSON_AddNumberToObject(out, "transfers_out", (double)xfr_running(m->xfr));
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
		err = remotes_load(&m->notify_targets, "--notify", config_list(c, OPT_NOTIFY),
				   false, true, &m->keys, ret_why);
	return err;
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
	m->catalog = catalog_new(loop, db, origin);
	return 0;
}

int maint_new(struct loop *loop, struct zonedb *db, struct dns_client *dns, struct server *server,
	      struct state *state, const struct config *config, struct maint **ret, char **ret_why)
{
	struct maint *m = MEM_NEW(struct maint);
	int err = load_options(m, config, ret_why);

	m->server = server;
	if (err == 0) {
		m->journal = journal_new(db, state, 0);
		m->xfr = xfr_new(db, m->journal, &m->allow_transfer);
		m->notify = notify_new(loop, db, dns, &m->notify_targets);
		err = open_catalog(m, loop, db, config_text(config, OPT_CATALOG), ret_why);
	}
	if (err) {
		maint_free(m);
		return err;
	}
	if (server)
		handoff_handler(server, on_handoff, m);
	status_section("maintenance", section, m);
	*ret = m;
	return 0;
}

void maint_free(struct maint *m)
{
	if (m == NULL)
		return;
	if (m->server)
		handoff_handler(m->server, NULL, NULL);
	catalog_free(m->catalog);
	notify_free(m->notify);
	xfr_free(m->xfr);
	journal_free(m->journal);
	remotes_fini(&m->notify_targets);
	acl_fini(&m->allow_transfer);
	tsig_keys_fini(&m->keys);
	free(m);
}
