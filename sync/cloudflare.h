/*
 * cloudflare - what the files of the Cloudflare provider share: the zones and
 * the view of their records by id.  Private to provider_cloudflare.c,
 * cloudflare_apply.c and cloudflare_host.c.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/map.h"
#include "lib/strv.h"
#include "sync/cloudflare_record.h"
#include "sync/http_api.h"
#include "sync/provider.h"

/* All records of one (name, type). */
struct cloudflare_set {
	struct cloudflare_record *records;
	size_t n;
};

struct cloudflare_zone {
	char *id, *name;
	bool is_free;       /* the plan without a price: batches of 200, TTL at least 60 */
	bool is_enterprise; /* TTL at least 30 */
	struct map sets;    /* "name type" -> struct cloudflare_set */
	struct map custom;  /* custom hostname -> struct cloudflare_custom */
	struct map regions; /* regional hostname -> its region key */
};

/* A customer's name that Cloudflare for SaaS leads to ORIGIN, a name of the zone. */
struct cloudflare_custom {
	char *id, *origin;
};

struct provider {
	struct provider_env env;
	struct reading *reading; /* that is on its way; NULL = none */
	struct http_api *api;
	struct cloudflare_zone **zones;
	size_t nzones;
	struct strv origins;
	bool no_batch; /* the service has no batch call (404): one by one */
};

/* The zone with the longest name that DNS_NAME is in, or NULL. */
struct cloudflare_zone *cloudflare_zone_of(struct provider *p, const char *dns_name);
/* The records of (NAME, TYPE); CREATE makes an empty set. */
struct cloudflare_set *cloudflare_set_of(struct cloudflare_zone *z, const char *name,
					 const char *type, bool create);
/* Takes R into the view (replacing the one with the same id). */
void cloudflare_view_put(struct cloudflare_zone *z, struct cloudflare_record *r);
void cloudflare_view_drop(struct cloudflare_zone *z, const char *id);
/* Are custom hostnames, regional hostnames managed?  By the flags. */
bool cloudflare_host_custom_is_on(const struct config *c);
bool cloudflare_host_regional_is_on(const struct config *c);
/*
 * Read the custom and regional hostnames of Z, if they are managed; then DONE, with an error text
 * (borrowed) or NULL.
 */
void cloudflare_host_read(struct provider *p, struct cloudflare_zone *z,
			  void (*done)(void *ctx, int err, const char *text), void *ctx);
/* Say on E, a record that stands in Z, which hostnames lead to it and where it is served. */
void cloudflare_host_note(const struct cloudflare_zone *z, struct endpoint *e);
/* Bring the wishes of E for hostnames into the form that cloudflare_host_note gives. */
void cloudflare_host_adjust(const struct config *c, struct endpoint *e);
/* After LIST landed in Z: bring its hostnames in line; then DONE as above. */
void cloudflare_host_write(struct provider *p, struct cloudflare_zone *z,
			   struct change *const *list, size_t n,
			   void (*done)(void *ctx, int err, const char *text), void *ctx);
void cloudflare_host_clear(struct cloudflare_zone *z);
/* The service's words for an error, "code: message"; caller frees. */
char *cloudflare_error_text(const struct http_api_result *r);
/* provider_ops.apply */
void cloudflare_apply(struct provider *p, struct change *changes, size_t n,
		      void (*done)(void *ctx, int err, const char *err_text), void *ctx);
