/*
 * go_template - Go's text/template over a Kubernetes object: what --fqdn-template,
 * --target-template and --fqdn-target-template are written in.
 *
 *	text ─parse─► tree (once, at start) ─run(object)─► text
 *
 * The whole language but "call", "html", "js" and "urlquery"; the functions are Go's own
 * and ExternalDNS's (contains, trimPrefix, trimSuffix, trim, toLower, replace, isIPv4,
 * isIPv6, isSource, hasKey, fromJson).  Go's field names (.Spec.ClusterIP) find JSON's
 * (spec.clusterIP) without regard to case; a field that the object does not have is its zero
 * value, a missing key of a map (labels, annotations) is "<no value>", as in Go.
 * Control thread; a parsed template is immutable.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

struct buf;
struct go_template;

struct go_template_data {
	const cJSON *object;
	bool raw; /* the unstructured source: below .Spec and .Status everything is a map */
	const char *source; /* for isSource; NULL = none */
};

/* 0, or ERR_SYNTAX with *ret_why ("line 1, column 8: …", caller frees). */
int go_template_parse(const char *text, struct go_template **ret, char **ret_why);
void go_template_free(struct go_template *t);
/* Adds the text to OUT.  0, or ERR_INVALID with *ret_why (caller frees); OUT may hold a part then.
 */
int go_template_run(const struct go_template *t, const struct go_template_data *data,
		    struct buf *out, char **ret_why);
