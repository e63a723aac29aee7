/*
 * inside - what the files of gslb/ share: the objects, hosts and zones, and the
 * pass in which everything that is dirty becomes true at once.
 *
 *	put, remove, probe, peer, drain, timer ──► host_touch(host, cause)
 *	end of the loop's pass: gslb_pass
 *		zones in force ─► host_resolve × dirty ─► publish (one transaction)
 *		─► status, events, history ─► export ─► tell the peers
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gslb/decide.h"
#include "gslb/gslb.h"
#include "gslb/lbzone.h"
#include "gslb/strategy.h"
#include "lib/map.h"
#include "lib/netaddr.h"
#include "lib/strv.h"

struct delegation;
struct drains;
struct geo;
struct history;
struct host;
struct loop_timer;
struct names;
struct parent;
struct object;
struct peers;
struct policies;
struct policy;
struct probes;
struct watches;

/* What a peer says of one host. */
struct offer {
	bool is_known; /* it has said something, and that still counts */
	enum health health;
	struct netaddr *targets; /* healthy ones, sorted */
	size_t ntargets;
	struct netaddr *others; /* it has them too, but they are not healthy */
	size_t nothers;
	struct netaddr *up, *down; /* what its probes see */
	size_t nup, ndown;
	char *detail; /* more words, or NULL */
};

struct claim {
	struct object *object;
	const struct gslb_host_decl *decl; /* in the object's declaration in force */
};

struct host {
	struct gslb *g;
	char *name;
	uint8_t wire[DNAME_MAX];
	struct lbzone *zone;  /* NULL: outside of all */
	struct claim *claims; /* the winner first */
	size_t nclaims;
	struct offer *offers; /* by the number of the peer; use host_offer */
	size_t noffers;
	enum health local;
	struct policy *policy;   /* a reference, or NULL */
	struct watches *watches; /* NULL without a policy that needs them */
	struct decide_memory memory;
	struct decision d;
	struct strv last_good;     /* the answer when somebody was live last */
	struct strv local_targets; /* what localtargets- answers now, sorted */
	struct strv answer;        /* all addresses that some client may get, sorted */
	uint32_t ttl_s;
	bool is_resolved;
	const char *skipped; /* static words: why localtargets- cannot be; NULL */
	const char *note;    /* static words for humans, or NULL */
	int64_t changed_ms;  /* real time of the last change of the answer; 0 = never */
	bool was_primary;    /* for failover and failback */
	/* What is in the zone database: */
	bool is_published;
	uint8_t published_zone[DNAME_MAX];
	char *state_text; /* of the state zone, to see changes */
	/* The pass: */
	bool is_dirty;
	const char *cause; /* static words */
	char *cause_detail;
	uint64_t cause_ns; /* when it happened, monotonic */
	struct host *next_dirty;
	uint64_t wake_ms; /* monotonic; 0 = none */
	uint64_t hold_ms; /* until when a new host waits for the peers' first words */
};

/* A declaration and where it stands. */
struct object {
	struct gslb_decl *d;    /* as it came last */
	struct gslb_decl *good; /* the one in force: D, or the last without an error; may be NULL */
	struct host **hosts;    /* of GOOD, by index; NULL where the name is no host name */
	char *told;             /* status as text, to see changes */
	char *told_error;
	struct policy *policy; /* that came with GOOD; NULL */
	bool is_stale;         /* from the disk; its source has not told of it yet */
	bool is_dirty;
	struct object *next_dirty;
};

struct gslb {
	struct gslb_env env;
	char *own_tag;
	struct strv peer_tags; /* without ours; order of configuration */
	char *ns_prefix;
	uint32_t ns_ttl_s;
	struct strv exposed;  /* CLUSTER_EXPOSED_IPS */
	struct netaddr *edge; /* servers of the parents */
	size_t nedge;

	struct map zone_decls; /* id → struct zone_decl */
	struct map zones;      /* name → struct lbzone */
	struct map objects;    /* id → struct object */
	struct map hosts;      /* name → struct host */

	struct names *names;
	struct geo *geo;
	struct peers *peers;
	struct policies *policies;
	struct probes *probes;
	struct drains *drains;
	struct delegation *delegation;
	struct parent *parent;
	struct history *history;

	bool is_started;
	bool is_trusting; /* objects are the operator's own files (--manifests) */
	bool told_ready, told_exported;
	bool has_dependencies;   /* some policy has dependsOn */
	bool is_loading;         /* from the disk */
	size_t nstale;           /* objects that came from there */
	struct strv stale_zones; /* ids, the same */
	bool is_synced;          /* every source of declarations has been seen whole once */
	bool is_opening;         /* in the pass that opens them */
	bool is_open;            /* zones are served */
	uint64_t opened_ms;      /* when they were first */
	uint64_t open_ms;        /* when they will be, whatever the peers say; 0 = not synced yet */
	struct map sources;      /* name → (void *)1 when synced, 0 when not */
	bool zones_dirty;
	bool export_dirty;
	struct host *dirty, **dirty_end;
	struct object *dirty_objects;
	struct loop_timer *pass;
	struct loop_timer *wake; /* the next host that must be decided again */
	uint64_t wake_ms;
	struct loop_timer *geo_timer;
};

/* A cluster that was not configured showed itself in the parent zone. */
void gslb_add_peer(struct gslb *g, const char *tag);
/* The pass, now. */
void gslb_pass(struct gslb *g);
void pass_on_timer(void *gslb);
void pass_on_wake(void *gslb);
/* Run it soon. */
void gslb_soon(struct gslb *g);
/* Zones come into force now; before the start only. */
void gslb_apply_zones(struct gslb *g);
/* The zone in force that HOST (normal form) is in: the longest; NULL if none. */
struct lbzone *gslb_zone_of(const struct gslb *g, const char *host);

/* --- host.c --- */
/* CAUSE: static words, e.g. "object", "peer"; DETAIL (copied) may be NULL. */
void host_touch(struct host *h, const char *cause, const char *detail);
void host_free(struct host *h);
/* What peer number PEER offers; NULL if it never said anything. */
const struct offer *host_offer(const struct host *h, size_t peer);
/* The same to be written, made if need be. */
struct offer *host_offer_slot(struct host *h, size_t peer);
/* The host of NAME, made if need be; NULL if it is no host name. */
struct host *host_get(struct gslb *g, const char *name);
void host_claim(struct host *h, struct object *o, const struct gslb_host_decl *d);
void host_unclaim(struct host *h, const struct object *o);
/* Decide.  True if what clients get or peers are told has changed. */
void host_resolve(struct host *h, uint64_t now_ms);

/* --- object.c --- */
void object_put(struct gslb *g, struct gslb_decl *d);
void object_remove(struct gslb *g, const char *id);
void object_free(struct object *o);
void object_touch(struct gslb *g, struct object *o);
/* Tell status and events of O if they changed. */
void object_tell(struct gslb *g, struct object *o);
