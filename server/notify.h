/*
 * notify - tell secondaries that a zone changed (RFC 1996): to each --notify
 * server, with retries and growing waits until it answers; changes that come
 * meanwhile are told together.  Control thread.
 */
#pragma once

#include <stddef.h>

struct cJSON;
struct dns_client;
struct loop;
struct notify;
struct remotes;
struct zonedb;

/* targets: borrowed.  Listens to the database's commits from now on. */
struct notify *notify_new(struct loop *loop, struct zonedb *db, struct dns_client *dns,
			  const struct remotes *targets);
/* Before the database is freed no commit may follow. */
void notify_free(struct notify *n);
/* What is under way, for the status. */
void notify_status(const struct notify *n, struct cJSON *out);
