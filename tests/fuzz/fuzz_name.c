/*
 * fuzz_name - first octet: how many octets in a name begins in the rest, which is a message; the
 * rest is tried as text too.  What is taken has a length of at most 255, prints, and reads back.
 */
#include <assert.h>
#include <string.h>

#include "lib/dname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const uint8_t *name)
{
	uint8_t again[DNAME_MAX], lower[DNAME_MAX];
	char text[DNAME_TEXT_MAX];
	size_t len = dname_len(name), n = 0;

	assert(len <= DNAME_MAX && dname_labels(name) <= DNAME_LABELS_MAX);
	assert(dname_parse(name, len, &n) == 0 && n == len);
	dname_to_text(name, text);
	assert(strlen(text) < DNAME_TEXT_MAX);
	assert(dname_from_text(text, again) == 0);
	assert(memcmp(again, name, len) == 0);
	assert(dname_lower(name, lower) == len);
	assert(dname_equal(name, lower) && dname_compare(name, lower) == 0);
	assert(dname_is_subdomain(name, lower) && dname_is_subdomain(name, (const uint8_t *)""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t origin[] = "\1a\1b";
	uint8_t name[DNAME_MAX];
	size_t pos, n;

	if (size < 1 || size > 70000)
		return 0;
	pos = data[0];
	data++;
	size--;
	if (pos < size && dname_unpack(data, size, &pos, name) == 0) {
		assert(pos <= size);
		round_trip(name);
	}
	if (dname_parse(data, size, &n) == 0) {
		assert(n <= size);
		round_trip(data);
	}
	if (dname_from_chars((const char *)data, size, origin, name) == 0)
		round_trip(name);
	return 0;
}
