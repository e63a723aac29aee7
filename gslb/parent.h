/*
 * parent - what the parent zone really says about our zones: asked of the edge DNS
 * after a change and now and then, compared with what it should say, told as metric,
 * event and to gslbctl check-delegation.  Finds clusters that were not configured
 * (k8gb's dynamic geo tags).  Control thread.
 */
#pragma once

struct cJSON;
struct gslb;
struct parent;

struct parent *parent_new(struct gslb *g);
void parent_free(struct parent *p);
/* The delegation was given out anew: look after a moment, and again until it is there. */
void parent_changed(struct parent *p);
/* {zone: {parent, expected, found, own_addresses, found_addresses, ok, error, checked_ms_ago}} */
void parent_explain(const struct parent *p, struct cJSON *out);
