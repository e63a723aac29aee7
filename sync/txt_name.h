/*
 * txt_name - the names of ownership TXT records for the names of records, by
 * --txt-prefix, --txt-suffix and --txt-wildcard-replacement.  Pure.
 *
 *	prefix "_externaldns."    A www.example -> _externaldns.a-www.example   (typed, current)
 *	                                        -> _externaldns.www.example     (legacy, before
 *0.18) prefix "%{record_type}."  A www.example -> a.www.example
 */
#pragma once

#include <stdbool.h>

#include "lib/strv.h"

struct txt_name {
	char *prefix, *suffix; /* lower case; at most one is not empty */
	char *wildcard;        /* in place of a first label "*"; "" = as it is */
	bool has_template;     /* %{record_type} is in one of them */
};

/* Copies.  ERR_INVALID with *ret_why (caller frees) if both prefix and suffix are given. */
int txt_name_init(struct txt_name *t, const char *prefix, const char *suffix, const char *wildcard,
		  char **ret_why);
void txt_name_fini(struct txt_name *t);
#define TXT_NAME_MAX 512
/*
 * The current form, into OUT of TXT_NAME_MAX; false if it is longer than any name, OUT is then cut.
 * No allocation: it is made for every record in every pass.
 */
bool txt_name_put_typed(const struct txt_name *t, const char *dns_name, const char *record_type,
			char *out);
/* The current form.  Caller frees, as of all below. */
char *txt_name_typed(const struct txt_name *t, const char *dns_name, const char *record_type);
/* The form without the type that versions before 0.18 wrote. */
char *txt_name_legacy(const struct txt_name *t, const char *dns_name);
/*
 * A name that is surely in ZONE and not too long, for where the typed one is not: the apex with a
 * plain prefix, and long labels.  ExternalDNS reads it as belonging to a host that does not exist.
 * KIND: the lower-case record type, or another word for another use.
 */
char *txt_name_fallback(const struct txt_name *t, const char *dns_name, const char *kind,
			const char *zone);
/* Do all labels and the whole fit into the DNS (RFC 1035 2.3.4)? */
bool txt_name_fits(const char *name);
/*
 * Which records could TXT_NAME speak of?  Adds "TYPE name" for typed and "- name" for legacy
 * readings, both with wildcards replaced back, most specific first.
 */
void txt_name_readings(const struct txt_name *t, const char *txt_name, struct strv *ret);
