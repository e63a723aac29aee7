#include "sync/view.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* Labels that the view keeps on a claim to find its place in the index again. */
#define LABEL_CLAIM " claim"

static void row_free(void *p)
{
	struct view_row *r = p;

	for (size_t i = 0; i < r->n; i++)
		endpoint_free(r->e[i]);
	free(r->e);
	free(r);
}

static void claims_free(void *p)
{
	struct view_row *r = p;

	free(r->e); /* borrowed records */
	free(r);
}

void view_fini(struct view *v)
{
	map_fini(&v->claims, claims_free);
	map_fini(&v->rows, row_free);
	*v = (struct view){ 0 };
}

static void row_add(struct view_row *r, struct endpoint *e)
{
	r->e = mem_array(r->e, r->n + 1, sizeof(*r->e));
	r->e[r->n++] = e;
}

static struct view_row *row_get(struct map *m, const char *key)
{
	struct view_row *r = map_get(m, key);

	if (r == NULL) {
		r = MEM_NEW(struct view_row);
		(void)map_put(m, key, r); /* was not there */
	}
	return r;
}

static void row_drop(struct view_row *r, size_t i)
{
	r->n--;
	memmove(&r->e[i], &r->e[i + 1], (r->n - i) * sizeof(*r->e));
}

/* E leaves the view: it must not stay in the index of claims. */
static void unclaim(struct view *v, const struct endpoint *e)
{
	const char *key = endpoint_label(e, LABEL_CLAIM);
	struct view_row *r = key ? map_get(&v->claims, key) : NULL;

	for (size_t i = 0; r && i < r->n; i++) {
		if (r->e[i] == e) {
			row_drop(r, i);
			break;
		}
	}
	if (r && r->n == 0)
		claims_free(map_remove(&v->claims, key));
}

void view_put(struct view *v, struct endpoint *e)
{
	struct view_row *r = row_get(&v->rows, e->dns_name);

	for (size_t i = 0; i < r->n; i++) {
		if (endpoint_compare_key(r->e[i], e) == 0) {
			unclaim(v, r->e[i]);
			endpoint_free(r->e[i]);
			r->e[i] = e;
			return;
		}
	}
	row_add(r, e);
	v->n++;
}

void view_remove(struct view *v, const char *name, const char *type, const char *set_identifier)
{
	struct view_row *r = map_get(&v->rows, name);

	for (size_t i = 0; r && i < r->n; i++) {
		struct endpoint *e = r->e[i];

		if (strcmp(e->record_type, type) != 0 ||
		    strcmp(e->set_identifier, set_identifier) != 0)
			continue;
		unclaim(v, e);
		row_drop(r, i);
		v->n--;
		if (r->n == 0)
			row_free(map_remove(&v->rows, name)); /* NAME may be E's own */
		endpoint_free(e);
		return;
	}
}

const struct view_row *view_row(const struct view *v, const char *name)
{
	return map_get(&v->rows, name);
}

struct endpoint *view_find(const struct view *v, const char *name, const char *type,
			   const char *set_identifier)
{
	const struct view_row *r = map_get(&v->rows, name);

	for (size_t i = 0; r && i < r->n; i++)
		if (strcmp(r->e[i]->record_type, type) == 0 &&
		    strcmp(r->e[i]->set_identifier, set_identifier) == 0)
			return r->e[i];
	return NULL;
}

void view_copy(const struct view *v, struct endpoint_list *out)
{
	for (struct map_item *it = map_first(&v->rows); it; it = map_next(&v->rows, it)) {
		const struct view_row *row = it->value;

		for (size_t i = 0; i < row->n; i++)
			endpoint_list_take(out, endpoint_copy(row->e[i]));
	}
}

const struct view_row *view_claims(const struct view *v, const char *name, const char *type)
{
	if (v->claims.n == 0)
		return NULL;
	char *key = mem_printf("%s %s", name, type);
	const struct view_row *r = map_get(&v->claims, key);
	free(key);
	return r;
}

void view_claim(struct view *v, const char *name, const char *type, struct endpoint *e)
{
	char *key = mem_printf("%s %s", name, type);
	struct view_row *r = row_get(&v->claims, key);

	endpoint_set_label(e, LABEL_CLAIM, key);
	row_add(r, e);
	free(key);
}
