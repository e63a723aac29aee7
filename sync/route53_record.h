/*
 * route53_record - Route 53's ResourceRecordSet as an endpoint and back (API
 * 2013-04-01).  Pure.
 */
#pragma once

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/endpoint.h"

struct xml;

#define ROUTE53_DEFAULT_TTL 300

/* NULL if the set has no name, no type, or nothing that an endpoint can hold.  Caller frees. */
struct endpoint *route53_record_read(const struct xml *set);
/* The set exactly as Route 53 has it, as <ResourceRecordSet>…: what a DELETE must repeat. */
char *route53_record_copy(const struct xml *set);
/*
 * Append <ResourceRecordSet> for E.  ZONE_ID: the hosted zone it goes to (alias targets in the same
 * zone).  False if a target or property does not fit.
 */
bool route53_record_write(const struct endpoint *e, const char *zone_id, struct buf *out);
/* "\052.example.com." -> "*.example.com": octal escapes undone, lower case, no final dot.  Caller
 * frees. */
char *route53_name(const char *text);
/*
 * Bring a wish into the form that Route 53 gives back: TXT quoted; a weight that is no number is 0,
 * a multi-value answer is "true", a continent excludes a country.
 */
void route53_record_adjust(struct endpoint *e);
