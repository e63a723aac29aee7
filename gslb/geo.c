#include "gslb/geo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_MAXMINDDB
#include <maxminddb.h>
#endif

#include "lib/mem.h"

struct file {
	char *path;
	struct stat st; /* zero if it was not there */
};

struct geo {
	atomic_uint refs;
	struct strv fields;
	struct file *files;
	size_t nfiles;
#ifdef HAVE_MAXMINDDB
	MMDB_s dbs[GEO_DATABASES_MAX];
#endif
	size_t ndbs;
};

/* --- opening --------------------------------------------------------------- */

void geo_field_init(struct geo_field *f, const char *path)
{
	size_t n = 0;
	char *save = NULL;

	f->path = mem_strdup(path);
	f->text = mem_strdup(path);
	for (char *p = strtok_r(f->text, ".", &save); p && n < GEO_PARTS_MAX;
	     p = strtok_r(NULL, ".", &save))
		f->parts[n++] = p;
	f->parts[n] = NULL;
}

void geo_field_fini(struct geo_field *f)
{
	free(f->path);
	free(f->text);
}

#ifdef HAVE_MAXMINDDB
/*
 * The library maps the file.  Somebody who writes into it in place would pull the ground from
 * under the workers (SIGBUS), so what is mapped is a copy in memory.  -1 if that cannot be had.
 */
static int memory_copy(int fd, off_t size)
{
	int copy = memfd_create("geoip", MFD_CLOEXEC);
	off_t done = 0;

	while (copy >= 0 && done < size) {
		ssize_t n = sendfile(copy, fd, &done, (size_t)(size - done));

		if (n <= 0) {
			(void)close(copy);
			return -1;
		}
	}
	return copy;
}

static int open_database(struct geo *g, const char *path, const struct file *f)
{
	char name[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int copy = fd < 0 ? -1 : memory_copy(fd, f->st.st_size);

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", copy);
	int err = MMDB_open(copy < 0 ? path : name, MMDB_MODE_MMAP, &g->dbs[g->ndbs]);
	if (copy >= 0)
		(void)close(copy);
	if (fd >= 0)
		(void)close(fd);
	return err;
}
#endif

static void open_file(struct geo *g, const char *path, struct strv *trouble)
{
	struct file *f;

	g->files = mem_array(g->files, g->nfiles + 1, sizeof(*g->files));
	f = &g->files[g->nfiles++];
	*f = (struct file){ .path = mem_strdup(path) };
	if (stat(path, &f->st)) {
		strv_take(trouble, mem_printf("%s: %s", path, strerror(errno)));
		memset(&f->st, 0, sizeof(f->st));
		return;
	}
	if (g->ndbs == GEO_DATABASES_MAX) {
		strv_take(trouble,
			  mem_printf("%s: more than %d databases", path, GEO_DATABASES_MAX));
		return;
	}
#ifdef HAVE_MAXMINDDB
	int err = open_database(g, path, f);
	if (err == MMDB_SUCCESS)
		g->ndbs++;
	else
		strv_take(trouble, mem_printf("%s: %s", path, MMDB_strerror(err)));
#else
	strv_take(trouble, mem_printf("%s: this gslbd is built without libmaxminddb", path));
#endif
}

struct geo *geo_open(const struct strv *files, const struct strv *fields, struct strv *trouble)
{
	static const char *const usual[] = { "datacenter", "country.iso_code", "country_code" };
	struct geo *g = MEM_NEW(struct geo);

	atomic_init(&g->refs, 1);
	for (size_t i = 0; i < fields->n; i++)
		strv_add(&g->fields, fields->s[i]);
	for (size_t i = 0; fields->n == 0 && i < ARRAY_SIZE(usual); i++)
		strv_add(&g->fields, usual[i]);
	for (size_t i = 0; i < files->n; i++)
		open_file(g, files->s[i], trouble);
	return g;
}

struct geo *geo_ref(const struct geo *g)
{
	struct geo *own = (struct geo *)(uintptr_t)g; /* only the count is changed */

	if (own)
		atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
	return own;
}

void geo_unref(struct geo *g)
{
	if (g == NULL || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
		return;
#ifdef HAVE_MAXMINDDB
	for (size_t i = 0; i < g->ndbs; i++)
		MMDB_close(&g->dbs[i]);
#endif
	for (size_t i = 0; i < g->nfiles; i++)
		free(g->files[i].path);
	free(g->files);
	strv_fini(&g->fields);
	free(g);
}

const struct strv *geo_fields(const struct geo *g)
{
	return &g->fields;
}

bool geo_is_empty(const struct geo *g)
{
	return g->ndbs == 0;
}

bool geo_is_stale(const struct geo *g)
{
	for (size_t i = 0; i < g->nfiles; i++) {
		const struct stat *was = &g->files[i].st;
		struct stat now;

		if (stat(g->files[i].path, &now))
			memset(&now, 0, sizeof(now));
		if (now.st_ino != was->st_ino || now.st_dev != was->st_dev ||
		    now.st_size != was->st_size || now.st_mtim.tv_sec != was->st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
			return true;
	}
	return false;
}

/* --- looking up -------------------------------------------------------------- */

#ifdef HAVE_MAXMINDDB
void geo_look(const struct geo *g, const struct netaddr *addr, struct geo_place *ret)
{
	struct sockaddr_storage ss;

	memset(ret, 0, sizeof(*ret));
	ret->geo = g;
	ret->n = g->ndbs;
	(void)netaddr_to_sockaddr(addr, &ss);
	for (size_t i = 0; i < g->ndbs; i++) {
		int err = MMDB_SUCCESS;
		MMDB_lookup_result_s r = MMDB_lookup_sockaddr(
			&g->dbs[i], (const struct sockaddr *)(const void *)&ss, &err);

		if (err != MMDB_SUCCESS)
			continue;
		/* an IPv4 address lies 96 bits deep in an IPv6 tree */
		unsigned bits = r.netmask;
		if (addr->family == 4 && g->dbs[i].metadata.ip_version == 6)
			bits = bits > 96 ? bits - 96U : 0;
		if (bits > ret->scope)
			ret->scope = (uint8_t)bits;
		if (r.found_entry)
			ret->record[i] = r.entry.offset + 1;
	}
}

static bool get(const struct geo_place *p, size_t db, const char *const *path,
		MMDB_entry_data_s *ret)
{
	MMDB_entry_s entry = { .mmdb = &p->geo->dbs[db], .offset = p->record[db] - 1 };

	return p->record[db] && MMDB_aget_value(&entry, ret, path) == MMDB_SUCCESS && ret->has_data;
}

static bool print(const MMDB_entry_data_s *d, char *out)
{
	unsigned long long n = 0;

	if (d->type == MMDB_DATA_TYPE_UTF8_STRING) {
		size_t len = d->data_size < GEO_VALUE_MAX ? d->data_size : GEO_VALUE_MAX - 1;

		memcpy(out, d->utf8_string, len);
		out[len] = '\0';
		return len > 0;
	}
	if (d->type == MMDB_DATA_TYPE_UINT16)
		n = d->uint16;
	else if (d->type == MMDB_DATA_TYPE_UINT32)
		n = d->uint32;
	else if (d->type == MMDB_DATA_TYPE_UINT64)
		n = d->uint64;
	else
		return false;
	(void)snprintf(out, GEO_VALUE_MAX, "%llu", n);
	return true;
}

static bool get_text(const struct geo_place *p, const char *const *path, char *out)
{
	MMDB_entry_data_s d;

	for (size_t i = 0; i < p->n; i++)
		if (get(p, i, path, &d) && print(&d, out))
			return true;
	return false;
}

bool geo_value(const struct geo_place *p, const struct geo_field *field, char *out)
{
	return get_text(p, field->parts, out);
}

bool geo_coordinates(const struct geo_place *p, double *ret_lat, double *ret_lon)
{
	static const char *const lat[] = { "location", "latitude", NULL };
	static const char *const lon[] = { "location", "longitude", NULL };
	MMDB_entry_data_s a, b;

	for (size_t i = 0; i < p->n; i++) {
		if (!get(p, i, lat, &a) || !get(p, i, lon, &b) || a.type != MMDB_DATA_TYPE_DOUBLE ||
		    b.type != MMDB_DATA_TYPE_DOUBLE)
			continue;
		*ret_lat = a.double_value;
		*ret_lon = b.double_value;
		return true;
	}
	return false;
}

void geo_facts(const struct geo_place *p, char *country, char *continent, uint32_t *ret_asn)
{
	static const char *const countries[][3] = { { "country", "iso_code", NULL },
						    { "country_code", NULL } };
	static const char *const continents[][3] = { { "continent", "code", NULL },
						     { "continent_code", NULL } };
	static const char *const asns[][2] = { { "autonomous_system_number", NULL },
					       { "asn", NULL } };
	char text[GEO_VALUE_MAX];

	*country = *continent = '\0';
	*ret_asn = 0;
	for (size_t i = 0; i < 2 && !*country; i++)
		if (!get_text(p, countries[i], country))
			*country = '\0';
	for (size_t i = 0; i < 2 && !*continent; i++)
		if (!get_text(p, continents[i], continent))
			*continent = '\0';
	for (size_t i = 0; i < 2 && !*ret_asn; i++)
		if (get_text(p, asns[i], text))
			*ret_asn = (uint32_t)strtoul(strncmp(text, "AS", 2) == 0 ? text + 2 : text,
						     NULL, 10);
}
#else
void geo_look(const struct geo *g, const struct netaddr *addr, struct geo_place *ret)
{
	(void)addr;
	memset(ret, 0, sizeof(*ret));
	ret->geo = g;
}

bool geo_value(const struct geo_place *p, const struct geo_field *field, char *out)
{
	(void)p;
	(void)field;
	(void)out;
	return false;
}

bool geo_coordinates(const struct geo_place *p, double *ret_lat, double *ret_lon)
{
	(void)p;
	(void)ret_lat;
	(void)ret_lon;
	return false;
}

void geo_facts(const struct geo_place *p, char *country, char *continent, uint32_t *ret_asn)
{
	(void)p;
	*country = *continent = '\0';
	*ret_asn = 0;
}
#endif
