/*
 * peers - the other clusters: where their name servers are, whether they are
 * there, and what they offer for each host.  DNS is the protocol.
 *
 *	peer × zone = link ── poll ──► <tag>._gslbd.<zone> TXT
 *	   gslbd answers: version and changed hosts ──► ask for those hosts
 *	   NXDOMAIN: k8gb ──► ask localtargets-<host> A, AAAA in cycles
 *	NOTIFY from a peer: poll now
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gslb/peer_state.h"
#include "lib/netaddr.h"
#include "lib/strv.h"

struct cJSON;
struct gslb;
struct host;
struct lbzone;
struct peers;

/* 0, or ERR_INVALID with *ret_why (caller frees): --peer.  May add to g->peer_tags. */
int peers_new(struct gslb *g, struct peers **ret, char **ret_why);
void peers_free(struct peers *p);
void peers_start(struct peers *p);
/* One more peer; false if it is known, or we are it.  Then peers_zones_changed. */
bool peers_add(struct peers *p, const char *tag);
/* The zones in force are others: links come and go. */
void peers_zones_changed(struct peers *p);
/* What peer number I offered in Z was read from the disk: it counts for the grace. */
void peers_remembered(struct peers *p, size_t i, const struct lbzone *z);
/* H is new, or in another zone: ask every peer about it. */
void peers_watch(struct peers *p, struct host *h);
/* The addresses of the name server NAME became others. */
void peers_name_changed(struct peers *p, const char *name);
/*
 * Is the first word of some peer about H still to come?  Then it is too early to answer: the
 * primary may be there.  Peers that do not answer are not waited for.
 */
bool peers_awaits(const struct peers *p, const struct host *h);
/* Peers that have not been heard yet are asked now: what they said while we got ready is old. */
void peers_hear_again(struct peers *p);
/* Is there a peer of which it is not yet known whether it is there, or what it offers? */
bool peers_are_unsettled(const struct peers *p);
/* After a pass: zones whose state changed are told to the peers. */
void peers_nudge(struct peers *p);
/* A NOTIFY for ZONE (wire) came.  True: it is the state zone of a peer, which is asked now. */
bool peers_notified(struct peers *p, const uint8_t *zone);

uint64_t peers_epoch(const struct peers *p);
/* Tags of the peers that we hear in Z, in order of configuration; added to RET. */
void peers_heard(const struct peers *p, const struct lbzone *z, struct strv *ret);
/* Does peer number I answer in Z now? */
bool peers_is_up(const struct peers *p, size_t i, const struct lbzone *z);
/*
 * The parent has the name servers NAMES for Z.  A name that we took out and that came back was put
 * there by its cluster, which lives but is cut off from us: it is let be.
 */
void peers_at_parent(struct peers *p, const struct lbzone *z, const struct strv *names);
/* Has peer number I been gone from Z for so long that its name server leaves the delegation? */
bool peers_is_withdrawn(const struct peers *p, size_t i, const struct lbzone *z);
/* Addresses of the peer's name server for Z as last known; added to RET as text. */
void peers_addresses(const struct peers *p, size_t i, const struct lbzone *z, struct strv *ret);
/* {tag: {addresses, state, last_seen_ms_ago, rtt_ms, error, kind}} */
void peers_explain(const struct peers *p, struct cJSON *out);
