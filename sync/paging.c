#include "sync/paging.h"

#define PAGES_MAX 10000

bool paging_may_go(struct paging *p, const char *token)
{
	if (p->seen.n >= PAGES_MAX)
		return false;
	return map_put(&p->seen, token, p) == NULL;
}

void paging_reset(struct paging *p)
{
	map_fini(&p->seen, NULL);
	p->seen = (struct map){ 0 };
}
