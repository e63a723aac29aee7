/*
 * host_metrics - numbers about hosts and their Gslbs, set when they change and not at
 * the scrape: ten thousand hosts must not stop the loop.  Control thread.
 */
#pragma once

struct gslb;
struct host;
struct object;

/* Count hosts by strategy at each scrape, until G stops. */
void host_metrics_start(struct gslb *g);
void host_metrics_stop(const struct gslb *g);
/* After each decision. */
void host_metrics_resolved(const struct host *h);
/* The host answers nothing any more, or is freed.  Twice is fine. */
void host_metrics_gone(const struct host *h);
/* After the object's status was made: k8gb's numbers of its hosts. */
void host_metrics_object(const struct object *o);
/* The declaration in force goes (another comes, or none). */
void host_metrics_object_gone(const struct object *o);
