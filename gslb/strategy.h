/*
 * strategy - how the clusters of a host become its answer.  One file each
 * (gslb/strategy_NAME.c) and one line in gslb/Makefile.inc.
 *
 *	sites (clusters, static members) and their members (addresses)
 *	   │ drain, health              gslb/decide.c: who is live
 *	   │ strategy: tier, weight     here
 *	   │ tier                       gslb/decide.c: the best fit tier answers
 *	   ▼ geography, weight, count   gslb/compile.c: variants and a selector
 *
 * Every stage leaves its reason on what it takes out.  Pure, control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gslb/health.h"
#include "lib/gslb_decl.h"
#include "lib/netaddr.h"

struct policy;

enum site_source { SITE_LOCAL, SITE_PEER, SITE_STATIC };

#define SITE_NO_WEIGHT ((unsigned)-1)
#define SITE_TIERS_MAX 17 /* 16 of a policy and the rest */

/* A cluster or a StaticMember: its addresses share tier and weight. */
struct site {
	char *geo_tag;
	char *name; /* of a StaticMember "ns/name"; NULL for clusters */
	enum site_source source;
	bool is_known;      /* local, static, or a peer that we heard within its grace */
	enum health health; /* as the site itself says; a known peer without targets is Unhealthy */
	const char *state;  /* why it is not live: static word; NULL if it is */
	char *detail;       /* more words, or NULL */
	unsigned weight;    /* share of the answers; SITE_NO_WEIGHT: none given */
	double ramp;        /* 0..1: slow start; 1 = all of its weight */
	unsigned tier;      /* 0 answers first */
	unsigned ttl_s;     /* of the name that its addresses came from; 0 = none */
	size_t first, n;    /* members */
};

/* One address of a site. */
struct member {
	struct netaddr addr;  /* no port */
	struct netaddr probe; /* to be probed in its place; family 0 = none */
	size_t site;
	bool is_drained;
	bool is_live;       /* passed drain and health */
	bool is_answered;   /* some client may get it */
	const char *reason; /* static word of the last stage that decided */
	char *detail;       /* more words, or NULL; owned by the decision */
};

/* What decided about a host, in the order of the stages. */
struct decision {
	/* In: */
	const struct gslb_decl *decl; /* borrowed */
	const struct policy *policy;  /* borrowed; NULL = none */
	struct site *sites;           /* own first, peers in order of their tags, static members */
	size_t nsites;
	struct member *members; /* by site, then address */
	size_t nmembers;
	/* Out of the strategy: */
	bool by_weight;     /* one site answers at a time, by weight */
	bool by_field;      /* geography: the client's field in the database against the targets' */
	bool ordered;       /* tiers matter: failover and failback are told */
	const char *reason; /* static word for the host: "RoundRobin", "Primary", "AllDown" … */
	char *message;      /* a sentence, or NULL; owned */
	/* Out of the stages: */
	unsigned tier;    /* the one that answers; SITE_TIERS_MAX = none */
	bool is_all_down; /* nobody is live */
};

struct strategy_ops {
	const char *name; /* as in spec.strategy.type */
	/* Set every site's tier and weight, and the decision's "out of the strategy". */
	void (*decide)(struct decision *d);
};

/* By name, or NULL. */
const struct strategy_ops *strategy_find(const char *name);
/* "roundRobin, failover, geoip": for error texts.  Caller frees. */
char *strategy_names(void);
/* The weight that DECL gives to TAG (any case), or SITE_NO_WEIGHT. */
unsigned strategy_weight(const struct gslb_decl *decl, const char *tag);
