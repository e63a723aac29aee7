#include "server/catalog_members.h"

#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "zonedb/rrset.h"
#include "zonedb/zonedb.h"

struct reading {
	const struct zone *z;
	struct catalog_members *m;
	size_t cap;
	const char *why;
};

/* Is OWNER "<unique>.zones.<catalog>"? */
static bool is_member(const struct zone *z, const uint8_t *owner)
{
	static const uint8_t zones[] = { 5, 'z', 'o', 'n', 'e', 's', 0 };
	uint8_t base[DNAME_MAX];
	const uint8_t *parent = dname_parent(owner, 1);

	return parent && dname_join(zones, zone_origin(z), base) == 0 && dname_equal(parent, base);
}

static char *first_label(const uint8_t *owner)
{
	uint8_t label[65];

	memcpy(label, owner, (size_t)*owner + 1);
	label[*owner + 1] = 0;
	(void)dname_lower(label, label); /* its length is not needed */
	return dname_text(label);
}

static bool read_rrset(void *ctx, const uint8_t *owner, const struct rrset *s)
{
	struct reading *r = ctx;
	const uint8_t *target;
	size_t pos = 0;
	uint16_t len;

	if (s->type != RRTYPE_PTR || !is_member(r->z, owner))
		return true; /* properties that we do not know are ignored */
	if (rrset_count(s) != 1) {
		r->why = "a member has more than one PTR";
		return false;
	}
	(void)rrset_next(s, &pos, &target, &len); /* it has one */
	if (r->m->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 16;
		r->m->list = mem_array(r->m->list, r->cap, sizeof(r->m->list[0]));
	}
	struct catalog_one *one = &r->m->list[r->m->n++];
	(void)dname_lower(target, one->zone); /* its length is not needed */
	one->unique = first_label(owner);
	return true;
}

static int compare(const void *a, const void *b)
{
	return dname_compare(((const struct catalog_one *)a)->zone,
			     ((const struct catalog_one *)b)->zone);
}

static const char *check_version(const struct zone *z)
{
	static const uint8_t version[] = { 7, 'v', 'e', 'r', 's', 'i', 'o', 'n', 0 };
	uint8_t owner[DNAME_MAX];
	const struct rrset *s = NULL;
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	if (dname_join(version, zone_origin(z), owner) == 0)
		s = zone_rrset(z, owner, RRTYPE_TXT);
	if (s == NULL || rrset_count(s) != 1 || !rrset_next(s, &pos, &rdata, &len))
		return "it has no version";
	return len == 2 && memcmp(rdata, "\0012", 2) == 0 ? NULL : "its version is not 2";
}

int catalog_members_read(const struct zone *z, struct catalog_members *ret, char **ret_why)
{
	struct catalog_members m = { 0 };
	struct reading r = { z, &m, 0, check_version(z) };

	if (r.why == NULL)
		zone_each_unordered(z, read_rrset, &r);
	if (r.why == NULL && m.n)
		qsort(m.list, m.n, sizeof(m.list[0]), compare);
	for (size_t i = 1; i < m.n && r.why == NULL; i++)
		if (dname_equal(m.list[i - 1].zone, m.list[i].zone))
			r.why = "a zone is its member twice";
	if (r.why) {
		*ret_why = mem_strdup(r.why);
		catalog_members_fini(&m);
		return ERR_SYNTAX;
	}
	*ret = m;
	return 0;
}

void catalog_members_fini(struct catalog_members *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].unique);
	free(m->list);
	*m = (struct catalog_members){ 0 };
}

const char *catalog_members_unique(const struct catalog_members *m, const uint8_t *zone)
{
	struct catalog_one key;

	memcpy(key.zone, zone, dname_len(zone));
	const struct catalog_one *one =
		m->n ? bsearch(&key, m->list, m->n, sizeof(m->list[0]), compare) : NULL;
	return one ? one->unique : NULL;
}
