/*
 * provider_rfc2136 - any name server that takes dynamic updates: reads by AXFR
 * and then IXFR, writes by UPDATE with prerequisites, so that nobody else's change
 * is overwritten.  TSIG, TLS, several hosts, several zones.
 *
 *	records: per zone IXFR from the serial we have (AXFR the first time)
 *	apply:   batch.c ─► update.c ─► dns_client ─► rcode
 */
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/dns_tls.h"
#include "lib/error.h"
#include "lib/idna.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/tsig.h"
#include "sync/batch.h"
#include "sync/change_list.h"
#include "sync/provider.h"
#include "sync/resolve.h"
#include "sync/rrstore.h"
#include "sync/update.h"
#include "sync/view.h"
#include "sync/wire_target.h"

#define BYTES_MAX        60000    /* of a message */
#define RECORDS_MAX      20000000 /* of a zone: more is a transfer without an end */
#define ANSWER_MS        15000    /* a server may write its journal to disk first */
#define REFUSED_IN_A_ROW 3        /* single names refused with none landed: it is not the names */
#define A_NAME           4        /* changes that a single name may have */

enum strategy { STRATEGY_ORDER, STRATEGY_RANDOM, STRATEGY_ROUND_ROBIN };

struct zone {
	uint8_t origin[DNAME_MAX];
	char *name; /* normal form */
	struct rrstore records;
	bool known; /* RECORDS is the zone at the serial in SOA */
	uint8_t soa[2 * DNAME_MAX + 24];
	size_t soa_len;
};

struct provider {
	struct provider_env env;
	const struct strv *hosts;
	uint16_t port;
	struct netaddr *servers;
	const char **names; /* of their hosts */
	size_t nservers;
	enum strategy strategy;
	unsigned turn;
	struct tsig_key *key; /* NULL: insecure */
	struct dns_tls *tls;  /* NULL: in the clear */
	bool axfr;
	struct update_options options;
	struct zone *zones;
	size_t nzones;
	struct strv zone_names;

	/* One call is under way at a time. */
	void (*on_records)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void (*on_applied)(void *ctx, int err, const char *err_text);
	void *ctx;
	struct resolve *resolve;
	size_t at; /* host that is resolved, zone that is read */
	struct dns_request *request;
	struct batch *batch;
	unsigned landed, refused;
	struct zone *fresh;  /* being filled by a full transfer */
	struct view written; /* without AXFR: what we put there ourselves */
	struct change *changes;
	size_t nchanges, sent;
};

static void read_zone(struct provider *p);

/* --- servers ------------------------------------------------------------------------ */

/* The servers, the one whose turn it is first.  The others are for when it is gone. */
static void in_turn(struct provider *p, struct netaddr **ret_servers, const char ***ret_names)
{
	struct netaddr *servers = mem_calloc(p->nservers, sizeof(*servers));
	const char **names = mem_calloc(p->nservers, sizeof(*names));
	size_t first = 0;

	if (p->strategy == STRATEGY_ROUND_ROBIN)
		first = p->turn++ % p->nservers;
	else if (p->strategy == STRATEGY_RANDOM)
		first = (size_t)random() % p->nservers;
	for (size_t i = 0; i < p->nservers; i++) {
		servers[i] = p->servers[(first + i) % p->nservers];
		names[i] = p->names[(first + i) % p->nservers];
	}
	*ret_servers = servers;
	*ret_names = names;
}

static void end_records(struct provider *p, int err, const char *text)
{
	struct endpoint_list all = { 0 };

	if (err == 0 && p->axfr)
		for (size_t i = 0; i < p->nzones; i++)
			rrstore_endpoints(&p->zones[i].records, &all);
	if (err == 0 && !p->axfr)
		view_copy(&p->written, &all);
	p->on_records(p->ctx, err, text, &all);
}

static void resolved(void *ctx, const struct netaddr *a, size_t n, const char *why)
{
	struct provider *p = ctx;

	resolve_free(p->resolve);
	p->resolve = NULL;
	if (n) {
		p->servers = mem_array(p->servers, p->nservers + n, sizeof(*p->servers));
		memcpy(p->servers + p->nservers, a, n * sizeof(*a));
		p->names = mem_array(p->names, p->nservers + n, sizeof(*p->names));
		for (size_t i = 0; i < n; i++)
			p->names[p->nservers++] = p->hosts->s[p->at];
	} else {
		log_warning("provider rfc2136: host %s: %s", p->hosts->s[p->at], why);
	}
	if (++p->at < p->hosts->n) {
		p->resolve = resolve_host(p->env.loop, p->hosts->s[p->at], p->port, resolved, p);
	} else if (p->nservers == 0) {
		end_records(p, ERR_NETWORK, "no address of --rfc2136-host was found");
	} else {
		p->at = 0;
		read_zone(p);
	}
}

/* The files are read for each full read, for certificates change more often than programs. */
static char *open_tls(struct provider *p)
{
	const struct config *c = p->env.config;
	struct dns_tls *tls = NULL;
	char *why = NULL;

	if (!config_bool(c, OPT_RFC2136_USE_TLS))
		return NULL;
	if (dns_tls_new(config_text(c, OPT_TLS_CA), config_text(c, OPT_TLS_CLIENT_CERT),
			config_text(c, OPT_TLS_CLIENT_CERT_KEY),
			config_bool(c, OPT_RFC2136_SKIP_TLS_VERIFY), &tls, &why))
		return why;
	dns_tls_free(p->tls);
	p->tls = tls;
	return NULL;
}

/* Names may have moved: they are looked up for each full read. */
static void records(struct provider *p,
		    void (*done)(void *ctx, int err, const char *err_text,
				 struct endpoint_list *records),
		    void *ctx)
{
	p->on_records = done;
	p->ctx = ctx;
	p->nservers = 0;
	p->at = 0;
	char *why = open_tls(p);
	if (why)
		log_warning("provider rfc2136: the last good TLS files are used on: %s", why);
	free(why);
	p->resolve = resolve_host(p->env.loop, p->hosts->s[0], p->port, resolved, p);
}

/* --- reading ------------------------------------------------------------------------- */

static int got_record(void *ctx, enum transfer_op op, const struct dns_record *r)
{
	struct provider *p = ctx;
	struct zone *z = &p->zones[p->at];

	if (op == TRANSFER_FULL) {
		if (p->fresh == NULL) /* the first record */
			p->fresh = MEM_NEW(struct zone);
		rrstore_add(&p->fresh->records, r);
	} else if (op == TRANSFER_ADD) {
		rrstore_add(&z->records, r);
	} else {
		rrstore_remove(&z->records, r);
	}
	return 0;
}

static void drop_fresh(struct provider *p)
{
	if (p->fresh)
		rrstore_fini(&p->fresh->records);
	free(p->fresh);
	p->fresh = NULL;
}

static void transferred(void *ctx, int err, unsigned rcode, const struct transfer *t)
{
	struct provider *p = ctx;
	struct zone *z = &p->zones[p->at];

	p->request = NULL;
	if (err) {
		char code[12];
		bool again = z->known;

		/* half of a difference may be in there */
		drop_fresh(p);
		rrstore_fini(&z->records);
		z->known = false;
		if (again) { /* no IXFR: the whole zone, then */
			read_zone(p);
			return;
		}
		char *why = mem_printf("transfer of %s: %s%s%s", z->name, error_text(err),
				       rcode ? ": " : "", rcode ? rcode_to_text(rcode, code) : "");
		end_records(p, err, why);
		free(why);
		return;
	}
	if (t->is_full) {
		rrstore_fini(&z->records);
		if (p->fresh)
			z->records = p->fresh->records;
		free(p->fresh);
		p->fresh = NULL;
	}
	z->soa_len = t->soa_len;
	memcpy(z->soa, t->soa, t->soa_len);
	z->known = true;
	p->at++;
	read_zone(p);
}

/* The zone p->at, or the end of it all. */
static void read_zone(struct provider *p)
{
	struct netaddr *servers;
	const char **names;
	struct zone *z;

	if (!p->axfr || p->at == p->nzones) {
		end_records(p, 0, NULL);
		return;
	}
	z = &p->zones[p->at];
	in_turn(p, &servers, &names);
	struct dns_transfer_question q = { .servers = servers,
					   .nservers = p->nservers,
					   .zone = z->origin,
					   .incremental = z->known,
					   .soa = z->soa,
					   .soa_len = z->soa_len,
					   .idle_ms = ANSWER_MS,
					   .max_records = RECORDS_MAX,
					   .key = p->key,
					   .tls = p->tls,
					   .names = names,
					   .on_record = got_record,
					   .on_done = transferred,
					   .ctx = p };
	p->request = dns_client_transfer(p->env.dns, &q);
	free(servers);
	free(names);
}

/* --- writing ------------------------------------------------------------------------- */

static void *zone_of(void *ctx, const struct change *c)
{
	struct provider *p = ctx;
	const char *name = change_endpoint(c)->dns_name;
	struct zone *best = NULL;

	for (size_t i = 0; i < p->nzones; i++)
		if (dname_text_is_below(name, p->zones[i].name) &&
		    (best == NULL || strlen(p->zones[i].name) > strlen(best->name)))
			best = &p->zones[i];
	return best;
}

static struct batch_cost cost(void *ctx, const struct change *c)
{
	(void)ctx;
	return (struct batch_cost){ .changes = 1, .bytes = update_size(c) };
}

/* What an answer means to batch.c. */
static int judge(struct provider *p, unsigned rcode)
{
	switch ((enum dns_rcode)rcode) {
	case DNS_RCODE_NOERROR:
		return 0;
	case DNS_RCODE_YXDOMAIN:
	case DNS_RCODE_YXRRSET:
	case DNS_RCODE_NXRRSET:
	case DNS_RCODE_NXDOMAIN:
		return ERR_STALE; /* a prerequisite: somebody else was there */
	case DNS_RCODE_REFUSED:
	case DNS_RCODE_NOTZONE:
	case DNS_RCODE_FORMERR:
	case DNS_RCODE_SERVFAIL:
		/* a name that policy forbids or the server chokes on; or it is not the name */
		p->refused += p->sent <= A_NAME;
		if (p->landed || p->refused < REFUSED_IN_A_ROW)
			return ERR_INVALID;
		return rcode == DNS_RCODE_SERVFAIL ? ERR_PROTOCOL : ERR_DENIED;
	case DNS_RCODE_NOTAUTH:
		return ERR_AUTH;
	case DNS_RCODE_NOTIMP:
	case DNS_RCODE_BADVERS:
	case DNS_RCODE_BADKEY:
	case DNS_RCODE_BADTIME:
	case DNS_RCODE_BADTRUNC:
	case DNS_RCODE_BADCOOKIE:
		break;
	}
	return ERR_PROTOCOL;
}

static void answered(void *ctx, const struct dns_reply *r)
{
	struct provider *p = ctx;
	char code[12], *why = NULL;
	int err = r->err;

	p->request = NULL;
	if (err == 0) {
		err = judge(p, r->rcode);
		p->landed += err == 0;
	}
	if (err)
		why = mem_printf("update: %s",
				 r->err ? error_text(r->err) : rcode_to_text(r->rcode, code));
	batch_sent(p->batch, err, why, -1);
	free(why);
}

static void send_update(void *ctx, struct batch *b, void *zone, struct change *const *c, size_t n)
{
	struct provider *p = ctx;
	const struct zone *z = zone;
	struct netaddr *servers = NULL;
	const char **names = NULL;
	struct buf msg = { 0 };
	size_t bad = 0;
	int err = update_make(z->origin, c, n, &p->options, &msg, &bad);

	p->batch = b;
	p->sent = n;
	if (err) {
		const struct endpoint *e = change_endpoint(c[bad]);
		char *why = mem_printf("%s %s cannot be said in an update: %s", e->dns_name,
				       e->record_type, error_text(err));

		batch_sent(b, err == ERR_LIMIT ? ERR_TOO_LONG : err, why, -1);
		free(why);
	} else {
		in_turn(p, &servers, &names);
		struct dns_question q = { .servers = servers,
					  .nservers = p->nservers,
					  .name = z->origin,
					  .type = RRTYPE_SOA,
					  .tcp_only = true,
					  .timeout_ms = ANSWER_MS,
					  .tries = 1,
					  .key = p->key,
					  .tls = p->tls,
					  .names = names,
					  .on_done = answered,
					  .ctx = p };
		p->request = dns_client_send(p->env.dns, &q, (const uint8_t *)msg.data, msg.len);
	}
	buf_fini(&msg);
	free(servers);
	free(names);
}

static void batch_done(void *ctx, int err, const char *err_text)
{
	struct provider *p = ctx;

	p->batch = NULL;
	for (size_t i = 0; !p->axfr && i < p->nchanges; i++) {
		const struct change *c = &p->changes[i];
		const struct endpoint *e = change_endpoint(c);

		if (c->err)
			continue;
		if (c->kind == CHANGE_DELETE)
			view_remove(&p->written, e->dns_name, e->record_type, e->set_identifier);
		else
			view_put(&p->written, endpoint_copy(e));
	}
	p->on_applied(p->ctx, err, err_text);
}

static void apply(struct provider *p, struct change *changes, size_t n,
		  void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	static const struct batch_ops ops = {
		.zone = zone_of, .cost = cost, .send = send_update, .done = batch_done
	};
	int64_t most = config_number(p->env.config, OPT_RFC2136_BATCH_CHANGE_SIZE);
	struct batch_limits limits = { .changes = most > 0 ? (size_t)most : 50,
				       .bytes = BYTES_MAX };

	p->on_applied = done;
	p->ctx = ctx;
	p->landed = p->refused = 0;
	p->changes = changes;
	p->nchanges = n;
	p->batch = batch_start(p->env.loop, &ops, p, &limits, NULL, changes, n);
}

/* --- life ------------------------------------------------------------------------------ */

static void close_provider(struct provider *p)
{
	resolve_free(p->resolve);
	dns_request_cancel(p->request);
	batch_cancel(p->batch);
	drop_fresh(p);
	for (size_t i = 0; i < p->nzones; i++) {
		rrstore_fini(&p->zones[i].records);
		free(p->zones[i].name);
	}
	view_fini(&p->written);
	tsig_key_free(p->key);
	dns_tls_free(p->tls);
	strv_fini(&p->zone_names);
	free(p->zones);
	free(p->servers);
	free(p->names);
	free(p);
}

static char *open_key(struct provider *p, const struct config *c)
{
	int err;

	if (config_bool(c, OPT_RFC2136_INSECURE))
		return NULL;
	err = tsig_key_new(config_text(c, OPT_RFC2136_TSIG_KEYNAME),
			   config_text(c, OPT_RFC2136_TSIG_SECRET_ALG),
			   config_text(c, OPT_RFC2136_TSIG_SECRET), &p->key);
	if (err == ERR_UNSUPPORTED)
		return mem_printf("--rfc2136-tsig-secret-alg=%s: hmac-sha1, -sha224, -sha256, "
				  "-sha384 and -sha512 are supported",
				  config_text(c, OPT_RFC2136_TSIG_SECRET_ALG));
	if (err)
		return mem_strdup("--rfc2136-tsig-keyname, --rfc2136-tsig-secret (base64) and "
				  "--rfc2136-tsig-secret-alg are needed, or --rfc2136-insecure");
	return NULL;
}

static char *open_zones(struct provider *p, const struct config *c)
{
	const struct strv *zones = config_list(c, OPT_RFC2136_ZONE);

	for (size_t i = 0; i < zones->n; i++) {
		char *name = idna_normal(zones->s[i]);

		p->zones = mem_array(p->zones, p->nzones + 1, sizeof(*p->zones));
		struct zone *z = &p->zones[p->nzones];
		*z = (struct zone){ .name = name };
		p->nzones++;
		if (dname_from_text(name, z->origin) < 0)
			return mem_printf("--rfc2136-zone=%s: not a domain name", zones->s[i]);
		strv_add(&p->zone_names, name);
	}
	return p->nzones ? NULL : mem_strdup("--provider=rfc2136 needs --rfc2136-zone");
}

static char *open_strategy(struct provider *p, const char *name)
{
	static const char *const names[] = { "disabled", "random", "round-robin" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			p->strategy = (enum strategy)i;
			return NULL;
		}
	}
	return mem_printf("--rfc2136-load-balancing-strategy=%s: disabled, random or round-robin "
			  "is expected",
			  name);
}

static char *open_all(struct provider *p, const struct config *c)
{
	int64_t port = config_number(c, OPT_RFC2136_PORT);
	char *why;

	if (config_bool(c, OPT_RFC2136_GSS_TSIG))
		return mem_strdup("--rfc2136-gss-tsig: not supported; use a TSIG key "
				  "(--rfc2136-tsig-keyname …)");
	p->hosts = config_list(c, OPT_RFC2136_HOST);
	if (p->hosts->n == 0)
		return mem_strdup("--provider=rfc2136 needs --rfc2136-host");
	if (port < 0 || port > 65535)
		return mem_strdup("--rfc2136-port: out of range");
	p->port = port ? (uint16_t)port : config_bool(c, OPT_RFC2136_USE_TLS) ? 853 : 53;
	p->axfr = config_bool(c, OPT_RFC2136_AXFR) || config_bool(c, OPT_RFC2136_TSIG_AXFR);
	p->options.min_ttl = (uint32_t)(config_ms(c, OPT_RFC2136_MIN_TTL) / 1000);
	p->options.prerequisites = p->axfr;
	why = open_zones(p, c);
	if (why == NULL)
		why = open_key(p, c);
	if (why == NULL)
		why = open_tls(p);
	if (why == NULL)
		why = open_strategy(p, config_text(c, OPT_RFC2136_LOAD_BALANCING_STRATEGY));
	return why;
}

static int open_provider(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	struct provider *p = MEM_NEW(struct provider);
	char *why;

	p->env = *env;
	why = open_all(p, env->config);
	if (why) {
		*ret_why = why;
		close_provider(p);
		return ERR_INVALID;
	}
	if (!p->axfr)
		log_warning(
			"provider rfc2136: without --rfc2136-axfr records that stand already are "
			"not seen, and none is deleted");
	*ret = p;
	return 0;
}

static const struct strv *zones(struct provider *p)
{
	return &p->zone_names;
}

static void adjust(struct provider *p, struct endpoint_list *desired)
{
	wire_target_adjust(desired, p->options.min_ttl);
}

static bool supports(struct provider *p, const char *record_type)
{
	uint16_t type;

	(void)p;
	return wire_target_type(record_type, &type);
}

const struct provider_ops provider_rfc2136 = { .name = "rfc2136",
					       .open = open_provider,
					       .close = close_provider,
					       .records = records,
					       .apply = apply,
					       .adjust = adjust,
					       .zones = zones,
					       .supports = supports };
