/*
 * metric - the series of all metrics and their text form.
 *
 * A metric is a map from its label values, joined by the octet 0x1f, to a
 * series.  Control thread only; see metric.h.
 */
#include "lib/metric.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/map.h"
#include "lib/mem.h"

enum metric_type { TYPE_COUNTER, TYPE_GAUGE, TYPE_HISTOGRAM, TYPE_SUMMARY, TYPE_UNTYPED };

static const struct metric_row {
	const char *name;
	enum metric_type type;
	const char *labels; /* names, separated by commas; "" = none */
	const char *help;
} rows[METRIC_COUNT] = {
#define METRIC(id, name, type, labels, help) { name, TYPE_##type, labels, help },
#include "lib/metrics.def"
#undef METRIC
};

/* Upper bounds of histogram buckets, seconds. */
static const double bounds[] = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
				 0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30 };

struct series {
	double value;                         /* or the sum of observations */
	uint64_t count;                       /* of observations */
	uint64_t buckets[ARRAY_SIZE(bounds)]; /* not cumulative */
};

static struct map tables[METRIC_COUNT];

struct collector {
	void (*cb)(void *ctx);
	void *ctx;
};
static struct collector *collectors;
static size_t ncollectors;

static unsigned label_count(const char *labels)
{
	unsigned n = *labels ? 1 : 0;

	for (const char *p = labels; *p; p++)
		n += *p == ',';
	return n;
}

/* The key of LABELS in a table; buf is the caller's. */
static const char *series_key(enum metric m, const char *const *labels, struct buf *key)
{
	unsigned n = 0;

	for (; labels[n]; n++) {
		if (n)
			buf_putc(key, '\x1f');
		buf_puts(key, labels[n]);
	}
	assert(n == label_count(rows[m].labels));
	return buf_str(key);
}

static struct series *series_of(enum metric m, const char *const *labels, bool make)
{
	struct buf key = { 0 };
	const char *k = series_key(m, labels, &key);
	struct series *s = map_get(&tables[m], k);

	if (!s && make) {
		s = MEM_NEW(struct series);
		map_put(&tables[m], k, s);
	}
	buf_fini(&key);
	return s;
}

void metric_add_(enum metric m, double by, const char *const *labels)
{
	series_of(m, labels, true)->value += by;
}

void metric_set_(enum metric m, double to, const char *const *labels)
{
	series_of(m, labels, true)->value = to;
}

void metric_observe_(enum metric m, double value, const char *const *labels)
{
	struct series *s = series_of(m, labels, true);

	s->value += value;
	s->count++;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		if (value <= bounds[i]) {
			s->buckets[i]++;
			break;
		}
	}
}

void metric_drop_(enum metric m, const char *const *labels)
{
	struct buf key = { 0 };

	free(map_remove(&tables[m], series_key(m, labels, &key)));
	buf_fini(&key);
}

void metric_clear(enum metric m)
{
	map_fini(&tables[m], free);
	tables[m] = (struct map){ 0 };
}

void metric_reset(void)
{
	for (size_t m = 0; m < METRIC_COUNT; m++)
		metric_clear((enum metric)m);
	free(collectors);
	collectors = NULL;
	ncollectors = 0;
}

double metric_get_(enum metric m, const char *const *labels)
{
	const struct series *s = series_of(m, labels, false);

	return s ? s->value : 0;
}

void metric_collector(void (*cb)(void *ctx), void *ctx)
{
	collectors = mem_array(collectors, ncollectors + 1, sizeof(*collectors));
	collectors[ncollectors++] = (struct collector){ cb, ctx };
}

/* A label's value; the text format escapes backslash, quote and line feed. */
static void print_escaped(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\' || s[i] == '"')
			buf_putc(out, '\\');
		if (s[i] == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, s[i]);
	}
}

/* {a="x",b="y",le="0.5"}; nothing when there is neither label nor LE. */
static void print_labels(struct buf *out, const char *names, const char *values, const char *le)
{
	const char *sep = "{";

	while (*names) {
		size_t nlen = strcspn(names, ","), vlen = strcspn(values, "\x1f");

		buf_puts(out, sep);
		buf_add(out, names, nlen);
		buf_puts(out, "=\"");
		print_escaped(out, values, vlen);
		buf_putc(out, '"');
		names += nlen + (names[nlen] == ',');
		values += vlen + (values[vlen] == '\x1f');
		sep = ",";
	}
	if (le)
		buf_printf(out, "%sle=\"%s\"", sep, le);
	if (le || *sep == ',')
		buf_putc(out, '}');
}

static void print_number(struct buf *out, double v)
{
	if (isnan(v) || isinf(v))
		buf_puts(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
	else if (v == floor(v) && fabs(v) < 1e15)
		buf_printf(out, "%.0f", v);
	else
		buf_printf(out, "%.15g", v);
}

static void print_line(struct buf *out, const struct metric_row *row, const char *suffix,
		       const char *values, const char *le, double v)
{
	buf_puts(out, row->name);
	buf_puts(out, suffix);
	print_labels(out, row->labels, values, le);
	buf_putc(out, ' ');
	print_number(out, v);
	buf_putc(out, '\n');
}

static void print_series(struct buf *out, const struct metric_row *row, const char *values,
			 const struct series *s)
{
	uint64_t sum = 0;

	switch (row->type) {
	case TYPE_COUNTER:
	case TYPE_GAUGE:
	case TYPE_UNTYPED:
		print_line(out, row, "", values, NULL, s->value);
		return;
	case TYPE_HISTOGRAM:
		for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
			char le[32];

			snprintf(le, sizeof(le), "%.10g", bounds[i]);
			sum += s->buckets[i];
			print_line(out, row, "_bucket", values, le, (double)sum);
		}
		print_line(out, row, "_bucket", values, "+Inf", (double)s->count);
		break;
	case TYPE_SUMMARY:
		break;
	}
	print_line(out, row, "_sum", values, NULL, s->value);
	print_line(out, row, "_count", values, NULL, (double)s->count);
}

const char *metric_name(enum metric m)
{
	return rows[m].name;
}

unsigned metric_labels(enum metric m)
{
	return label_count(rows[m].labels);
}

void metric_print(struct buf *out)
{
	static const char *const types[] = {
		[TYPE_COUNTER] = "counter",     [TYPE_GAUGE] = "gauge",
		[TYPE_HISTOGRAM] = "histogram", [TYPE_SUMMARY] = "summary",
		[TYPE_UNTYPED] = "untyped",
	};
	static const struct series zero;

	for (size_t i = 0; i < ncollectors; i++)
		collectors[i].cb(collectors[i].ctx);
	for (size_t m = 0; m < METRIC_COUNT; m++) {
		const struct metric_row *row = &rows[m];

		if (!tables[m].n && *row->labels)
			continue;
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
			   types[row->type]);
		if (!tables[m].n)
			print_series(out, row, "", &zero);
		for (struct map_item *it = map_first(&tables[m]); it; it = map_next(&tables[m], it))
			print_series(out, row, it->key, it->value);
	}
}
