#include "gslb/place.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gslb/netmap.h"
#include "lib/mem.h"

struct by_field {
	struct classifier base;
	struct geo *geo;
	struct geo_field *fields;
	size_t nfields;
	struct place_row *rows;
	size_t nrows;
};

static unsigned field_classify(const struct classifier *c, const struct netaddr *client,
			       uint8_t *ret_scope)
{
	const struct by_field *b = (const struct by_field *)c;
	struct geo_place place;
	char value[GEO_VALUE_MAX];
	size_t have = SIZE_MAX; /* the field that VALUE is of */
	bool found = false;

	geo_look(b->geo, client, &place);
	if (place.scope > *ret_scope)
		*ret_scope = place.scope;
	for (size_t i = 0; i < b->nrows; i++) {
		const struct place_row *r = &b->rows[i];

		if (r->field != have) {
			have = r->field;
			found = geo_value(&place, &b->fields[have], value);
		}
		if (found && strcmp(value, r->value) == 0)
			return r->class;
	}
	return 0;
}

static bool field_equal(const struct classifier *a, const struct classifier *b)
{
	const struct by_field *x = (const struct by_field *)a, *y = (const struct by_field *)b;

	if (x->geo != y->geo || x->nfields != y->nfields || x->nrows != y->nrows)
		return false;
	for (size_t i = 0; i < x->nfields; i++)
		if (strcmp(x->fields[i].path, y->fields[i].path) != 0)
			return false;
	for (size_t i = 0; i < x->nrows; i++)
		if (x->rows[i].field != y->rows[i].field || x->rows[i].class != y->rows[i].class ||
		    strcmp(x->rows[i].value, y->rows[i].value) != 0)
			return false;
	return true;
}

static void field_free(struct classifier *c)
{
	struct by_field *b = (struct by_field *)c;

	for (size_t i = 0; i < b->nrows; i++)
		free(b->rows[i].value);
	for (size_t i = 0; i < b->nfields; i++)
		geo_field_fini(&b->fields[i]);
	free(b->rows);
	free(b->fields);
	geo_unref(b->geo);
	free(b);
}

struct classifier *place_by_field(const struct geo *geo, const struct strv *fields,
				  struct place_row *rows, size_t n)
{
	struct by_field *b = MEM_NEW(struct by_field);

	b->base = (struct classifier){ field_classify, field_equal, field_free };
	b->geo = geo_ref(geo);
	b->fields = mem_calloc(fields->n, sizeof(*b->fields));
	b->nfields = fields->n;
	for (size_t i = 0; i < fields->n; i++)
		geo_field_init(&b->fields[i], fields->s[i]);
	b->rows = rows;
	b->nrows = n;
	return &b->base;
}

/* --- by map ----------------------------------------------------------------------------- */

struct by_map {
	struct classifier base;
	struct netmap *map;
	struct geo *geo;
	unsigned none;
	size_t n;
	unsigned classes[]; /* by number of mask */
};

static unsigned map_classify(const struct classifier *c, const struct netaddr *client,
			     uint8_t *ret_scope)
{
	const struct by_map *b = (const struct by_map *)c;
	uint16_t masks[NETMAP_LEVELS];
	size_t n = netmap_find(b->map, b->geo, client, masks, ret_scope);

	for (size_t i = 0; i < n; i++)
		if (b->classes[masks[i]] != PLACE_NOBODY)
			return b->classes[masks[i]];
	return n ? b->none : 0;
}

static bool map_equal(const struct classifier *a, const struct classifier *b)
{
	const struct by_map *x = (const struct by_map *)a, *y = (const struct by_map *)b;

	return x->map == y->map && x->geo == y->geo && x->none == y->none &&
	       memcmp(x->classes, y->classes, x->n * sizeof(x->classes[0])) == 0;
}

static void map_free(struct classifier *c)
{
	struct by_map *b = (struct by_map *)c;

	netmap_unref(b->map);
	geo_unref(b->geo);
	free(b);
}

struct classifier *place_by_map(const struct netmap *map, const struct geo *geo,
				const unsigned *classes, unsigned none)
{
	size_t n = netmap_masks(map);
	struct by_map *b = mem_zalloc(sizeof(*b) + n * sizeof(b->classes[0]));

	b->base = (struct classifier){ map_classify, map_equal, map_free };
	b->map = netmap_ref(map);
	b->geo = geo_ref(geo);
	b->none = none;
	b->n = n;
	for (size_t i = 0; i < n; i++)
		b->classes[i] = classes[i];
	return &b->base;
}

/* --- by distance -------------------------------------------------------------------------- */

/* A point of the unit sphere: the nearer two are, the greater is their dot product. */
struct point {
	double x, y, z;
	unsigned class;
};

struct by_distance {
	struct classifier base;
	struct geo *geo;
	bool fence;
	unsigned none;
	size_t n;
	struct point points[];
};

static struct point point_of(double latitude, double longitude, unsigned class)
{
	double lat = latitude * M_PI / 180, lon = longitude * M_PI / 180;

	return (struct point){ cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat), class };
}

static unsigned distance_classify(const struct classifier *c, const struct netaddr *client,
				  uint8_t *ret_scope)
{
	const struct by_distance *b = (const struct by_distance *)c;
	struct geo_place place;
	double lat, lon, best = -2;
	unsigned class = PLACE_NOBODY;

	geo_look(b->geo, client, &place);
	if (place.scope > *ret_scope)
		*ret_scope = place.scope;
	if (!geo_coordinates(&place, &lat, &lon))
		return 0;
	struct point here = point_of(lat, lon, 0);
	for (size_t i = 0; i < b->n; i++) {
		const struct point *p = &b->points[i];
		double near = here.x * p->x + here.y * p->y + here.z * p->z;

		if (near > best && (b->fence || p->class != PLACE_NOBODY)) {
			best = near;
			class = p->class;
		}
	}
	return class != PLACE_NOBODY ? class : b->none;
}

static bool distance_equal(const struct classifier *a, const struct classifier *b)
{
	const struct by_distance *x = (const struct by_distance *)a,
				 *y = (const struct by_distance *)b;

	if (x->geo != y->geo || x->fence != y->fence || x->none != y->none || x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (x->points[i].class != y->points[i].class ||
		    fabs(x->points[i].x - y->points[i].x) > 1e-12 ||
		    fabs(x->points[i].y - y->points[i].y) > 1e-12 ||
		    fabs(x->points[i].z - y->points[i].z) > 1e-12)
			return false;
	return true;
}

static void distance_free(struct classifier *c)
{
	struct by_distance *b = (struct by_distance *)c;

	geo_unref(b->geo);
	free(b);
}

struct classifier *place_by_distance(const struct geo *geo, const struct place_site *sites,
				     size_t n, bool fence, unsigned none)
{
	struct by_distance *b = mem_zalloc(sizeof(*b) + n * sizeof(b->points[0]));

	b->base = (struct classifier){ distance_classify, distance_equal, distance_free };
	b->geo = geo_ref(geo);
	b->fence = fence;
	b->none = none;
	b->n = n;
	for (size_t i = 0; i < n; i++)
		b->points[i] = point_of(sites[i].latitude, sites[i].longitude, sites[i].class);
	return &b->base;
}
