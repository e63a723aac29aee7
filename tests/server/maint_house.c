#include "tests/server/maint_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/state.h"
#include "lib/status.h"
#include "server/maint.h"
#include "server/server.h"
#include "server/settings.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

void maint_house_start(struct maint_house *h, const char *const *options, bool with_state)
{
	struct server_settings set;
	char *why = NULL, *path;

	if (h->dir[0] == '\0') {
		strcpy(h->dir, "/tmp/test_maint.XXXXXX");
		assert_non_null(mkdtemp(h->dir));
	}
	h->loop = loop_new();
	h->db = zonedb_new();
	h->dns = dns_client_new(h->loop);
	server_settings_init(&set);
	set.listen = mem_calloc(1, sizeof(struct netaddr));
	set.nlisten = 1;
	set.workers = 1;
	set.rate_limit = 0;
	assert_int_equal(netaddr_from_text("127.0.0.1", set.listen), 0);
	h->server = server_new(&set, h->loop, h->db);
	server_settings_fini(&set);
	path = with_state ? mem_printf("%s/state", h->dir) : NULL;
	if (state_open(path, h->loop, &h->state, &why))
		fail_msg("%s", why);
	free(path);
	h->config = config_for_test(options);
	if (maint_new(h->loop, h->db, h->dns, h->server, h->state, h->config, &h->maint, &why))
		fail_msg("%s", why);
	/* the port that UDP got may be taken for TCP */
	for (int i = 0; i < 20 && server_start(h->server, &why); i++) {
		free(why);
		why = NULL;
	}
	assert_true(server_address(h->server, 0, &h->addr));
}

int maint_house_try(struct maint_house *h, const char *const *options)
{
	struct config *c = config_for_test(options);
	struct zonedb *db = zonedb_new();
	struct maint *m = NULL;
	char *why = NULL;
	int err = maint_new(h->loop, db, h->dns, NULL, NULL, c, &m, &why);

	assert_true(err == 0 || why != NULL);
	free(why);
	maint_free(m);
	zonedb_free(db);
	config_free(c);
	return err;
}

void maint_house_stop(struct maint_house *h)
{
	server_stop(h->server);
	loop_once(h->loop, 1); /* messages that were on their way */
	maint_free(h->maint);
	server_free(h->server);
	dns_client_free(h->dns);
	state_close(h->state);
	zonedb_free(h->db);
	status_clear();
	config_free(h->config);
	loop_free(h->loop);
}

void maint_house_remove(struct maint_house *h)
{
	char *command = mem_printf("rm -rf '%s'", h->dir);

	assert_int_equal(system(command), 0); /* our own folder */
	free(command);
	h->dir[0] = '\0';
}

const uint8_t *maint_house_name(const char *text)
{
	static uint8_t names[8][DNAME_MAX];
	static unsigned next;
	uint8_t *n = names[next++ % 8];

	assert_int_equal(dname_from_text(text, n), 0);
	return n;
}

static void commit(struct txn *t)
{
	char *why = NULL;

	if (txn_commit(t, &why))
		fail_msg("%s", why);
}

void maint_house_zone(struct maint_house *h, const char *zone, uint32_t serial, unsigned count)
{
	struct txn *t = txn_begin(h->db);
	const uint8_t *origin = maint_house_name(zone);
	const char *address = "192.0.2.1";
	char *soa = mem_printf("ns.%s. host.%s. %u 3600 600 86400 60", zone, zone, serial);
	char *ns = mem_printf("ns.%s.", zone);

	assert_int_equal(txn_zone_add(t, origin), 0);
	assert_int_equal(
		txn_put_text(t, origin, zone, RRTYPE_SOA, 60, (const char *const *)&soa, 1), 0);
	assert_int_equal(txn_put_text(t, origin, zone, RRTYPE_NS, 60, (const char *const *)&ns, 1),
			 0);
	assert_int_equal(txn_put_text(t, origin, ns, RRTYPE_A, 60, &address, 1), 0);
	for (unsigned i = 0; i < count; i++) {
		char owner[300];

		(void)snprintf(owner, sizeof(owner), "h%u.%s", i, zone);
		assert_int_equal(txn_put_text(t, origin, owner, RRTYPE_A, 60, &address, 1), 0);
	}
	commit(t);
	free(soa);
	free(ns);
}

void maint_house_put(struct maint_house *h, const char *zone, const char *owner, uint16_t type,
		     const char *rdata)
{
	struct txn *t = txn_begin(h->db);
	const uint8_t *origin = maint_house_name(zone);

	if (rdata)
		assert_int_equal(txn_put_text(t, origin, owner, type, 60, &rdata, 1), 0);
	else
		assert_int_equal(txn_remove(t, origin, maint_house_name(owner), type), 0);
	commit(t);
}

uint32_t maint_house_serial(const struct maint_house *h, const char *zone)
{
	const struct zone *z = zonedb_zone(zonedb_current(h->db), maint_house_name(zone));

	return z ? zone_serial(z) : 0;
}

bool maint_house_wait(struct maint_house *h, const bool *flag)
{
	for (int i = 0; i < 500 && !*flag; i++)
		loop_once(h->loop, 20);
	return *flag;
}
