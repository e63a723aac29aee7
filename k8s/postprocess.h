/*
 * postprocess - between the sources and the sink: unites the targets that several objects of one
 * source give a name, sends each endpoint through endpoint_chain, and makes PTR records of all.
 *
 *	put(source, object, endpoints) ─► groups ─► chain ─► sink (what changed, at flush)
 *
 * Endpoints of a source with equal name, type, set identifier and TTL are one record; it goes out
 * under the object whose resource label is first, so that ownership does not wander.  CNAMEs stay
 *apart (RFC 1034 3.6.2: a name has one), and the plan chooses.  Control thread.
 */
#pragma once

struct config;
struct endpoint_list;
struct endpoint_sink;
struct postprocess;

/* SINK is borrowed.  0, or ERR_INVALID with *ret_why naming the flag (caller frees). */
int postprocess_new(const struct config *config, const struct endpoint_sink *sink,
		    struct postprocess **ret, char **ret_why);
void postprocess_free(struct postprocess *p);
/*
 * All that OBJECT now gives through SOURCE, in place of what it gave before; takes the endpoints.
 * NULL: the object itself is gone.
 */
void postprocess_put(struct postprocess *p, const char *source, const char *object,
		     struct endpoint_list *endpoints);
/* Tell the sink what changed since the last flush. */
void postprocess_flush(struct postprocess *p);
