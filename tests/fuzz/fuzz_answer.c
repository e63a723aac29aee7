/*
 * fuzz_answer - any octets as a message to a server with all kinds of data.
 * The first octet of the input chooses transport and settings.  An answer must be a well-formed
 * message, with the query's id, never longer than the client may take, and the same twice.
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "tests/server/harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char zones[] = "z.test 3600 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
			    "z.test 3600 NS ns1.z.test.\n"
			    "z.test 3600 NS ns2.z.test.\n"
			    "z.test 3600 MX 10 mail.z.test.\n"
			    "ns1.z.test 300 A 192.0.2.53\n"
			    "ns2.z.test 300 AAAA 2001:db8::53\n"
			    "mail.z.test 300 A 192.0.2.25\n"
			    "www.z.test 300 A 192.0.2.1\n"
			    "www.z.test 300 A 192.0.2.2\n"
			    "www.z.test 300 TXT \"hello\"\n"
			    "alias.z.test 300 CNAME www.z.test.\n"
			    "loop1.z.test 300 CNAME loop2.z.test.\n"
			    "loop2.z.test 300 CNAME loop1.z.test.\n"
			    "b.c.ent.z.test 300 A 192.0.2.3\n"
			    "*.wild.z.test 300 A 192.0.2.4\n"
			    "*.cw.z.test 300 CNAME www.z.test.\n"
			    "*.cwl.z.test 300 CNAME x.cwl.z.test.\n"
			    "sub.z.test 300 NS ns.sub.z.test.\n"
			    "ns.sub.z.test 300 A 192.0.2.5\n"
			    "sub.z.test 300 DS 4711 13 2 "
			    "1111111111111111111111111111111111111111111111111111111111111111\n"
			    "old.z.test 120 DNAME new.z.test.\n"
			    "x.new.z.test 300 A 192.0.2.6\n"
			    "d.z.test 120 DNAME a.d.z.test.\n"
			    "e.z.test 120 DNAME e.z.test.\n"
			    "svc.z.test 300 HTTPS 1 mail.z.test. alpn=h2\n"
			    "svca.z.test 300 HTTPS 1 . alpn=h2\n"
			    "svca.z.test 300 A 192.0.2.7\n"
			    "_s.z.test 300 SRV 1 2 5060 mail.z.test.\n"
			    ". 3600 SOA ns1.z.test. admin. 9 7200 3600 86400 7200\n"
			    ". 3600 NS ns1.z.test.\n"
			    "test 3600 NS ns1.z.test.\n"
			    "*. 100 A 198.51.100.80\n";

static void start(void)
{
	char records[8000] = "";

	harness_start();
	harness_zones(zones);
	for (int i = 0; i < 40; i++)
		snprintf(records + strlen(records), 100, "many.z.test 60 A 10.0.0.%d\n", i);
	for (int i = 0; i < 14; i++)
		snprintf(records + strlen(records), 100, "d14.z.test 60 NS ns%d.d14.z.test.\n", i);
	for (int i = 0; i < 14; i++)
		snprintf(records + strlen(records), 100, "ns%d.d14.z.test 60 A 10.0.0.%d\n", i, i);
	harness_zones(records);
	harness.settings.nsid = mem_zalloc(300);
	memset(harness.settings.nsid, 'n', 299);
	harness.settings.id_server = mem_strdup("fuzz");
}

static void set_up(uint8_t options)
{
	harness.settings.full_responses = options & 2;
	harness.settings.cookie_required = options & 4;
	harness.can_handoff = options & 8;
	harness.settings.nsid[options & 64 ? 280 : 4] = '\0';
	harness.settings.nsid[options & 64 ? 4 : 5] = 'n';
	harness.settings.report_agent[0] = 0;
	if (options & 16)
		(void)dname_from_text("agent.z.test", harness.settings.report_agent);
}

static enum answer_result ask(const uint8_t *data, size_t size, bool tcp)
{
	static const struct sockaddr_in client = { .sin_family = AF_INET };
	const struct answer_client who = {
		.addr = (const struct sockaddr *)&client,
		.is_tcp = tcp,
		.can_handoff = harness.can_handoff,
	};

	memset(harness.msg, 0xee, sizeof(harness.msg));
	memcpy(harness.msg, data, size);
	harness.answerer.random = 1;
	return answer_query(&harness.answerer, zonedb_current(harness.db), &who, harness.msg, size,
			    tcp ? 65535 : 4096, &harness.len);
}

/* What the client takes, by our own reading of its OPT. */
static size_t limit(bool tcp)
{
	const struct edns *e = &harness.answerer.query.edns;

	if (tcp)
		return 65535;
	if (!(e->flags & EDNS_HAS_OPT))
		return 512;
	return e->size < 1232 ? e->size : 1232;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	static uint8_t first[65535];

	if (!started)
		start();
	started = true;
	if (size < 1 || size > 4096)
		return 0;
	bool tcp = data[0] & 1;
	set_up(data[0]);
	if (ask(data + 1, size - 1, tcp) != ANSWER_SEND)
		return 0;
	size_t len = harness.len;
	assert(len >= 12 && len <= limit(tcp));
	assert(memcmp(harness.msg, data + 1, 2) == 0);
	assert(harness.msg[2] & 0x80);
	const char *text = harness_text(harness.msg, len);
	assert(strchr(text, '\n')); /* else harness_text says what is wrong */
	memcpy(first, harness.msg, len);
	(void)ask(data + 1, size - 1, tcp);
	assert(harness.len == len && memcmp(first, harness.msg, len) == 0);
	return 0;
}
