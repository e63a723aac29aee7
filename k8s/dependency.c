#include "k8s/dependency.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/source_parts.h"
#include "k8s/subject.h"
#include "lib/mem.h"

void dependency_add(struct subject *s, char *key)
{
	struct map *deps = &s->source->set->deps;
	struct dep *d = map_get(deps, key);

	if (d == NULL) {
		d = MEM_NEW(struct dep);
		d->key = mem_strdup(key);
		(void)map_put(deps, key, d);
	}
	/* asked twice in a row, as collections do: the last backlink is ours already */
	if (d->n && d->to[d->n - 1].subject == s)
		goto out;
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 1;
		d->to = mem_array(d->to, d->cap, sizeof(*d->to));
	}
	s->links = mem_array(s->links, s->nlinks + 1, sizeof(*s->links));
	s->links[s->nlinks] = (struct link){ d, d->n };
	d->to[d->n++] = (struct backlink){ s, s->nlinks++ };
out:
	free(key);
}

void dependency_free(void *p)
{
	struct dep *d = p;

	free(d->key);
	free(d->to);
	free(d);
}

void dependency_unlink(struct subject *s)
{
	for (size_t i = 0; i < s->nlinks; i++) {
		struct dep *d = s->links[i].dep;
		size_t pos = s->links[i].pos;

		d->to[pos] = d->to[--d->n];
		d->to[pos].subject->links[d->to[pos].pos].pos = pos;
		if (d->n == 0)
			dependency_free(map_remove(&s->source->set->deps, d->key));
	}
	s->nlinks = 0;
}

char *dependency_object(enum kind_id kind, const char *namespace, const char *name)
{
	return mem_printf("o%d/%s/%s", (int)kind, namespace, name);
}

/* Namespace "" = cluster-scoped, "*" = all. */
char *dependency_kind(enum kind_id kind, const char *namespace)
{
	return mem_printf("k%d/%s", (int)kind, namespace);
}

char *dependency_slice(const char *namespace, const char *service)
{
	return mem_printf("s%s/%s", namespace, service);
}

char *dependency_host(const char *name)
{
	return mem_printf("h%s", name);
}

void dependency_mark(struct source_set *set, char *key)
{
	const struct dep *d = key ? map_get(&set->deps, key) : NULL;

	for (size_t i = 0; d && i < d->n; i++)
		subject_mark(d->to[i].subject);
	free(key);
}
