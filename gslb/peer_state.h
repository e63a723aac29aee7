/*
 * peer_state - is a peer cluster there?  The life of one link to it, as a pure
 * machine: no I/O, no clock of its own.
 *
 *	NEW ──heard──► UP ──2 misses──► SILENT ──nobody heard it for the grace──► GONE
 *	                ▲────heard────────┘  └── somebody did: stays             │
 *	                └──────────────────────────heard───────────────────────┘
 *
 * What a peer offered counts in UP and SILENT; a single lost packet changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PEER_MISSES 2 /* unanswered questions in a row that make it silent */

enum peer_life { PEER_NEW, PEER_UP, PEER_SILENT, PEER_GONE };

struct peer_state {
	enum peer_life life;
	unsigned misses;   /* in a row */
	uint64_t heard_ms; /* last answer; 0 = never */
	uint64_t kept_ms;  /* when another cluster said last that it hears the peer; 0 = never */
};

/* "new", "up", "silent", "gone". */
const char *peer_life_text(enum peer_life l);
/* An answer came.  True: life is another now. */
bool peer_state_heard(struct peer_state *s, uint64_t now_ms);
/*
 * A question went unanswered on every address.  kept: another cluster that we hear says that it
 * hears the peer.  True: life is another now.
 */
bool peer_state_missed(struct peer_state *s, uint64_t now_ms, uint64_t grace_ms, bool kept);
/* Does what the peer offered still count? */
static inline bool peer_state_counts(const struct peer_state *s)
{
	return s->life == PEER_UP || s->life == PEER_SILENT;
}
