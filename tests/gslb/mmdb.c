#include "tests/gslb/mmdb.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/netaddr.h"
#include "lib/strv.h"

/* Types of the data section. */
enum {
	TYPE_TEXT = 2,
	TYPE_DOUBLE = 3,
	TYPE_U16 = 5,
	TYPE_U32 = 6,
	TYPE_MAP = 7,
	TYPE_U64 = 9,
	TYPE_ARRAY = 11
};

static void put_head(struct buf *b, int type, size_t size)
{
	/* sizes of tests are small: 0..28, or one octet more */
	uint8_t first = (uint8_t)(size < 29 ? size : 29);

	if (type > 7) {
		buf_u8(b, first);
		buf_u8(b, (uint8_t)(type - 7));
	} else {
		buf_u8(b, (uint8_t)(type << 5 | first));
	}
	if (size >= 29)
		buf_u8(b, (uint8_t)(size - 29));
}

static void put_text(struct buf *b, const char *s)
{
	put_head(b, TYPE_TEXT, strlen(s));
	buf_puts(b, s);
}

static void put_number(struct buf *b, int type, unsigned long long n, size_t octets)
{
	put_head(b, type, octets);
	for (size_t i = octets; i-- > 0;)
		buf_u8(b, (uint8_t)(n >> (8 * i)));
}

static void put_double(struct buf *b, double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	put_head(b, TYPE_DOUBLE, 8);
	for (int i = 7; i >= 0; i--)
		buf_u8(b, (uint8_t)(bits >> (8 * i)));
}

static void put_value(struct buf *b, const char *s)
{
	size_t digits = strspn(s, "0123456789"), number = strspn(s, "-.0123456789");

	if (*s && !s[digits])
		put_number(b, TYPE_U32, strtoul(s, NULL, 10), 4);
	else if (*s && !s[number])
		put_double(b, strtod(s, NULL));
	else
		put_text(b, s);
}

/* Fields that begin with PREFIX ("" or "country.") as a map. */
static void put_map(struct buf *b, const struct strv *fields, const char *prefix)
{
	struct strv keys = { 0 };
	size_t skip = strlen(prefix);

	for (size_t i = 0; i < fields->n; i++) {
		const char *f = fields->s[i];

		if (strncmp(f, prefix, skip) != 0)
			continue;
		char *key = mem_strndup(f + skip, strcspn(f + skip, ".="));
		(void)strv_add_unique(&keys, key);
		free(key);
	}
	put_head(b, TYPE_MAP, keys.n);
	for (size_t k = 0; k < keys.n; k++) {
		char *deeper = mem_printf("%s%s.", prefix, keys.s[k]);
		char *leaf = mem_printf("%s%s=", prefix, keys.s[k]);
		bool done = false;

		put_text(b, keys.s[k]);
		for (size_t i = 0; i < fields->n && !done; i++) {
			if (strncmp(fields->s[i], leaf, strlen(leaf)) == 0) {
				put_value(b, fields->s[i] + strlen(leaf));
				done = true;
			}
		}
		if (!done)
			put_map(b, fields, deeper);
		free(deeper);
		free(leaf);
	}
	strv_fini(&keys);
}

/* A node's two records: 0 = nothing, else node number + 1, or -(data offset + 1). */
struct tree {
	long (*node)[2];
	size_t n;
};

static size_t new_node(struct tree *t)
{
	t->node = mem_array(t->node, t->n + 1, sizeof(*t->node));
	t->node[t->n][0] = t->node[t->n][1] = 0;
	return t->n++;
}

static void insert(struct tree *t, const struct netprefix *p, long data)
{
	uint8_t bits[16] = { 0 };
	unsigned len = p->len;
	size_t at = 0;

	if (p->addr.family == 4) {
		memcpy(bits + 12, p->addr.bytes, 4);
		len += 96;
	} else {
		memcpy(bits, p->addr.bytes, 16);
	}
	for (unsigned i = 0; i < len; i++) {
		int bit = bits[i / 8] >> (7 - i % 8) & 1;

		if (i + 1 == len) {
			t->node[at][bit] = -(data + 1);
			return;
		}
		if (t->node[at][bit] <= 0) {
			long was = t->node[at][bit];
			size_t new = new_node(t);

			t->node[at][bit] = (long)new + 1;
			t->node[new][0] = t->node[new][1] = was;
		}
		at = (size_t)t->node[at][bit] - 1;
	}
}

static void put24(struct buf *b, size_t v)
{
	buf_u8(b, (uint8_t)(v >> 16));
	buf_u16(b, (uint16_t)v);
}

static void put_tree(struct buf *b, const struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		for (int s = 0; s < 2; s++) {
			long r = t->node[i][s];

			put24(b, r == 0  ? t->n
				 : r > 0 ? (size_t)r - 1
					 : t->n + 16 + (size_t)(-r - 1));
		}
	}
}

static void put_metadata(struct buf *b, const struct tree *t)
{
	buf_add(b, "\xab\xcd\xefMaxMind.com", 14);
	put_head(b, TYPE_MAP, 9);
	put_text(b, "node_count");
	put_number(b, TYPE_U32, t->n, 4);
	put_text(b, "record_size");
	put_number(b, TYPE_U16, 24, 2);
	put_text(b, "ip_version");
	put_number(b, TYPE_U16, 6, 2);
	put_text(b, "database_type");
	put_text(b, "Test");
	put_text(b, "languages");
	put_head(b, TYPE_ARRAY, 1);
	put_text(b, "en");
	put_text(b, "binary_format_major_version");
	put_number(b, TYPE_U16, 2, 2);
	put_text(b, "binary_format_minor_version");
	put_number(b, TYPE_U16, 0, 2);
	put_text(b, "build_epoch");
	put_number(b, TYPE_U64, 1700000000, 8);
	put_text(b, "description");
	put_head(b, TYPE_MAP, 1);
	put_text(b, "en");
	put_text(b, "Test");
}

void mmdb_write(const char *path, const struct mmdb_row *rows, size_t n)
{
	struct tree t = { 0 };
	struct buf data = { 0 }, out = { 0 };
	char *new = mem_printf("%s.new", path);
	FILE *f = fopen(new, "w");

	(void)new_node(&t);
	for (size_t i = 0; i < n; i++) {
		struct strv fields = { 0 };
		struct netprefix p;

		if (netprefix_from_text(rows[i].network, &p))
			abort();
		strv_split(&fields, rows[i].fields, " ");
		insert(&t, &p, (long)data.len);
		put_map(&data, &fields, "");
		strv_fini(&fields);
	}
	put_tree(&out, &t);
	buf_add(&out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	buf_add(&out, data.data, data.len);
	put_metadata(&out, &t);
	if (f == NULL || fwrite(out.data, 1, out.len, f) != out.len || fclose(f) ||
	    rename(new, path))
		abort();
	free(t.node);
	free(new);
	buf_fini(&data);
	buf_fini(&out);
}
