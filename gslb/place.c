#include "gslb/place.h"

#include <stdlib.h>
#include <string.h>

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
