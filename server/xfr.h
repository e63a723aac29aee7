/*
 * xfr - zone transfers out: AXFR (RFC 5936) and IXFR (RFC 1995) of any zone, each
 * from one version that does not change meanwhile.  Control thread.
 */
#pragma once

#include <stddef.h>

struct acl;
struct journal;
struct request;
struct xfr;
struct zonedb;

/* allow: who may; journal: the differences.  All borrowed. */
struct xfr *xfr_new(struct zonedb *db, struct journal *journal, const struct acl *allow);
/* Ends the transfers that run. */
void xfr_free(struct xfr *x);
/* Takes R, whose QTYPE is AXFR or IXFR, and answers it now or over time. */
void xfr_serve(struct xfr *x, struct request *r);
/* Transfers that run. */
size_t xfr_running(const struct xfr *x);
