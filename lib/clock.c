#include "lib/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/error.h"

static bool is_fake;
static int64_t fake_ms;

void clock_fake(int64_t real_s)
{
	is_fake = real_s != 0;
	fake_ms = real_s * 1000;
}

void clock_advance(uint64_t ms)
{
	fake_ms += (int64_t)ms;
}

static int64_t now_ns(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these clocks */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return is_fake ? (uint64_t)fake_ms * 1000000 : (uint64_t)now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

int64_t clock_real_ms(void)
{
	return is_fake ? fake_ms : now_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_real_s(void)
{
	return clock_real_ms() / 1000;
}

char *clock_rfc3339(int64_t real_s, char *out)
{
	struct tm tm;
	time_t t = (time_t)real_s;

	(void)gmtime_r(&t, &tm);
	(void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

int clock_from_rfc3339(const char *text, int64_t *ret_s)
{
	struct tm tm = { 0 };
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (p == NULL)
		return ERR_SYNTAX;
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p);)
			p++;
	int64_t offset = 0;
	if (*p == '+' || *p == '-') {
		if (strlen(p) != 6 || p[3] != ':' || !isdigit((unsigned char)p[1]) ||
		    !isdigit((unsigned char)p[2]) || !isdigit((unsigned char)p[4]) ||
		    !isdigit((unsigned char)p[5]))
			return ERR_SYNTAX;
		offset = ((p[1] - '0') * 10 + p[2] - '0') * 3600 +
			 ((p[4] - '0') * 10 + p[5] - '0') * 60;
		if (*p == '-')
			offset = -offset;
	} else if ((*p != 'Z' && *p != 'z') || p[1] != '\0') {
		return ERR_SYNTAX;
	}
	*ret_s = (int64_t)timegm(&tm) - offset;
	return 0;
}

static const struct {
	const char *unit;
	double ms;
} units[] = {
	{ "ns", 1e-6 }, { "us", 1e-3 }, { "\xc2\xb5s", 1e-3 }, { "ms", 1 },
	{ "s", 1e3 },   { "m", 6e4 },   { "h", 3.6e6 },
};

int clock_duration_ms(const char *text, int64_t *ret_ms)
{
	double sum = 0;
	bool negative = *text == '-';

	if (*text == '-' || *text == '+')
		text++;
	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return 0;
	}
	if (*text == '\0')
		return ERR_SYNTAX;
	while (*text) {
		char *end;

		if (!isdigit((unsigned char)*text) && *text != '.')
			return ERR_SYNTAX;
		double v = strtod(text, &end);
		size_t i = 0, n = sizeof(units) / sizeof(units[0]), len = 0;
		while (end[len] && !isdigit((unsigned char)end[len]) && end[len] != '.')
			len++;
		while (i < n &&
		       (strlen(units[i].unit) != len || strncmp(units[i].unit, end, len) != 0))
			i++;
		if (i == n)
			return ERR_SYNTAX;
		sum += v * units[i].ms;
		text = end + len;
	}
	if (sum > 9e15)
		return ERR_RANGE;
	*ret_ms = (int64_t)(negative ? -sum : sum);
	return 0;
}
