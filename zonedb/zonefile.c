#include "zonedb/zonefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/strv.h"
#include "lib/wire.h"
#include "zonedb/zonefile_generate.h"
#include "zonedb/zonefile_scan.h"

#define TTL_MAX 0x7fffffffu /* RFC 2181 8 */

/* What all files of a load share. */
struct load {
	uint8_t zone[DNAME_MAX];
	zonefile_cb cb;
	void *ctx;
	struct strv *includes;
	uint32_t ttl;
	bool has_default; /* $TTL was seen: it beats the last stated one */
	bool has_ttl;
	size_t generated;
	struct buf rdata;
	char **ret_why;
};

/* One open file; the including one is ABOVE. */
struct file {
	struct load *l;
	const struct file *above;
	unsigned depth;
	const char *name;
	dev_t dev;
	ino_t ino;
	struct scan scan;
	unsigned line;
	uint8_t origin[DNAME_MAX];
	bool origin_is_in; /* the zone */
	uint8_t owner[DNAME_MAX];
	bool has_owner;
	bool is_generated; /* the record at hand comes from $GENERATE */
};

static int parse_file(struct load *l, const struct file *above, const char *path,
		      const uint8_t *origin);

static int fail(const struct file *f, int err, const char *why)
{
	*f->l->ret_why = mem_printf("%s:%u: %s", f->name, f->line, why);
	return err;
}

static int fail_at(const struct file *f, int err, const char *why, struct piece at)
{
	*f->l->ret_why = mem_printf("%s:%u: %s: %.*s", f->name, f->line, why,
				    at.len > 80 ? 80 : (int)at.len, at.s);
	return err;
}

static bool piece_is(struct piece p, const char *word)
{
	return strlen(word) == p.len && strncasecmp(word, p.s, p.len) == 0;
}

/* --- records ------------------------------------------------------------------------- */

/* RFC 3597 5: CLASSnn is a class as well. */
static bool class_of(struct piece t, bool *ret_is_in)
{
	uint32_t n = 0;

	*ret_is_in = piece_is(t, "IN") || piece_is(t, "CLASS1");
	if (*ret_is_in || piece_is(t, "CH") || piece_is(t, "HS") || piece_is(t, "CS") ||
	    piece_is(t, "CHAOS") || piece_is(t, "ANY"))
		return true;
	if (t.len <= 5 || t.len > 10 || strncasecmp(t.s, "CLASS", 5) != 0)
		return false;
	for (size_t i = 5; i < t.len; i++) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(t.s[i] - '0');
	}
	return n <= UINT16_MAX;
}

/* Types that nearly all records have, without a search through all names. */
static bool usual_type(struct piece t, uint16_t *ret)
{
	static const struct {
		char name[6];
		uint8_t len;
		uint16_t type;
	} usual[] = { { "A", 1, RRTYPE_A },         { "AAAA", 4, RRTYPE_AAAA },
		      { "CNAME", 5, RRTYPE_CNAME }, { "NS", 2, RRTYPE_NS },
		      { "MX", 2, RRTYPE_MX },       { "TXT", 3, RRTYPE_TXT },
		      { "PTR", 3, RRTYPE_PTR },     { "SRV", 3, RRTYPE_SRV },
		      { "DS", 2, RRTYPE_DS },       { "RRSIG", 5, RRTYPE_RRSIG },
		      { "NSEC", 4, RRTYPE_NSEC } };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (usual[i].len == t.len && memcmp(usual[i].name, t.s, t.len) == 0) {
			*ret = usual[i].type;
			return true;
		}
	return false;
}

static int type_of(const struct file *f, struct piece t, uint16_t *ret)
{
	char name[16];

	if (t.len == 0)
		return fail(f, ERR_SYNTAX, "a type is missing");
	if (usual_type(t, ret))
		return 0;
	if (t.len < sizeof(name)) {
		memcpy(name, t.s, t.len);
		name[t.len] = '\0';
		if (rrtype_from_text(name, ret) == 0)
			return rdata_type_is_data(*ret)
				       ? 0
				       : fail_at(f, ERR_SYNTAX, "no type for a zone", t);
	}
	return fail_at(f, ERR_SYNTAX, "unknown type", t);
}

/* TTL and class in any order, each once, then the type. */
static int ttl_class_type(struct file *f, struct piece *rest, bool *ret_stated,
			  struct zonefile_record *r)
{
	bool has_class = false, is_in;

	*ret_stated = false;
	for (;;) {
		struct piece t = scan_token(rest);

		if (t.len && *t.s >= '0' && *t.s <= '9' && !*ret_stated) {
			if (rdata_period(t.s, t.len, &r->ttl) || r->ttl > TTL_MAX)
				return fail_at(f, ERR_SYNTAX, "wrong TTL", t);
			*ret_stated = true;
			f->l->has_ttl = true;
			if (!f->l->has_default)
				f->l->ttl = r->ttl;
		} else if (!has_class && class_of(t, &is_in)) {
			has_class = true;
			if (!is_in)
				return fail_at(f, ERR_SYNTAX, "only class IN is served", t);
		} else {
			return type_of(f, t, &r->type);
		}
	}
}

/* The TTL of a record without one. */
static int default_ttl(struct file *f, uint16_t type, const struct buf *rdata, uint32_t *ret)
{
	if (f->l->has_ttl) {
		*ret = f->l->ttl;
		return 0;
	}
	if (type != RRTYPE_SOA)
		return fail(f, ERR_SYNTAX, "no TTL was stated and there is no $TTL");
	*ret = f->l->ttl = wire_get32(rdata->data + rdata->len - 4);
	f->l->has_ttl = true;
	return *ret > TTL_MAX ? fail(f, ERR_RANGE, "the TTL is too long") : 0;
}

/* BIND's $GENERATE wants RDATA of several words in quotes: "10 mail$". */
static struct piece unquoted(struct piece rest)
{
	struct piece after = rest, t = scan_token(&after);

	if (t.len < 2 || *t.s != '"' || t.s[t.len - 1] != '"' || scan_token(&after).len)
		return rest;
	return (struct piece){ t.s + 1, t.len - 2 };
}

static int record(struct file *f, struct piece rest)
{
	struct load *l = f->l;
	char why[RDATA_WHY_MAX], name[16], *cb_why = NULL;
	struct zonefile_record r = { .owner = f->owner, .file = f->name, .line = f->line };
	bool stated;
	int err = ttl_class_type(f, &rest, &stated, &r);

	if (err)
		return err;
	buf_reset(&l->rdata);
	if (f->is_generated && r.type != RRTYPE_TXT && r.type != RRTYPE_SPF)
		rest = unquoted(rest);
	err = rdata_from_chars(r.type, rest.s, rest.len, f->origin, &l->rdata, why);
	if (err) {
		*l->ret_why = mem_printf("%s:%u: %s: %s", f->name, f->line,
					 rrtype_to_text(r.type, name), why);
		return ERR_SYNTAX;
	}
	if (!stated) {
		err = default_ttl(f, r.type, &l->rdata, &r.ttl);
		if (err)
			return err;
	}
	r.rdata = (const uint8_t *)buf_str(&l->rdata);
	r.rdlen = (uint16_t)l->rdata.len;
	err = l->cb(l->ctx, &r, &cb_why);
	if (err)
		(void)fail(f, err, cb_why ? cb_why : error_text(err)); /* returned below */
	free(cb_why);
	return err;
}

static int set_owner(struct file *f, struct piece t)
{
	int err = dname_from_chars(t.s, t.len, f->origin, f->owner);

	if (err)
		return fail_at(f, ERR_SYNTAX,
			       err == ERR_TOO_LONG ? "the name is too long" : "not a name", t);
	/* a relative name is in the zone if the origin is */
	bool relative = f->origin_is_in && t.s[t.len - 1] != '.';
	if (!relative && !dname_is_subdomain(f->owner, f->l->zone))
		return fail_at(f, ERR_RANGE, "the name is not in the zone", t);
	f->has_owner = true;
	return 0;
}

/* --- directives ------------------------------------------------------------------------ */

static int no_more(const struct file *f, struct piece rest)
{
	struct piece t = scan_token(&rest);

	return t.len ? fail_at(f, ERR_SYNTAX, "surplus words after the directive", t) : 0;
}

static int directive_origin(struct file *f, struct piece rest)
{
	struct piece t = scan_token(&rest);

	if (t.len == 0 || dname_from_chars(t.s, t.len, f->origin, f->origin))
		return fail_at(f, ERR_SYNTAX, "$ORIGIN needs a name", t);
	f->origin_is_in = dname_is_subdomain(f->origin, f->l->zone);
	return no_more(f, rest);
}

static int directive_ttl(struct file *f, struct piece rest)
{
	struct piece t = scan_token(&rest);
	uint32_t ttl;

	if (rdata_period(t.s, t.len, &ttl) || ttl > TTL_MAX)
		return fail_at(f, ERR_SYNTAX, "$TTL needs a time up to 2147483647", t);
	f->l->ttl = ttl;
	f->l->has_ttl = f->l->has_default = true;
	return no_more(f, rest);
}

/* The path in $INCLUDE, relative to the file that has it. */
static char *include_path(const struct file *f, struct piece t)
{
	const char *slash = strrchr(f->name, '/');

	if (t.len >= 2 && *t.s == '"') {
		t.s++;
		t.len -= 2;
	}
	if (t.len == 0 || *t.s == '/' || slash == NULL)
		return mem_strndup(t.s, t.len);
	return mem_printf("%.*s/%.*s", (int)(slash - f->name), f->name, (int)t.len, t.s);
}

static int directive_include(struct file *f, struct piece rest)
{
	struct piece t = scan_token(&rest);
	struct piece name = scan_token(&rest);
	uint8_t origin[DNAME_MAX];

	if (t.len == 0)
		return fail(f, ERR_SYNTAX, "$INCLUDE needs a file");
	memcpy(origin, f->origin, sizeof(origin));
	if (name.len && dname_from_chars(name.s, name.len, f->origin, origin))
		return fail_at(f, ERR_SYNTAX, "not a name", name);
	int err = no_more(f, rest);
	if (err)
		return err;
	if (f->depth == ZONEFILE_INCLUDE_MAX)
		return fail(f, ERR_LIMIT, "$INCLUDE is nested too deep");
	char *path = include_path(f, t);
	err = parse_file(f->l, f, path, origin);
	free(path);
	return err;
}

/* One record that $GENERATE made. */
static int generated(void *ctx, struct piece lhs, struct piece rest)
{
	struct file *f = ctx;

	if (++f->l->generated > ZONEFILE_GENERATE_MAX)
		return fail(f, ERR_LIMIT, "$GENERATE makes too many records");
	int err = set_owner(f, lhs);
	f->is_generated = true;
	if (err == 0)
		err = record(f, rest);
	f->is_generated = false;
	return err;
}

static int directive_generate(struct file *f, struct piece rest)
{
	const char *why = NULL;
	int err = zonefile_generate(rest, generated, f, &why);

	return why ? fail(f, err, why) : err;
}

static const struct {
	const char *name;
	int (*run)(struct file *f, struct piece rest);
} directives[] = {
	{ "$ORIGIN", directive_origin },
	{ "$TTL", directive_ttl },
	{ "$INCLUDE", directive_include },
	{ "$GENERATE", directive_generate },
};

static int directive(struct file *f, struct piece name, struct piece rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(directives); i++)
		if (piece_is(name, directives[i].name))
			return directives[i].run(f, rest);
	return fail_at(f, ERR_SYNTAX, "unknown directive", name);
}

/* --- files ------------------------------------------------------------------------------ */

static int entry(struct file *f, bool blank, struct piece rest)
{
	if (blank) {
		if (!f->has_owner)
			return fail(f, ERR_SYNTAX, "the first record has no owner");
		return record(f, rest);
	}
	struct piece owner = scan_token(&rest);
	if (*owner.s == '$')
		return directive(f, owner, rest);
	int err = set_owner(f, owner);
	return err ? err : record(f, rest);
}

static int parse_text(struct file *f, const char *text, size_t len)
{
	const char *why = NULL;
	struct piece rest;
	bool blank;
	int err;

	scan_init(&f->scan, text, len);
	while ((err = scan_entry(&f->scan, &blank, &rest, &f->line, &why)) > 0) {
		err = entry(f, blank, rest);
		if (err)
			break;
	}
	if (err && why)
		err = fail(f, err, why);
	scan_fini(&f->scan);
	return err;
}

/* At LINE of the including file, or of nothing for the first one. */
static int fail_file(struct load *l, const struct file *above, const char *path, int err,
		     const char *why)
{
	if (above)
		*l->ret_why = mem_printf("%s:%u: %s: %s", above->name, above->line, path, why);
	else
		*l->ret_why = mem_printf("%s: %s", path, why);
	return err;
}

static bool is_open(const struct file *f, const struct stat *st)
{
	for (; f; f = f->above)
		if (f->dev == st->st_dev && f->ino == st->st_ino)
			return true;
	return false;
}

/* Read the whole file; a pipe has no size, so not by st_size. */
static int read_all(int fd, struct buf *out)
{
	for (;;) {
		buf_reserve(out, out->len < (1 << 16) ? 1 << 16 : out->len);
		ssize_t n = read(fd, out->data + out->len, out->cap - out->len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? ERR_IO : 0;
		out->len += (size_t)n;
	}
}

static int parse_file(struct load *l, const struct file *above, const char *path,
		      const uint8_t *origin)
{
	struct file *f = MEM_NEW(struct file);
	struct buf text = { 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0 || fstat(fd, &st)) {
		err = fail_file(l, above, path, ERR_IO, strerror(errno));
		goto out;
	}
	if (S_ISDIR(st.st_mode) || is_open(above, &st)) {
		err = fail_file(l, above, path, ERR_SYNTAX,
				S_ISDIR(st.st_mode) ? "is a directory" : "$INCLUDE makes a loop");
		goto out;
	}
	if (l->includes)
		(void)strv_add_unique(l->includes, path); /* twice is fine */
	err = read_all(fd, &text);
	if (err) {
		err = fail_file(l, above, path, err, strerror(errno));
		goto out;
	}
	f->l = l;
	f->above = above;
	f->depth = above ? above->depth + 1 : 0;
	f->name = path;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	memcpy(f->origin, origin, dname_len(origin));
	f->origin_is_in = dname_is_subdomain(f->origin, l->zone);
	if (above && above->has_owner) {
		memcpy(f->owner, above->owner, sizeof(f->owner));
		f->has_owner = true;
	}
	err = parse_text(f, buf_str(&text), text.len);
out:
	if (fd >= 0)
		(void)close(fd); /* only read */
	buf_fini(&text);
	free(f);
	return err;
}

int zonefile_parse(const char *path, const uint8_t *origin, zonefile_cb cb, void *ctx,
		   struct strv *includes, char **ret_why)
{
	struct load l = { .cb = cb, .ctx = ctx, .includes = includes, .ret_why = ret_why };

	memcpy(l.zone, origin, dname_len(origin));
	int err = parse_file(&l, NULL, path, origin);
	buf_fini(&l.rdata);
	return err;
}

int zonefile_parse_text(const char *text, size_t len, const char *name, const uint8_t *origin,
			zonefile_cb cb, void *ctx, char **ret_why)
{
	struct load l = { .cb = cb, .ctx = ctx, .ret_why = ret_why };
	struct file *f = MEM_NEW(struct file);

	memcpy(l.zone, origin, dname_len(origin));
	f->l = &l;
	f->name = name;
	memcpy(f->origin, origin, dname_len(origin));
	f->origin_is_in = true;
	int err = parse_text(f, text, len);
	buf_fini(&l.rdata);
	free(f);
	return err;
}
