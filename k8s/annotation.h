/*
 * annotation - ExternalDNS's annotations of an object, under both prefixes.
 *
 * The rows are in annotations.def.  The prefix of --annotation-prefix comes first; when that is one
 * of ExternalDNS's two, the other is read as well, so that objects written for any version count.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "k8s/object.h"
#include "lib/strv.h"

struct endpoint;

#define ANNOTATION_PREFIX_NEW "external-dns.kubernetes.io/"
#define ANNOTATION_PREFIX_OLD "external-dns.alpha.kubernetes.io/"

enum annotation {
#define ANNOTATION(id, suffix, where, what) ANNOTATION_##id,
#define PROPERTY(suffix, property, kind)
#include "k8s/annotations.def"
#undef ANNOTATION
#undef PROPERTY
	ANNOTATION_COUNT,
};

/* The prefixes in force, by rank. */
struct annotation_prefixes {
	const char *first;
	const char *second;   /* NULL if only one is read */
	const char *property; /* that of properties which keep their key (Cloudflare's) */
};

/* PREFIX is borrowed.  ERR_INVALID with *ret_why if it is empty or does not end in '/'. */
int annotation_prefixes_init(struct annotation_prefixes *p, const char *prefix, bool both,
			     char **ret_why);

/* The value, or NULL. */
const char *annotation_get(const struct annotation_prefixes *p, const struct object *o,
			   enum annotation id);
/*
 * The value of annotation KEY as selectors and templates see it: an annotation under the second
 * prefix also stands under the first, unless one is there.
 */
const char *annotation_lookup(const struct annotation_prefixes *p, const struct object *o,
			      const char *key);
/* Comma list without blanks; also empty parts, as ExternalDNS splits.  Adds to V. */
void annotation_split(const char *text, struct strv *v);
/* The names of HOSTNAME or INTERNAL_HOSTNAME. */
void annotation_names(const struct annotation_prefixes *p, const struct object *o,
		      enum annotation id, struct strv *v);
/* The targets of TARGET, each without one final dot.  Adds nothing if there is none. */
void annotation_targets(const struct annotation_prefixes *p, const struct object *o,
			struct strv *v);
/* Seconds 1 … 2147483647; 0 if there is none.  *ret_bad = the text that is no TTL, or NULL. */
int64_t annotation_ttl(const struct annotation_prefixes *p, const struct object *o,
		       const char **ret_bad);
/* Seconds of "600" or a Go duration ("1m30s"); ERR_SYNTAX if it is neither. */
int annotation_parse_ttl(const char *text, int64_t *ret);
/* Its provider-specific properties, alias and record-type included, sorted by name; and
 * set_identifier. */
void annotation_properties(const struct annotation_prefixes *p, const struct object *o,
			   struct endpoint *e);
/* The controller annotation is not there or names us. */
bool annotation_is_ours(const struct annotation_prefixes *p, const struct object *o);
