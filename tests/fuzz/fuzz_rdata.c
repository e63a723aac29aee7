/*
 * fuzz_rdata - type (2 octets), then RDATA in wire form, or after a first octet of 1, in
 * text: what is taken prints, and what was printed reads back as the same octets.
 */
#include <assert.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/rdata.h"
#include "lib/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RDATA that was taken: there and back. */
static void round_trip(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct buf text = { 0 }, wire = { 0 }, lower = { 0 };
	char why[RDATA_WHY_MAX];

	assert(rdata_check(type, rdata, len) == 0);
	assert(rdata_to_text(type, rdata, len, &text) == 0);
	assert(strlen(buf_str(&text)) == text.len);
	assert(rdata_from_chars(type, buf_str(&text), text.len, NULL, &wire, why) == 0);
	assert(wire.len == len && (len == 0 || memcmp(wire.data, rdata, len) == 0));
	assert(rdata_compare(type, rdata, len, rdata, len) == 0);
	buf_add(&lower, rdata, len);
	rdata_lower_names(type, (uint8_t *)lower.data, lower.len);
	assert(rdata_check(type, (const uint8_t *)lower.data, lower.len) == 0);
	assert(rdata_compare(type, rdata, len, (const uint8_t *)lower.data, len) == 0);
	buf_fini(&text);
	buf_fini(&wire);
	buf_fini(&lower);
}

static void from_text(uint16_t type, const char *text, size_t len)
{
	static const uint8_t origin[] = "\7example\3com";
	struct buf wire = { 0 };
	char why[RDATA_WHY_MAX] = "";
	int err = rdata_from_chars(type, text, len, origin, &wire, why);

	if (err == 0)
		round_trip(type, (const uint8_t *)buf_str(&wire), wire.len);
	else
		assert(wire.len == 0 && why[0]);
	buf_fini(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = { 0 };

	if (size < 3 || size > 70000)
		return 0;
	uint16_t type = wire_get16(data + 1);
	if (data[0] & 1) {
		from_text(type, (const char *)data + 3, size - 3);
		return 0;
	}
	int err = rdata_check(type, data + 3, size - 3);
	if (err == 0)
		round_trip(type, data + 3, size - 3);
	/* as if the whole were a message with the RDATA at its end */
	if (size - 3 <= UINT16_MAX &&
	    rdata_unpack(data, size, 3, (uint16_t)(size - 3), type, &out) == 0)
		round_trip(type, (const uint8_t *)buf_str(&out), out.len);
	buf_fini(&out);
	return 0;
}
