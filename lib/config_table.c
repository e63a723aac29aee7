/*
 * config_table - the rows of options.def as data; see config_table.h.
 */
#include "lib/config_table.h"

#include <string.h>

#include "lib/mem.h"

const struct option_row option_rows[OPT_COUNT] = {
#define OPTION(id, name, type, def, env, arg, group, state, help) \
	{ #id, name, OPTION_##type, def, env, arg, GROUP_##group, STATE_##state, help },
#include "lib/options.def"
#undef OPTION
};

const char *option_group_title(enum option_group g)
{
	static const char *const titles[GROUP_COUNT] = {
		[GROUP_GENERAL] = "General",
		[GROUP_DNS] = "Serving DNS",
		[GROUP_GSLB] = "Load balancing between clusters",
		[GROUP_ADMIN] = "Administration",
		[GROUP_KUBERNETES] = "API server",
		[GROUP_SOURCE] = "Sources: objects that become records",
		[GROUP_PLAN] = "Plan: records that may change",
		[GROUP_LOOP] = "Loop: when",
		[GROUP_REGISTRY] = "Registry: whose records",
		[GROUP_OBSERVE] = "Logs and metrics",
		[GROUP_PROVIDER] = "Providers",
		[GROUP_AWS] = "Provider: Route 53",
		[GROUP_GOOGLE] = "Provider: Google Cloud DNS",
		[GROUP_AZURE] = "Provider: Azure DNS",
		[GROUP_CLOUDFLARE] = "Provider: Cloudflare",
		[GROUP_RFC2136] = "Provider: RFC 2136",
		[GROUP_PDNS] = "Provider: PowerDNS",
		[GROUP_WEBHOOK] = "Provider: webhook",
		[GROUP_OTHER] = "Other providers",
	};
	return titles[g];
}

bool option_is_list(enum option_type t)
{
	return t == OPTION_LIST || t == OPTION_COMMA_LIST || t == OPTION_SEMI_LIST;
}

enum option option_find(const char *name, size_t len)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (strlen(option_rows[i].name) == len && !memcmp(option_rows[i].name, name, len))
			return (enum option)i;
	}
	return OPT_COUNT;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

#define SPELLING_MAX 64

/*
 * Edits (insert, drop, change, swap of neighbours) that turn A into B: the
 * optimal string alignment distance.  Names longer than SPELLING_MAX are far from all.
 */
static unsigned edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][SPELLING_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	if (na > SPELLING_MAX || nb > SPELLING_MAX)
		return SPELLING_MAX;
	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);

			d = least(d, least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = least(d, before[j - 2] + 1);
			now[j] = d;
		}
		unsigned *t = before;

		before = last;
		last = now;
		now = t;
	}
	return last[nb];
}

const char *option_nearest(const char *name, size_t len)
{
	const char *best = NULL;
	unsigned best_d = (unsigned)len / 3 + 2; /* more than a third wrong is another word */

	if (len > 3 && !memcmp(name, "no-", 3)) {
		name += 3;
		len -= 3;
	}
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const char *o = option_rows[i].name;
		unsigned d = edit_distance(name, len, o, strlen(o));

		if (d < best_d) {
			best_d = d;
			best = o;
		}
	}
	return best;
}
