#include "tests/server/harness.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "server/worker.h"
#include "zonedb/txn.h"

struct harness harness;

static void fail(const char *what, const char *where)
{
	fprintf(stderr, "harness: %s: %s\n", what, where);
	abort();
}

void harness_start(void)
{
	struct server_stats *stats = &harness.stats;

	memset(&harness, 0, sizeof(harness));
	harness.db = zonedb_new();
	server_settings_init(&harness.settings);
	harness.settings.rotate = false;
	harness.cookies.n = 1;
	for (int i = 0; i < 16; i++)
		harness.cookies.secret[0][i] = (uint8_t)i;
	harness.answerer.settings = &harness.settings;
	harness.answerer.cookies = &harness.cookies;
	harness.answerer.stats = stats;
	harness.answerer.random = 1;
	harness.answerer.now_s = 1800000000;
}

void harness_stop(void)
{
	zonedb_free(harness.db);
	server_settings_fini(&harness.settings);
}

struct group {
	char owner[1100];
	uint16_t type;
	unsigned ttl;
	char *rdata[512];
	size_t n;
};

static void flush(struct txn *t, const uint8_t *origin, struct group *g)
{
	if (g->n == 0)
		return;
	int err = txn_put_text(t, origin, g->owner, g->type, g->ttl, (const char *const *)g->rdata,
			       g->n);
	if (err)
		fail(error_text(err), g->owner);
	while (g->n)
		free(g->rdata[--g->n]);
}

void harness_zones(const char *records)
{
	struct txn *t = txn_begin(harness.db);
	static struct group g;
	uint8_t origin[DNAME_MAX];
	char *copy = strdup(records);
	char *save;
	char *why = NULL;

	(void)dname_from_text("z.test", origin);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char owner[1100];
		char type_text[32];
		unsigned ttl;
		uint16_t type = 0;
		int at = 0;

		if (sscanf(line, "%1099s %u %31s %n", owner, &ttl, type_text, &at) < 3 ||
		    rrtype_from_text(type_text, &type))
			fail("record", line);
		if (type == RRTYPE_SOA) {
			flush(t, origin, &g);
			(void)dname_from_text(owner, origin);
			(void)txn_zone_add(t, origin);
		}
		if (type != g.type || strcmp(owner, g.owner) != 0)
			flush(t, origin, &g);
		strcpy(g.owner, owner);
		g.type = type;
		g.ttl = ttl;
		g.rdata[g.n++] = strdup(line + at);
	}
	flush(t, origin, &g);
	g.owner[0] = '\0';
	free(copy);
	if (txn_commit(t, &why))
		fail("commit", why);
}

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	while (*hex) {
		if (isspace((unsigned char)*hex)) {
			hex++;
			continue;
		}
		unsigned v;
		if (sscanf(hex, "%2x", &v) != 1)
			fail("hex", hex);
		out[n++] = (uint8_t)v;
		hex += 2;
	}
	return n;
}

struct ask {
	uint8_t options[1024];
	size_t noptions;
	bool edns, tcp;
	unsigned size, version, ttl_low, qclass, id, flags2, flags3;
};

static void parse_word(struct ask *a, const char *word)
{
	unsigned n;

	if (strcmp(word, "+edns") == 0) {
		a->edns = true;
	} else if (strcmp(word, "+do") == 0) {
		a->edns = true;
		a->ttl_low |= 0x8000;
	} else if (sscanf(word, "+ednsflags=%x", &n) == 1) {
		a->edns = true;
		a->ttl_low |= n;
	} else if (sscanf(word, "+bufsize=%u", &n) == 1) {
		a->edns = true;
		a->size = n;
	} else if (sscanf(word, "+version=%u", &n) == 1) {
		a->edns = true;
		a->version = n;
	} else if (sscanf(word, "+opt=%u:", &n) == 1) {
		a->edns = true;
		size_t len = unhex(strchr(word, ':') + 1, a->options + a->noptions + 4);
		wire_put16(a->options + a->noptions, (uint16_t)n);
		wire_put16(a->options + a->noptions + 2, (uint16_t)len);
		a->noptions += 4 + len;
	} else if (strcmp(word, "+tcp") == 0) {
		a->tcp = true;
	} else if (sscanf(word, "+class=%u", &n) == 1) {
		a->qclass = n;
	} else if (sscanf(word, "+id=%u", &n) == 1) {
		a->id = n;
	} else if (sscanf(word, "+flags=%x", &n) == 1) {
		a->flags2 = n >> 8;
		a->flags3 = n & 0xff;
	} else {
		fail("option", word);
	}
}

size_t harness_question(const char *question, bool *ret_tcp)
{
	struct ask a = { .size = 1232, .qclass = DNS_CLASS_IN, .id = 0x1234 };
	char *copy = strdup(question);
	char *save;
	char *name = strtok_r(copy, " ", &save);
	char *type_text = strtok_r(NULL, " ", &save);
	uint16_t type = 0;
	uint8_t *m = harness.msg;
	uint8_t wire[DNAME_MAX];

	for (char *w = strtok_r(NULL, " ", &save); w; w = strtok_r(NULL, " ", &save))
		parse_word(&a, w);
	if (dname_from_text(name, wire) || rrtype_from_text(type_text, &type))
		fail("question", question);
	memset(m, 0, 12);
	wire_put16(m, (uint16_t)a.id);
	m[2] = (uint8_t)a.flags2;
	m[3] = (uint8_t)a.flags3;
	m[5] = 1;
	m[11] = a.edns;
	size_t n = 12;
	memcpy(m + n, wire, dname_len(wire));
	n += dname_len(wire);
	wire_put16(m + n, type);
	wire_put16(m + n + 2, (uint16_t)a.qclass);
	n += 4;
	if (a.edns) {
		m[n] = 0;
		wire_put16(m + n + 1, RRTYPE_OPT);
		wire_put16(m + n + 3, (uint16_t)a.size);
		wire_put32(m + n + 5, a.version << 16 | a.ttl_low);
		wire_put16(m + n + 9, (uint16_t)a.noptions);
		memcpy(m + n + 11, a.options, a.noptions);
		n += 11 + a.noptions;
	}
	free(copy);
	*ret_tcp = a.tcp;
	return n;
}

static void print_opt(struct buf *out, const uint8_t *rr, size_t rdlen, unsigned *rcode)
{
	const uint8_t *p = rr + 10;
	const uint8_t *end = p + rdlen;

	*rcode |= (unsigned)rr[4] << 4;
	buf_printf(out, "OPT %u", wire_get16(rr + 2));
	if (rr[5])
		buf_printf(out, " version=%u", rr[5]);
	if (wire_get16(rr + 6) & 0x8000)
		buf_puts(out, " do");
	if (wire_get16(rr + 6) & 0x7fff)
		buf_puts(out, " z!");
	while (p < end) {
		size_t len = wire_get16(p + 2);

		buf_printf(out, " %u:", wire_get16(p));
		for (size_t i = 0; i < len; i++)
			buf_printf(out, "%02x", p[4 + i]);
		p += 4 + len;
	}
	buf_puts(out, "\n");
}

static bool print_rr(struct buf *out, const uint8_t *msg, size_t len, size_t *pos,
		     const char *section, unsigned *rcode)
{
	uint8_t owner[DNAME_MAX];
	char text[DNAME_TEXT_MAX];
	char type_text[12];
	struct buf rdata = { 0 };

	if (dname_unpack(msg, len, pos, owner) || *pos + 10 > len)
		return false;
	const uint8_t *rr = msg + *pos;
	uint16_t type = wire_get16(rr);
	uint16_t rdlen = wire_get16(rr + 8);
	if (*pos + 10 + rdlen > len)
		return false;
	if (type == RRTYPE_OPT) {
		print_opt(out, rr, rdlen, rcode);
	} else {
		if (rdata_unpack(msg, len, *pos + 10, rdlen, type, &rdata))
			return false;
		buf_printf(out, "%s %s %u ", section, dname_to_text(owner, text),
			   wire_get32(rr + 4));
		if (wire_get16(rr + 2) != DNS_CLASS_IN)
			buf_printf(out, "CLASS%u ", wire_get16(rr + 2));
		buf_printf(out, "%s ", rrtype_to_text(type, type_text));
		(void)rdata_to_text(type, (uint8_t *)rdata.data, rdata.len, out);
		buf_puts(out, "\n");
	}
	buf_fini(&rdata);
	*pos += 10u + rdlen;
	return true;
}

const char *harness_text(const uint8_t *msg, size_t len)
{
	static struct buf out;
	struct buf body = { 0 };
	static const char *const names[] = { "AN", "NS", "AR" };
	unsigned rcode = msg[3] & 15;
	size_t pos = 12;
	char text[12];

	buf_reset(&out);
	for (unsigned i = wire_get16(msg + 4); i; i--) {
		uint8_t name[DNAME_MAX];

		if (dname_unpack(msg, len, &pos, name))
			return "malformed question";
		pos += 4;
	}
	for (unsigned s = 0; s < 3; s++)
		for (unsigned i = wire_get16(msg + 6 + 2 * s); i; i--)
			if (!print_rr(&body, msg, len, &pos, names[s], &rcode))
				return "malformed record";
	if (pos != len)
		return "octets behind the message";
	buf_puts(&out, rcode_to_text(rcode, text));
	if (!(msg[2] & 0x80))
		buf_puts(&out, " no-qr!");
	if (msg[2] & 0x78)
		buf_printf(&out, " opcode=%u", msg[2] >> 3 & 15);
	buf_puts(&out, msg[2] & 4 ? " aa" : "");
	buf_puts(&out, msg[2] & 2 ? " tc" : "");
	buf_puts(&out, msg[2] & 1 ? " rd" : "");
	if (msg[3] & 0xf0)
		buf_printf(&out, " flags=%02x!", msg[3] & 0xf0);
	if (wire_get16(msg + 4) == 0)
		buf_puts(&out, " no-question");
	buf_puts(&out, "\n");
	buf_add(&out, body.data, body.len);
	buf_fini(&body);
	return buf_str(&out);
}

static const char *put(size_t len, bool tcp)
{
	static uint8_t before[12 + DNAME_MAX + 4];
	const struct sockaddr_in client = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0xc6336407), /* 198.51.100.7 */
		.sin_port = htons(4711),
	};
	const struct answer_client who = {
		.addr = (const struct sockaddr *)&client,
		.is_tcp = tcp,
		.can_handoff = harness.can_handoff,
		.keepalive = 100,
	};
	size_t keep = len < sizeof(before) ? len : sizeof(before);

	memcpy(before, harness.msg, keep);
	harness.result = answer_query(&harness.answerer, zonedb_current(harness.db), &who,
				      harness.msg, len, tcp ? 65535 : 4096, &harness.len);
	switch (harness.result) {
	case ANSWER_SEND:
		break;
	case ANSWER_DROP:
		return "drop";
	case ANSWER_NOTIFY:
		return "handoff notify";
	case ANSWER_UPDATE:
		return "handoff update";
	case ANSWER_XFR:
		return "handoff xfr";
	case ANSWER_TSIG:
		return "handoff tsig";
	}
	/* id and question come back as they were, 0x20 case and all */
	if (memcmp(before, harness.msg, 2) != 0)
		return "another id";
	if (wire_get16(harness.msg + 4) && keep > 12) {
		size_t end = harness.answerer.query.question_end;

		if (memcmp(before + 12, harness.msg + 12, end - 12) != 0)
			return "another question";
	}
	return harness_text(harness.msg, harness.len);
}

const char *harness_ask(const char *question)
{
	bool tcp;
	size_t len = harness_question(question, &tcp);

	return put(len, tcp);
}

const char *harness_raw(const char *hex, bool tcp)
{
	return put(unhex(hex, harness.msg), tcp);
}
