/*
 * statezone - what gslbd clusters tell one another through DNS: the words in the TXT
 * records of a state zone, written and read.
 *
 *	root:  "gslbd1 e=5f0c… v=17 r=1 d=0 t=eu s=us,za"  "17 shop"  "16 a.b"
 *	       format, epoch of the process, version, ready, drains, own tag, peers that it hears;
 *	       then the hosts that changed, the last first: version and relative name
 *	host:  "Healthy 192.0.2.1 -192.0.2.2 up=192.0.2.1,198.51.100.1 down=192.0.2.2"
 *	       health of the host in that cluster, its targets (-: not healthy now), what its probes
 *	       see of everybody's
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gslb/health.h"
#include "gslb/inside.h"
#include "lib/buf.h"

#define STATEZONE_DRAINS ((const uint8_t *)"\7_drains") /* below the root: TXT, one a drain */

/* --- ours --- */
/* What we say of H.  Caller frees. */
char *statezone_host_text(const struct host *h);
/* TEXT as the RDATA of one TXT record (cut into strings of 255 octets). */
void statezone_text_rdata(const char *text, struct buf *out);
/* H's state is another now: version and list of changes. */
void statezone_note_change(struct lbzone *z, const struct host *h);
void statezone_root_rdata(const struct gslb *g, const struct lbzone *z, struct buf *out);
/* The delegated set of Z: name servers of all clusters, sorted. */
void statezone_name_servers(const struct gslb *g, const struct lbzone *z, struct strv *ret);

/* --- a peer's --- */
struct statezone_root {
	uint64_t epoch;
	uint32_t version;
	uint32_t drains; /* another when they are others; 0 = none */
	bool is_ready;
	char tag[64];
	struct strv hears; /* tags */
	/* Hosts that changed after version FLOOR, relative names; older changes are not listed. */
	struct strv changes;
	uint32_t *change_versions; /* one a change */
	uint32_t floor;
};
/* Parse the RDATA of a root.  0 or ERR_SYNTAX; then nothing is to be freed. */
int statezone_root_parse(const uint8_t *rdata, size_t len, struct statezone_root *ret);
void statezone_root_fini(struct statezone_root *r);

/* Parse the RDATA of a host into OFFER (its old content is freed).  0 or ERR_SYNTAX. */
int statezone_host_parse(const uint8_t *rdata, size_t len, struct offer *offer);
/* The same as text. */
int statezone_offer_parse(const char *text, struct offer *offer);
char *statezone_offer_text(const struct offer *o); /* caller frees */
/* The strings of one TXT record joined; caller frees. */
char *statezone_rdata_text(const uint8_t *rdata, size_t len);
bool statezone_offers_equal(const struct offer *a, const struct offer *b);
void statezone_offer_fini(struct offer *o);
