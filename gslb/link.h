/*
 * link - one peer in one zone: its servers, its life, and the questions that are
 * to be put to it.  gslb/link_poll.c asks what is new, gslb/link_ask.c for hosts.
 * Control thread.
 */
#pragma once

#include "gslb/inside.h"
#include "gslb/peer_state.h"
#include "lib/map.h"

struct dns_reply;
struct dns_request;
struct peers;

#define LINK_EPOCHS 4
#define LINK_GAP_MS 2 /* between two polls that NOTIFYs asked for */

enum link_kind { LINK_UNKNOWN, LINK_GSLBD, LINK_K8GB };

struct link {
	struct gslb *g;
	struct peers *peers;
	struct lbzone *zone;
	size_t peer;     /* index of its tag */
	const char *tag; /* borrowed */
	char *ns_name;
	uint8_t state_origin[DNAME_MAX];
	bool has_state_origin;
	struct netaddr *servers; /* with ports; the one that answered last comes first */
	size_t nservers;

	struct peer_state state;
	enum link_kind kind;
	/* What its processes said last: several replicas may answer at one address. */
	struct link_epoch {
		uint64_t epoch; /* of the process; 0 = none */
		uint32_t version;
	} epochs[LINK_EPOCHS];
	unsigned next_epoch;
	struct strv hears; /* whom the peer hears */
	uint32_t drains;   /* of the drains that we know of it */
	struct dns_request *drains_request;
	unsigned rtt_ms;
	char *error;      /* of the last question, or NULL */
	uint64_t gone_ms; /* since when it is GONE; 0 */
	/* Its name is taken out of the parent's set and of our apex. */
	bool is_withdrawn;
	bool was_absent;    /* the parent was seen without it since; if it comes back, it lives */
	uint64_t spared_ms; /* until when it is not withdrawn (again) */

	struct loop_timer *timer;
	struct dns_request *poll;
	bool poll_again;
	uint64_t polled_ms;

	struct map waiting; /* names of hosts to ask for → the host is looked up again then */
	struct map running; /* name → struct ask */
	struct loop_timer *cycle; /* k8gb: ask for all again */
};

/* Ask for H, or for every host of the zone, as soon as there is room. */
void link_ask(struct link *l, const char *host);
void link_ask_all(struct link *l);
void link_asks_fini(struct link *l);
/* Everything that the peer offered in the zone does not count any more. */
void link_drop_offers(struct link *l);
/* Milliseconds to wait for an answer. */
unsigned link_timeout_ms(const struct link *l);
/* An answer of any use came from SERVER; or none did. */
void link_heard(struct link *l, const struct dns_reply *r);
void link_missed(struct link *l, const struct dns_reply *r);

struct peer {
	struct netaddr *fixed; /* --peer */
	size_t nfixed;
};

struct peers {
	struct gslb *g;
	struct peer *peer; /* by the index of its tag */
	struct link **links;
	size_t nlinks;
	uint64_t epoch;
	uint64_t interval_ms, grace_ms, requeue_ms;
	bool is_started;
};

struct link *link_new(struct peers *p, size_t peer, struct lbzone *z);
void link_free(struct link *l);
/* Its servers' addresses as they are known now; the one that answered last stays first. */
void link_find_servers(struct link *l);
/* Take its name server out of the delegation, or back in. */
void link_set_withdrawn(struct link *l, bool withdrawn);
/* Hear everything anew. */
void link_forget_epochs(struct link *l);
/* Timers: poll; k8gb's cycle. */
void link_on_timer(void *link);
void link_on_cycle(void *link);
