#include "server/static_zones.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/file_watch.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"
#include "server/zone_reader.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile.h"
#include "zonedb/zonefile_changes.h"
#include "zonedb/zonefile_sums.h"

#define HUGE_OCTETS (1 << 20) /* such files are read on a thread: 20 ms and more */
#define SLICE       64        /* small files that one pass of the loop loads */

struct static_zone {
	uint8_t origin[DNAME_MAX];
	char *name; /* without the final dot */
	char *path;
	struct strv files;          /* that were read */
	struct zonefile_sums *sums; /* of the last good file */
	size_t records;
	int64_t loaded_s; /* 0 = never */
	char *error;      /* of the last attempt; NULL = good */
	bool is_due;      /* to be loaded by a pass of the loop */
	bool is_read;     /* by the reader, now */
};

struct static_zones {
	struct zonedb *db;
	struct file_watch *watch;
	struct zone_reader *reader; /* of huge files */
	struct loop_timer *pass;
	struct map zones; /* name, lower case, to struct static_zone */
	struct map files; /* path to struct strv of zone names */
	size_t failed;
	bool started; /* then each load is worth a line */
};

/* --- loading ------------------------------------------------------------------------------ */

static void watch_files(struct static_zones *s, struct static_zone *z)
{
	for (size_t i = 0; i < z->files.n; i++) {
		struct strv *users = map_get(&s->files, z->files.s[i]);

		if (users == NULL) {
			users = MEM_NEW(struct strv);
			map_put(&s->files, z->files.s[i], users);
			/* without its folder there is nothing to watch: SIGHUP loads it later */
			(void)file_watch_add(s->watch, z->files.s[i]);
		}
		(void)strv_add_unique(users, z->name); /* once is enough */
	}
}

/* FILES are those of the last attempt. */
static void take_files(struct static_zones *s, struct static_zone *z, struct strv *files)
{
	(void)strv_add_unique(files, z->path); /* also when it is not there yet */
	strv_fini(&z->files);
	z->files = *files;
	watch_files(s, z);
}

/* One attempt; 0 or an error with *ret_why. */
static int load(struct static_zones *s, struct static_zone *z, char **ret_why)
{
	const struct zone *live = zonedb_zone(zonedb_current(s->db), z->origin);
	struct zonefile_sums *sums = NULL;
	struct strv files = { 0 };
	struct txn *t = txn_begin(s->db);
	int err = zonefile_update(t, live, z->path, z->origin, z->sums, &sums, &files, &z->records,
				  ret_why);

	take_files(s, z, &files);
	if (err) {
		txn_abort(t);
		return err;
	}
	err = txn_commit(t, ret_why);
	if (err) {
		zonefile_sums_free(sums);
		return err;
	}
	zonefile_sums_free(z->sums);
	z->sums = sums;
	return 0;
}

static void set_ready(struct static_zones *s)
{
	char *why = NULL;

	s->failed = 0;
	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i)) {
		const struct static_zone *z = i->value;

		if (z->loaded_s)
			continue; /* a broken reload leaves the last good data */
		if (s->failed++ == 0)
			why = mem_strdup(z->error);
	}
	status_ready_set("zones", s->failed == 0, why);
	free(why);
}

/* An attempt ended with ERR; takes WHY. */
static void tell(const struct static_zones *s, struct static_zone *z, int err, char *why)
{
	free(z->error);
	z->error = NULL;
	if (err) {
		z->error = why ? why : mem_printf("%s: %s", z->path, error_text(err));
		metric_add(METRIC_ZONE_LOAD_ERRORS_TOTAL, 1, z->name);
		log_error("zone %s is not loaded%s: %s", z->name,
			  z->loaded_s ? ", the last good data stay" : "", z->error);
		return;
	}
	free(why);
	z->loaded_s = clock_real_s();
	log_msg(s->started ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, __FILE__,
		"zone %s is loaded from %s: %zu records, serial %" PRIu32, z->name, z->path,
		z->records, zone_serial(zonedb_zone(zonedb_current(s->db), z->origin)));
}

static void load_and_tell(struct static_zones *s, struct static_zone *z)
{
	char *why = NULL;
	int err = load(s, z, &why);

	if (err == ERR_AGAIN) { /* written while we read: the second look is at a whole one */
		free(why);
		why = NULL;
		err = load(s, z, &why);
	}
	z->is_due = false;
	tell(s, z, err, why);
}

/* --- huge files ----------------------------------------------------------------------------- */

static int apply(struct static_zones *s, struct static_zone *z, struct zonefile_changes *c,
		 char **ret_why)
{
	if (zonedb_zone(zonedb_current(s->db), z->origin) == NULL)
		return ERR_NOT_FOUND; /* dropped meanwhile */
	struct txn *t = txn_begin(s->db);
	int err = zonefile_changes_apply(c, t, z->origin, ret_why);
	if (err)
		txn_abort(t);
	else
		err = txn_commit(t, ret_why);
	if (err)
		return err;
	zonefile_sums_free(z->sums);
	z->sums = zonefile_changes_take_sums(c);
	z->records = zonefile_changes_records(c);
	return 0;
}

static void on_read(void *ctx, void *item, struct zone_reading *r)
{
	struct static_zones *s = ctx;
	struct static_zone *z = item;
	int err = r->err;

	z->is_read = false;
	take_files(s, z, &r->files);
	if (err == 0)
		err = apply(s, z, r->changes, &r->why);
	zonefile_changes_free(r->changes);
	if (err == ERR_AGAIN) { /* somebody is writing to it: look again */
		z->is_due = true;
		free(r->why);
	} else {
		tell(s, z, err, r->why);
		set_ready(s);
		status_touch();
	}
	loop_timer_set(s->pass, err == ERR_AGAIN ? 100 : 0);
}

/* Files whose reading would hold up the loop, of a zone that is there. */
static bool is_huge(const struct static_zones *s, const struct static_zone *z)
{
	struct stat st;
	off_t octets = 0;

	if (z->sums == NULL || zonedb_zone(zonedb_current(s->db), z->origin) == NULL)
		return false;
	for (size_t i = 0; i < z->files.n; i++)
		octets += stat(z->files.s[i], &st) == 0 ? st.st_size : 0;
	return octets >= HUGE_OCTETS;
}

/* Load Z if that is quick, else have it read; false if the reader is not free. */
static bool load_or_read(struct static_zones *s, struct static_zone *z)
{
	if (z->is_read || (is_huge(s, z) && zone_reader_is_busy(s->reader)))
		return false;
	if (is_huge(s, z) && zone_reader_start(s->reader, z, z->path, z->origin, z->sums) == 0) {
		z->is_due = false;
		z->is_read = true;
		return true;
	}
	load_and_tell(s, z);
	return true;
}

/* A slice of the zones that are due. */
static void pass(void *ctx)
{
	struct static_zones *s = ctx;
	unsigned loaded = 0;

	for (struct map_item *i = map_first(&s->zones); i && loaded < SLICE;
	     i = map_next(&s->zones, i)) {
		struct static_zone *z = i->value;

		loaded += z->is_due && load_or_read(s, z);
	}
	if (loaded == 0)
		return; /* what waits for the reader is done when that is */
	if (loaded == SLICE)
		loop_timer_set(s->pass, 0);
	set_ready(s);
	status_touch();
}

/* Z's files changed, or somebody asks for it. */
static void reload_one(struct static_zones *s, struct static_zone *z)
{
	z->is_due = true;
	(void)load_or_read(s, z); /* else it stays due */
}

static void on_file(void *ctx, const char *path)
{
	struct static_zones *s = ctx;
	const struct strv *users = map_get(&s->files, path);

	for (size_t i = 0; users && i < users->n; i++)
		reload_one(s, map_get(&s->zones, users->s[i]));
	set_ready(s);
	status_touch();
}

void static_zones_reload(struct static_zones *s)
{
	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i))
		((struct static_zone *)i->value)->is_due = true;
	pass(s);
}

/* At the start all of them at once: nothing is answered before. */
static void load_all(struct static_zones *s)
{
	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i))
		load_and_tell(s, i->value);
	set_ready(s);
	status_touch();
}

/* --- options ------------------------------------------------------------------------------ */

static void zone_free(void *p)
{
	struct static_zone *z = p;

	zonefile_sums_free(z->sums);
	strv_fini(&z->files);
	free(z->name);
	free(z->path);
	free(z->error);
	free(z);
}

/* "ORIGIN=FILE" */
static int zone_add(struct static_zones *s, const char *text, char **ret_why)
{
	const char *eq = strchr(text, '=');
	struct static_zone *z = MEM_NEW(struct static_zone);
	char *origin = eq ? mem_strndup(text, (size_t)(eq - text)) : NULL;
	int err = ERR_SYNTAX;

	if (eq && eq[1] && dname_from_text(origin, z->origin) == 0) {
		(void)dname_lower(z->origin, z->origin); /* its length is not needed */
		z->name = dname_text(z->origin);
		z->path = mem_strdup(eq + 1);
		err = map_get(&s->zones, z->name) ? ERR_EXISTS : 0;
	}
	if (err) {
		*ret_why = mem_printf("--zone=%s: %s", text,
				      err == ERR_EXISTS ? "the zone is named twice"
							: "want ORIGIN=FILE");
		zone_free(z);
	} else {
		map_put(&s->zones, z->name, z);
	}
	free(origin);
	return err;
}

/* --- status -------------------------------------------------------------------------------- */

static void describe_file(const struct static_zone *z, cJSON *o)
{
	char when[32];

	cJSON_AddStringToObject(o, "file", z->path);
	cJSON_AddNumberToObject(o, "records", (double)z->records);
	if (z->loaded_s)
		cJSON_AddStringToObject(o, "loaded", clock_rfc3339(z->loaded_s, when));
	if (z->is_due || z->is_read)
		cJSON_AddBoolToObject(o, "reading", true);
	if (z->error)
		cJSON_AddStringToObject(o, "error", z->error);
}

struct listing {
	const struct static_zones *s;
	const struct zonedb_version *version;
	cJSON *out;
};

static void describe(void *ctx, const struct zone *z)
{
	const struct listing *l = ctx;
	char *name = dname_text(zone_origin(z));
	const struct static_zone *sz = map_get(&l->s->zones, name);
	cJSON *o = cJSON_AddObjectToObject(l->out, name);

	cJSON_AddNumberToObject(o, "serial", zone_serial(z));
	cJSON_AddNumberToObject(o, "rrsets", (double)zone_count(z));
	if (sz)
		describe_file(sz, o);
	free(name);
}

static void section(void *ctx, cJSON *out)
{
	const struct static_zones *s = ctx;
	struct listing l = { s, zonedb_current(s->db), out };

	zonedb_each(l.version, describe, &l);
	/* those that never loaded */
	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i))
		if (zonedb_zone(l.version, ((struct static_zone *)i->value)->origin) == NULL)
			describe_file(i->value, cJSON_AddObjectToObject(out, i->key));
}

static int command_dump(void *ctx, const cJSON *args, cJSON *out)
{
	const struct static_zones *s = ctx;
	const char *name = json_text(args, "zone");
	const struct zone *z = NULL;
	uint8_t origin[DNAME_MAX];
	struct buf text = { 0 };

	if (name && dname_from_text(name, origin) == 0)
		z = zonedb_zone(zonedb_current(s->db), origin);
	if (z == NULL) {
		cJSON_AddStringToObject(out, "error", name ? "no such zone" : "which zone?");
		return ERR_NOT_FOUND;
	}
	zonefile_print(z, &text);
	cJSON_AddStringToObject(out, "text", buf_str(&text));
	buf_fini(&text);
	return 0;
}

/* Zones that are not loaded yet after a reload of all. */
static size_t count_waiting(const struct static_zones *s)
{
	size_t n = 0;

	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i)) {
		const struct static_zone *z = i->value;

		n += z->is_due || z->is_read;
	}
	return n;
}

static int command_reload(void *ctx, const cJSON *args, cJSON *out)
{
	struct static_zones *s = ctx;
	const char *name = json_text(args, "zone");
	char *normal = name ? dname_text_normal(name) : NULL;
	struct static_zone *z = normal ? map_get(&s->zones, normal) : NULL;

	free(normal);
	if (name && z == NULL) {
		cJSON_AddStringToObject(out, "error", "no such zone from a file");
		return ERR_NOT_FOUND;
	}
	if (name == NULL) {
		static_zones_reload(s);
		cJSON_AddNumberToObject(out, "failed", (double)s->failed);
		cJSON_AddNumberToObject(out, "waiting", (double)count_waiting(s));
		return 0;
	}
	reload_one(s, z);
	set_ready(s);
	if (z->is_due || z->is_read) { /* the log and the page tell how it ends */
		cJSON_AddBoolToObject(out, "reading", true);
		return 0;
	}
	if (z->error)
		cJSON_AddStringToObject(out, "error", z->error);
	return z->error ? ERR_INVALID : 0;
}

/* --- life ---------------------------------------------------------------------------------- */

int static_zones_new(struct loop *loop, struct zonedb *db, const struct config *config,
		     struct static_zones **ret, char **ret_why)
{
	const struct strv *texts = config_list(config, OPT_ZONE);
	struct static_zones *s = MEM_NEW(struct static_zones);
	int err = 0;

	s->db = db;
	s->watch = file_watch_new(loop, on_file, s);
	s->reader = zone_reader_new(loop, db, on_read, s);
	s->pass = loop_timer_new(loop, pass, s);
	for (size_t i = 0; i < texts->n && err == 0; i++)
		err = zone_add(s, texts->s[i], ret_why);
	if (err) {
		static_zones_free(s);
		return err;
	}
	status_ready_declare("zones");
	load_all(s);
	s->started = true;
	if (texts->n)
		log_info("%zu zones are loaded from files, %zu could not be",
			 s->zones.n - s->failed, s->failed);
	status_section("zones", section, s);
	status_command("dump", false, command_dump, s);
	status_command("reload", true, command_reload, s);
	*ret = s;
	return 0;
}

static void users_free(void *p)
{
	strv_fini(p);
	free(p);
}

void static_zones_free(struct static_zones *s)
{
	if (s == NULL)
		return;
	file_watch_free(s->watch);
	zone_reader_free(s->reader); /* before the sums that it looks at */
	loop_timer_free(s->pass);
	map_fini(&s->zones, zone_free);
	map_fini(&s->files, users_free);
	free(s);
}

static const struct static_zone *find(const struct static_zones *s, const uint8_t *origin)
{
	uint8_t lower[DNAME_MAX];

	(void)dname_lower(origin, lower); /* its length is not needed */
	char *name = dname_text(lower);
	const struct static_zone *z = map_get(&s->zones, name);
	free(name);
	return z;
}

bool static_zones_has(const struct static_zones *s, const uint8_t *origin)
{
	return find(s, origin) != NULL;
}

uint64_t static_zones_sum(const struct static_zones *s, const uint8_t *origin, const uint8_t *owner,
			  uint16_t type)
{
	const struct static_zone *z = find(s, origin);

	return z ? zonefile_sums_get(z->sums, zonefile_sums_key(owner, type)) : 0;
}
