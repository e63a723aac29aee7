#include "zonedb/cow.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "zonedb/rrset.h"

#define KIND_MASK ((uintptr_t)3) /* malloc aligns to 16 */

void cow_object_free(void *object, enum cow_kind kind)
{
	switch (kind) {
	case COW_RRSET:
		rrset_free(object);
		return;
	case COW_TRIE:
	case COW_NODE:
	case COW_ZONE:
		free(object);
		return;
	}
}

static void dead_add(struct cow_dead *dead, uintptr_t tagged)
{
	if (dead->n == dead->cap) {
		dead->cap = dead->cap ? 2 * dead->cap : 16;
		dead->objects = mem_array(dead->objects, dead->cap, sizeof(dead->objects[0]));
	}
	dead->objects[dead->n++] = tagged;
}

void cow_retire(struct cow *c, void *object, enum cow_kind kind)
{
	struct cow_object *o = object;

	if (o == NULL)
		return;
	if (o->birth == c->id)
		cow_object_free(object, kind);
	else
		dead_add(&c->dead, (uintptr_t)object | kind);
}

void cow_dead_split(struct cow_dead *dead, uint64_t birth, struct cow_dead *keep)
{
	size_t stay = 0;

	for (size_t i = 0; i < dead->n; i++) {
		uintptr_t tagged = dead->objects[i];
		const struct cow_object *o = (const struct cow_object *)(tagged & ~KIND_MASK);

		if (o->birth > birth)
			dead->objects[stay++] = tagged;
		else
			dead_add(keep, tagged);
	}
	dead->n = stay;
}

void cow_dead_free(struct cow_dead *dead)
{
	for (size_t i = 0; i < dead->n; i++)
		cow_object_free((void *)(dead->objects[i] & ~KIND_MASK),
				(enum cow_kind)(dead->objects[i] & KIND_MASK));
	cow_dead_fini(dead);
}

void cow_dead_move(struct cow_dead *to, struct cow_dead *from)
{
	if (to->n == 0) {
		cow_dead_fini(to);
		*to = *from;
		memset(from, 0, sizeof(*from));
		return;
	}
	for (size_t i = 0; i < from->n; i++)
		dead_add(to, from->objects[i]);
	cow_dead_fini(from);
}

void cow_dead_fini(struct cow_dead *dead)
{
	free(dead->objects);
	memset(dead, 0, sizeof(*dead));
}
