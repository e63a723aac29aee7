/*
 * serve - a server over plain record lists, for tests and benchmarks that need
 * the data path and nothing else.
 *
 *	serve [-w workers] [-r rate] [-f] ADDR:PORT FILE...
 *
 * FILE: one record a line, "owner ttl type rdata…", names absolute; ORIGIN is the owner of
 * the first line, which must be the SOA.  Prints "ready ADDR:PORT" and serves until a signal.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "server/server.h"
#include "server/settings.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

struct group {
	char owner[1024];
	uint16_t type;
	uint32_t ttl;
	char *rdata[256];
	size_t n;
};

static void die(const char *file, unsigned line, const char *why)
{
	fprintf(stderr, "serve: %s:%u: %s\n", file, line, why);
	exit(1);
}

static void flush(struct txn *t, const uint8_t *origin, struct group *g, const char *file,
		  unsigned line)
{
	if (g->n == 0)
		return;
	int err = txn_put_text(t, origin, g->owner, g->type, g->ttl, (const char *const *)g->rdata,
			       g->n);
	if (err)
		die(file, line, error_text(err));
	for (size_t i = 0; i < g->n; i++)
		free(g->rdata[i]);
	g->n = 0;
}

static void load(struct txn *t, const char *file)
{
	FILE *f = fopen(file, "r");
	static char line[70000];
	static struct group g;
	uint8_t origin[DNAME_MAX];
	unsigned n = 0;

	if (f == NULL)
		die(file, 0, "cannot be read");
	while (fgets(line, sizeof(line), f)) {
		char owner[1024];
		char type_text[32];
		unsigned ttl;
		int at = 0;
		uint16_t type = 0;

		n++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (sscanf(line, "%1023s %u %31s %n", owner, &ttl, type_text, &at) < 3 ||
		    rrtype_from_text(type_text, &type))
			die(file, n, "not \"owner ttl type rdata\"");
		if (type == RRTYPE_SOA) {
			if (dname_from_text(owner, origin) || txn_zone_add(t, origin))
				die(file, n, "bad origin");
		}
		if (g.n && (type != g.type || strcmp(owner, g.owner) != 0))
			flush(t, origin, &g, file, n);
		snprintf(g.owner, sizeof(g.owner), "%s", owner);
		g.type = type;
		g.ttl = ttl;
		if (g.n == ARRAY_SIZE(g.rdata))
			die(file, n, "too many records in a set");
		g.rdata[g.n++] = mem_strdup(line + at);
	}
	flush(t, origin, &g, file, n);
	fclose(f);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

int main(int argc, char **argv)
{
	struct server_settings set;
	struct zonedb *db = zonedb_new();
	struct loop *loop = loop_new();
	char *why = NULL;
	int opt;

	server_settings_init(&set);
	set.rate_limit = 0;
	set.workers = 1;
	while ((opt = getopt(argc, argv, "w:r:fN:I:")) != -1) {
		switch (opt) {
		case 'w':
			set.workers = (unsigned)atoi(optarg);
			break;
		case 'r':
			set.rate_limit = (unsigned)atoi(optarg);
			break;
		case 'f':
			set.full_responses = true;
			break;
		case 'N':
			set.nsid = mem_strdup(optarg);
			break;
		case 'I':
			set.id_server = mem_strdup(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2)
		return 2;
	set.listen = mem_calloc(1, sizeof(set.listen[0]));
	set.nlisten = 1;
	if (netaddr_from_text_port(argv[optind], 53, set.listen))
		return 2;
	struct txn *t = txn_begin(db);
	for (int i = optind + 1; i < argc; i++)
		load(t, argv[i]);
	if (txn_commit(t, &why))
		die("commit", 0, why);
	struct server *s = server_new(&set, loop, db);
	if (server_start(s, &why))
		die("start", 0, why);
	struct netaddr bound;
	char text[NETADDR_TEXT_MAX];
	(void)server_address(s, 0, &bound);
	printf("ready %s\n", netaddr_to_text_port(&bound, text));
	fflush(stdout);
	loop_signal(loop, SIGTERM, stop, loop);
	loop_signal(loop, SIGINT, stop, loop);
	loop_run(loop);
	server_free(s);
	zonedb_free(db);
	loop_free(loop);
	server_settings_fini(&set);
	return 0;
}
