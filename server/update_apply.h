/*
 * update_apply - the rules of RFC 2136 3.2 and 3.4 over one zone.  For update.c.
 * Pure but for the transaction.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct dns_msg;
struct txn;
struct zone;

struct update_change {
	const uint8_t *owner; /* in the message */
	uint16_t type;
};

/* The RRsets that an update touched, each once or more. */
struct update_changes {
	struct update_change *list;
	size_t n;
};
void update_changes_fini(struct update_changes *c);

/* 3.2: 0 or FORMERR, NOTZONE, NXDOMAIN, YXDOMAIN, NXRRSET, YXRRSET. */
unsigned update_check_prerequisites(const struct zone *z, const struct dns_msg *m);
/* 3.4.1: 0 or FORMERR, NOTZONE. */
unsigned update_prescan(const struct zone *z, const struct dns_msg *m);
/*
 * 3.4.2: all of M's update section into T (zone ORIGIN), which must be as the prerequisites
 * were checked.  0 or SERVFAIL: abort T then.
 */
unsigned update_apply(struct txn *t, const uint8_t *origin, const struct dns_msg *m,
		      struct update_changes *changes);
