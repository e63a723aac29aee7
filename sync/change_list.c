#include "sync/change_list.h"

#include <stdlib.h>

#include "lib/mem.h"

const struct endpoint *change_endpoint(const struct change *c)
{
	return c->after ? c->after : c->before;
}

void change_list_add(struct change_list *l, enum change_kind kind, const struct endpoint *before,
		     const struct endpoint *after, const struct endpoint *record, bool is_txt)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->c = mem_array(l->c, l->cap, sizeof(*l->c));
		l->record = mem_array(l->record, l->cap, sizeof(*l->record));
		l->is_txt = mem_array(l->is_txt, l->cap, sizeof(*l->is_txt));
	}
	l->c[l->n] = (struct change){ .kind = kind, .before = before, .after = after };
	l->record[l->n] = record;
	l->is_txt[l->n] = is_txt;
	l->n++;
}

struct endpoint *change_list_keep(struct change_list *l, struct endpoint *e)
{
	endpoint_list_take(&l->made, e);
	return e;
}

void change_list_fini(struct change_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->c[i].err_text);
	free(l->c);
	free(l->record);
	free(l->is_txt);
	endpoint_list_fini(&l->made);
	*l = (struct change_list){ 0 };
}
