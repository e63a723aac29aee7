#include "k8s/endpoint_check.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/endpoint.h"
#include "lib/netaddr.h"

/* The next word of *AT, up to a blank; its length, 0 at the end. */
static size_t next_word(const char **at)
{
	*at += strspn(*at, " \t\r\n");
	return strcspn(*at, " \t\r\n");
}

/* A decimal number of 16 bits. */
static bool is_uint16(const char *s, size_t n)
{
	unsigned long v = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		v = v * 10 + (unsigned long)(s[i] - '0');
	}
	return v <= 65535;
}

/* NUMBERS numbers and a host; the host ends in a dot if DOT. */
static bool is_numbers_host(const char *target, int numbers, bool dot)
{
	const char *at = target;
	size_t n;

	for (int i = 0; i < numbers; i++) {
		n = next_word(&at);
		if (!is_uint16(at, n))
			return false;
		at += n;
	}
	n = next_word(&at);
	if (n == 0 || (dot && at[n - 1] != '.'))
		return false;
	at += n;
	return next_word(&at) == 0;
}

static const char *check_addresses(const struct endpoint *e, uint8_t family)
{
	for (size_t i = 0; i < e->targets.n; i++) {
		struct netaddr a;

		if (netaddr_from_text(e->targets.s[i], &a) < 0 || a.family != family)
			return family == 4 ? "a target is not an IPv4 address"
					   : "a target is not an IPv6 address";
	}
	return NULL;
}

static bool is_reverse(const char *name)
{
	static const char *const ends[] = { ".in-addr.arpa", ".ip6.arpa" };
	size_t n = strlen(name);

	for (size_t i = 0; i < 2; i++) {
		size_t m = strlen(ends[i]);

		if (n > m && name[0] != '.' && strcmp(name + n - m, ends[i]) == 0)
			return true;
	}
	return false;
}

static const char *check_ptr(const struct endpoint *e)
{
	struct netaddr a;

	if (!is_reverse(e->dns_name))
		return "the name of a PTR record is not below in-addr.arpa or ip6.arpa";
	if (e->targets.n == 0)
		return "a PTR record has no target";
	for (size_t i = 0; i < e->targets.n; i++) {
		const char *t = e->targets.s[i];

		if (t[strspn(t, " \t")] == '\0' || netaddr_from_text(t, &a) == 0)
			return "the target of a PTR record is not a host name";
	}
	return NULL;
}

const char *endpoint_check(const struct endpoint *e)
{
	const char *type = e->record_type, *alias = endpoint_prop(e, "alias");
	bool address = strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0;

	if (alias && !address && strcmp(type, "CNAME") != 0)
		return "only A, AAAA and CNAME records can be aliases";
	if (address && !(alias && strcmp(alias, "true") == 0)) /* an alias points to a name */
		return check_addresses(e, type[1] == '\0' ? 4 : 6);
	if (strcmp(type, "PTR") == 0)
		return check_ptr(e);
	for (size_t i = 0; i < e->targets.n; i++) {
		if (strcmp(type, "MX") == 0 && !is_numbers_host(e->targets.s[i], 1, false))
			return "a target is not \"PREFERENCE HOST\"";
		if (strcmp(type, "SRV") == 0 && !is_numbers_host(e->targets.s[i], 3, true))
			return "a target is not \"PRIORITY WEIGHT PORT HOST.\"";
	}
	return NULL;
}
