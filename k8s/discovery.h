/*
 * discovery - which of our kinds the API server has, and in which version; asked
 * at start, when a kind turns out to be missing, and every few seconds while
 * one is missing.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"

struct api;
struct loop;
struct discovery;

/* CB whenever something may have changed.  WANTED[KIND_COUNT], borrowed. */
struct discovery *discovery_new(struct loop *loop, struct api *api, const bool *wanted,
				void (*cb)(void *ctx), void *ctx);
void discovery_free(struct discovery *d);
void discovery_start(struct discovery *d);
/* There is an answer.  Before that nothing is known to be there or missing. */
bool discovery_is_known(const struct discovery *d);
/* The version to use, "v1beta1"; NULL if the server does not have the kind. */
const char *discovery_version(const struct discovery *d, enum kind_id kind);
/* Minor version of the server, 36 for v1.36; 0 if unknown. */
unsigned discovery_minor(const struct discovery *d);
/* KIND answered 404: ask again now. */
void discovery_refresh(struct discovery *d);
