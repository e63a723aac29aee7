/*
 * geo - MaxMind databases (--geoip-db) and the fields by which clients and
 * targets are compared (--geoip-field).  A missing or corrupt file is a warning
 * and "no geography", never an exit.  Made on the control thread; look-ups by any
 * thread that holds a reference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"
#include "lib/strv.h"

struct geo;

#define GEO_DATABASES_MAX 8
#define GEO_VALUE_MAX     64

#define GEO_PARTS_MAX 8

/* A look-up path such as "country.iso_code". */
struct geo_field {
	char *path;
	char *text;                           /* the same, cut at the dots */
	const char *parts[GEO_PARTS_MAX + 1]; /* NULL-ended, into text */
};
void geo_field_init(struct geo_field *f, const char *path);
void geo_field_fini(struct geo_field *f);

/* What the databases know of one address: offsets of records, read by geo_value. */
struct geo_place {
	const struct geo *geo;
	size_t n;
	uint32_t record[GEO_DATABASES_MAX]; /* offset + 1; 0 = none */
	uint8_t scope; /* prefix length on which the databases decided (RFC 7871 7.2.1) */
};

/*
 * FILES and FIELDS are copied; no FIELDS: k8gb's "datacenter", then the country.  Files that do
 * not open are left out; words about them are added to TROUBLE.
 */
struct geo *geo_open(const struct strv *files, const struct strv *fields, struct strv *trouble);
struct geo *geo_ref(const struct geo *g);
void geo_unref(struct geo *g); /* NULL is fine */
/* The fields that were given, in order. */
const struct strv *geo_fields(const struct geo *g);
bool geo_is_empty(const struct geo *g); /* no database is open */
/* Do the files still have the identity, time and size that they had when G was opened? */
bool geo_is_stale(const struct geo *g);

void geo_look(const struct geo *g, const struct netaddr *addr, struct geo_place *ret);
/* The value of FIELD at PLACE into OUT (GEO_VALUE_MAX octets); false if there is none. */
bool geo_value(const struct geo_place *place, const struct geo_field *field, char *out);
/* Latitude and longitude in degrees ("location" of City databases); false if there are none. */
bool geo_coordinates(const struct geo_place *place, double *ret_lat, double *ret_lon);
/* Country code, continent code and AS number, "" and 0 if not known. */
void geo_facts(const struct geo_place *place, char *country, char *continent, uint32_t *ret_asn);
