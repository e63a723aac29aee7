/* fuzz_generate - any text behind $GENERATE: bounded, and whatever it makes is made of whole
 * templates. */
#include <assert.h>
#include <string.h>

#include "lib/error.h"
#include "zonedb/zonefile_generate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_record(void *ctx, struct piece lhs, struct piece rest)
{
	unsigned *n = ctx;

	assert(lhs.s && rest.s);
	return ++*n == 1000 ? ERR_LIMIT : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	unsigned n = 0;

	if (size > 2000)
		return 0;
	int err =
		zonefile_generate((struct piece){ (const char *)data, size }, on_record, &n, &why);
	assert(err == 0 || err == ERR_LIMIT || why != NULL);
	return 0;
}
