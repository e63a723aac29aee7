/*
 * state - what gslbd clusters tell one another through DNS: the words in the TXT
 * records of a state zone, written and read.
 *
 *	root:  "gslbd1 e=5f0c… v=17 r=1 t=eu s=us,za"  "17 shop"  "16 a.b"
 *	       format, epoch of the process, version, ready, own tag, peers that it hears;
 *	       then the hosts that changed, the last first: version and relative name
 *	host:  "Healthy 192.0.2.1 2001:db8::1"
 *	       health of the host in that cluster, its healthy targets
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

/* --- ours --- */
/* What we say of H.  Caller frees. */
char *state_host_text(const struct host *h);
/* TEXT as the RDATA of one TXT record (cut into strings of 255 octets). */
void state_text_rdata(const char *text, struct buf *out);
/* H's state is another now: version and list of changes. */
void state_note_change(struct lbzone *z, const struct host *h);
void state_root_rdata(const struct gslb *g, const struct lbzone *z, struct buf *out);
/* The delegated set of Z: name servers of all clusters, sorted. */
void state_name_servers(const struct gslb *g, const struct lbzone *z, struct strv *ret);

/* --- a peer's --- */
struct state_root {
	uint64_t epoch;
	uint32_t version;
	bool is_ready;
	char tag[64];
	struct strv hears; /* tags */
	/* Hosts that changed after version FLOOR, relative names; older changes are not listed. */
	struct strv changes;
	uint32_t *change_versions; /* one a change */
	uint32_t floor;
};
/* Parse the RDATA of a root.  0 or ERR_SYNTAX; then nothing is to be freed. */
int state_root_parse(const uint8_t *rdata, size_t len, struct state_root *ret);
void state_root_fini(struct state_root *r);

/* Parse the RDATA of a host into OFFER (its old content is freed).  0 or ERR_SYNTAX. */
int state_host_parse(const uint8_t *rdata, size_t len, struct offer *offer);
