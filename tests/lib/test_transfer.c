/* transfer: the forms of RFC 1995 and RFC 5936, and what a hostile primary may send. */
#include "lib/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"

/*
 * A stream in short: "S5" a SOA with serial 5, "a" "b" … an A of that name, "|" the end of a
 * message, "x" an A outside the zone, "s" a SOA of another name.  What is told: the same with
 * "=" full, "-" delete, "+" add before each; "$" the end, "!" an error.
 */
static const struct {
	int serial; /* -1: AXFR was asked */
	const char *stream, *told;
	int err;
} rows[] = {
	{ -1, "S5 a b S5", "=S5 =a =b $", 0 },
	{ -1, "S5 | a | b | S5 |", "=S5 =a =b $", 0 },
	{ -1, "S5 a S6", "=S5 =a !", ERR_PROTOCOL },
	{ -1, "a S5", "!", ERR_PROTOCOL },
	{ -1, "S5 S5", "=S5 $", 0 },
	{ -1, "S5 a S5 b", "=S5 =a !", ERR_PROTOCOL },
	{ -1, "S5 x", "!", ERR_PROTOCOL },
	{ -1, "S5 s", "!", ERR_PROTOCOL },
	{ -1, "S5 |", "", 0 },
	{ 5, "S5 |", "$", 0 },
	{ 6, "S5 |", "$", 0 },
	{ 4, "S5 |", "", 0 },
	{ 4, "S5 a b S5", "=S5 =a =b $", 0 },
	{ 4, "S5 S4 a S5 b S5", "-S4 -a +S5 +b $", 0 },
	{ 3, "S5 S3 a S4 b | S4 b S5 c S5 |", "-S3 -a +S4 +b -S4 -b +S5 +c $", 0 },
	{ 3, "S5 S3 S5 a S5", "-S3 +S5 +a $", 0 },
	{ 3, "S5 S4 a S5 b S5", "!", ERR_PROTOCOL },
	{ 3, "S5 S3 a S3 b", "-S3 -a !", ERR_PROTOCOL },
	{ 3, "S5 S3 a S6 b", "-S3 -a !", ERR_PROTOCOL },
	{ 3, "S5 S3 a S4 b S5", "-S3 -a +S4 +b !", ERR_PROTOCOL },
	{ 3, "S5 S3 a S4 b S3", "-S3 -a +S4 +b !", ERR_PROTOCOL },
	{ 6, "S5 S6", "!", ERR_PROTOCOL },
};

static int told(void *ctx, enum transfer_op op, const struct dns_record *r)
{
	struct buf *out = ctx;

	if (out->len)
		buf_putc(out, ' ');
	buf_putc(out, "=-+"[op]);
	if (r->type == RRTYPE_SOA)
		buf_printf(out, "S%u", transfer_soa_serial(r->rdata, r->rdlen));
	else
		buf_putc(out, (char)r->owner[1]);
	return 0;
}

static void record(const char *word, struct dns_record *r, struct buf *rdata)
{
	static uint8_t zone[DNAME_MAX], name[DNAME_MAX];
	char text[64];

	assert_int_equal(dname_from_text("zone.test", zone), 0);
	*r = (struct dns_record){ .section = DNS_ANSWER,
				  .owner = zone,
				  .type = RRTYPE_SOA,
				  .rclass = DNS_CLASS_IN,
				  .ttl = 60 };
	if (*word == 'S' || *word == 's') {
		(void)snprintf(text, sizeof(text), "a. b. %s 1 2 3 4",
			       *word == 's' ? "9" : word + 1);
		assert_int_equal(rdata_from_text(RRTYPE_SOA, text, NULL, rdata), 0);
	} else {
		r->type = RRTYPE_A;
		assert_int_equal(rdata_from_text(RRTYPE_A, "192.0.2.1", NULL, rdata), 0);
	}
	if (*word != 'S') {
		(void)snprintf(text, sizeof(text), "%c.%s", *word,
			       *word == 'x' ? "test" : "zone.test");
		assert_int_equal(dname_from_text(text, name), 0);
		r->owner = name;
	}
	r->rdata = (uint8_t *)rdata->data;
	r->rdlen = (uint16_t)rdata->len;
}

static int run(struct transfer *t, const char *stream, struct buf *out)
{
	char *copy = mem_strdup(stream), *save = NULL;
	bool done = false;
	int err = 0;

	for (char *w = strtok_r(copy, " ", &save); w && err == 0; w = strtok_r(NULL, " ", &save)) {
		struct buf rdata = { 0 };
		struct dns_record r;

		if (*w == '|') {
			done = transfer_is_done(t);
		} else {
			record(w, &r, &rdata);
			err = transfer_feed(t, &r);
		}
		buf_fini(&rdata);
	}
	done = done || (err == 0 && t->state == TRANSFER_STATE_END);
	if (done || err)
		buf_printf(out, "%s%c", out->len ? " " : "", err ? '!' : '$');
	free(copy);
	return err;
}

static void streams_mean_what_the_rfcs_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = { 0 };
		struct transfer t;
		uint8_t zone[DNAME_MAX];

		assert_int_equal(dname_from_text("ZONE.test", zone), 0);
		transfer_init(&t, zone, rows[i].serial >= 0, (uint32_t)rows[i].serial);
		t.on_record = told;
		t.ctx = &out;
		int err = run(&t, rows[i].stream, &out);
		if (err != rows[i].err || strcmp(buf_str(&out), rows[i].told) != 0)
			fail_msg("%s: \"%s\" (%d), not \"%s\"", rows[i].stream, buf_str(&out), err,
				 rows[i].told);
		buf_fini(&out);
	}
}

static void an_endless_stream_ends_at_the_limits(void **state)
{
	struct transfer t;
	uint8_t zone[DNAME_MAX];
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(dname_from_text("zone.test", zone), 0);
	transfer_init(&t, zone, false, 0);
	t.max_records = 3;
	assert_int_equal(run(&t, "S5 a b c", &out), ERR_LIMIT);
	transfer_init(&t, zone, false, 0);
	t.max_bytes = 100;
	assert_int_equal(run(&t, "S5 a b c", &out), ERR_LIMIT);
	buf_fini(&out);
}

static void serials_compare_around_the_circle(void **state)
{
	static const struct {
		uint32_t a, b;
		int order;
	} serials[] = {
		{ 1, 1, 0 },           { 1, 2, -1 },          { 2, 1, 1 },
		{ 0, UINT32_MAX, 1 },  { UINT32_MAX, 0, -1 }, { 0x7fffffff, 0, 1 },
		{ 0x80000001, 0, -1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(serials); i++)
		assert_int_equal(transfer_serial_compare(serials[i].a, serials[i].b),
				 serials[i].order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_mean_what_the_rfcs_say),
		cmocka_unit_test(an_endless_stream_ends_at_the_limits),
		cmocka_unit_test(serials_compare_around_the_circle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
