/*
 * hetzner_label - labels of Hetzner's record sets as properties of endpoints:
 * "webhook/hetzner-label-KEY", the name that the annotation
 * webhook-hetzner-label-KEY of Hetzner's webhook gives.  Pure.  Any thread.
 */
#pragma once

#include <stdbool.h>

struct cJSON;
struct endpoint;

bool hetzner_label_is(const char *property);
/* The labels of RRSET, a set as the API shows it, become properties of E. */
void hetzner_label_read(const struct cJSON *rrset, struct endpoint *e);
/* The wish of E as an object; NULL if it names none.  Caller deletes. */
struct cJSON *hetzner_label_json(const struct endpoint *e);
/* Does AFTER wish other labels than BEFORE (NULL = none) has? */
bool hetzner_label_differ(const struct endpoint *before, const struct endpoint *after);
/* A wish without labels takes those of STANDING: what was written by hand stays. */
void hetzner_label_keep(const struct endpoint *standing, struct endpoint *wish);
