#include "lib/intern.h"

#include <pthread.h>
#include <string.h>

#include "lib/map.h"
#include "lib/mem.h"

#define SLOTS     16384 /* a power of two */
#define MAX_TEXTS (SLOTS / 2)
#define MAX_LEN   64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards both */
static const char *slots[SLOTS];                         /* open addressing */
static size_t ntexts;

const char *intern(const char *s, size_t len)
{
	const char *found;

	if (len > MAX_LEN)
		return NULL;
	size_t at = map_hash(s, len) % SLOTS;
	(void)pthread_mutex_lock(&lock);
	while ((found = slots[at]) != NULL && (strncmp(found, s, len) != 0 || found[len] != '\0'))
		at = (at + 1) % SLOTS;
	if (found == NULL && ntexts < MAX_TEXTS) {
		found = slots[at] = mem_strndup(s, len);
		ntexts++;
	}
	(void)pthread_mutex_unlock(&lock);
	return found;
}

void intern_append(cJSON *to, cJSON *item)
{
	if (to->child == NULL) {
		to->child = item;
		item->prev = item;
		return;
	}
	item->prev = to->child->prev;
	to->child->prev->next = item;
	to->child->prev = item;
}

void intern_add(cJSON *object, const char *name, size_t len, cJSON *item)
{
	union {
		const char *from;
		char *to;
	} u = { .from = intern(name, len) };

	if (u.from) {
		item->string = u.to; /* with this flag cJSON never writes or frees it */
		item->type |= cJSON_StringIsConst;
	} else {
		item->string = mem_strndup(name, len);
	}
	intern_append(object, item);
}
