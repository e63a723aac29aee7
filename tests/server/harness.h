/*
 * harness - questions put to the answer path without sockets, and answers as text.
 *
 *	harness_zones("z.test 3600 SOA …\nwww.z.test 300 A 192.0.2.1\n");
 *	harness_ask("www.z.test A +edns")	=> "NOERROR aa\n"
 *						   "AN www.z.test. 300 A 192.0.2.1\n"
 *						   "OPT 1232\n"
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/answer.h"
#include "server/cookie.h"
#include "server/settings.h"
#include "zonedb/zonedb.h"

struct harness {
	struct zonedb *db;
	struct server_settings settings;
	struct cookie_keys cookies;
	struct server_stats stats;
	struct answerer answerer;
	bool can_handoff;
	uint8_t msg[65535 + 64]; /* the last question, then its answer */
	size_t len;
	enum answer_result result;
};

extern struct harness harness;

/* An empty database, default settings; secret and clock fixed. */
void harness_start(void);
void harness_stop(void);
/* Add records, "owner ttl type rdata" a line; an SOA begins a zone, else it is z.test. */
void harness_zones(const char *records);
/*
 * "name type" and options: +edns +do +bufsize=N +version=N +opt=CODE:HEX +tcp +class=TEXT +rd +cd
 * +ad +id=N.  Static text: "RCODE flags", a line an RR ("AN", "NS", "AR"), "OPT size flags
 * code:hex…".
 */
const char *harness_ask(const char *question);
/* Raw octets; HEX may have blanks.  Result as above; "drop" when nothing is sent. */
const char *harness_raw(const char *hex, bool tcp);
/* The message at MSG as such text. */
const char *harness_text(const uint8_t *msg, size_t len);
/* Write the question into harness.msg; returns its length. */
size_t harness_question(const char *question, bool *ret_tcp);
