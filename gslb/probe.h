/*
 * probe - active health checks of addresses: one probe a (target, spec) however
 * many hosts use it; rise and fall thresholds, jitter, a first result that decides
 * quickly.  Kinds are files of their own (gslb/probe_KIND.c, one line in Makefile.inc).
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"
#include "lib/strv.h"

struct cJSON;
struct http_client;
struct loop;
struct probe;
struct probes;
struct probe_ops;

enum probe_state { PROBE_UNKNOWN, PROBE_UP, PROBE_DOWN };

/* What GslbPolicy's spec.probes[] says, with defaults filled in. */
struct probe_spec {
	const struct probe_ops *ops;
	char *name;    /* the user's, or the kind's */
	uint16_t port; /* 0 = the kind has none */
	unsigned interval_ms, timeout_ms;
	unsigned rise, fall;
	/* http, https */
	char *method, *path, *host; /* host NULL = the load-balanced host */
	struct strv headers;        /* "Name: value" */
	struct strv statuses;       /* "200-399", "404"; empty = 200-399 */
	char *body;                 /* must be in the first 5,120 octets; NULL = any */
	/* tls, https, grpc over TLS */
	char *server_name; /* SNI; NULL = the host */
	bool verify;
	/* grpc */
	char *service;
	/* dns */
	char *dns_name;
	uint16_t dns_type;
	unsigned dns_rcode;
	/* exec, file, feed */
	struct strv command;
	char *file;
	char *url, *field;
	double max; /* feed: up while the number is at most this; 0 = any number is up */
	double low,
		high;  /* feed: between them the member's share shrinks to nothing; 0 = no load */
	bool inverted; /* up is down */
	char *key;     /* all of the above as text: equal specs have equal keys */
};

/*
 * Read one entry of spec.probes.  HOST: the load-balanced host (for Host and SNI defaults).
 * ERR_INVALID with *ret_why (caller frees) naming the field; nothing is made then.
 */
int probe_spec_read(const struct cJSON *json, const char *host, struct probe_spec **ret,
		    char **ret_why);
void probe_spec_free(struct probe_spec *s);

/* --- for the room ----------------------------------------------------------------------- */

/* HTTP: for feeds; NULL = they are down. */
struct probes *probes_new(struct loop *loop, struct http_client *http);
void probes_free(struct probes *p);
/*
 * Watch TARGET (an address; port ignored) by SPEC (copied by key; borrowed only for the call).
 * CHANGED when the state turns, or probe_near_ms is another.  Probing begins at once, with at most
 * a second of spread. probe_unwatch ends it; the last one stops the probe.
 */
struct probe *probes_watch(struct probes *p, const struct netaddr *target,
			   const struct probe_spec *spec, void (*changed)(void *ctx), void *ctx);
void probe_unwatch(struct probe *pr, void *ctx);
enum probe_state probe_state(const struct probe *pr);
/* Milliseconds until it could turn at the earliest; 0 while nothing speaks against its state. */
unsigned probe_near_ms(const struct probe *pr);
/* "connection refused", "status 503, not in 200-399" …; "" when up. */
const char *probe_reason(const struct probe *pr);
/* 0..1: how far the load is between the spec's low and high; false if it has none or none yet. */
bool probe_load(const struct probe *pr, double *ret);
/* Real time of the last turn in seconds, 0 if none. */
int64_t probe_turned_s(const struct probe *pr);
/* {"target", "kind", "state", "reason", "checks", "rtt_ms"} of every probe. */
void probes_show(const struct probes *p, struct cJSON *out);

/* --- for the kinds ------------------------------------------------------------------------ */

struct probe_run; /* one check under way */

struct probe_ops {
	const char *name; /* "HTTP", as in the CRD */
	uint16_t port;    /* default port, 0 = needs one or has none */
	bool needs_port;
	/* Begin; call probe_run_done once, never before it returned. */
	void (*start)(struct probe_run *run);
	/* Stop at once and free what start made (time is up, or nobody watches); no done after it.
	 */
	void (*cancel)(struct probe_run *run);
	/* More checks of the spec; NULL = none.  A text for the user, caller frees, or NULL. */
	char *(*check)(const struct probe_spec *s);
};

struct http_client *probe_run_http(const struct probe_run *run); /* may be NULL */
/* The number that a feed gave; before probe_run_done. */
void probe_run_number(struct probe_run *run, double number);
struct loop *probe_run_loop(const struct probe_run *run);
const struct probe_spec *probe_run_spec(const struct probe_run *run);
const struct netaddr *probe_run_target(const struct probe_run *run); /* with the port */
void *probe_run_data(const struct probe_run *run);
void probe_run_set_data(struct probe_run *run, void *data);
/* GOOD, or not and why (copied). */
void probe_run_done(struct probe_run *run, bool good, const char *why);
const struct probe_ops *probe_find(const char *name); /* any case; NULL if there is none */
