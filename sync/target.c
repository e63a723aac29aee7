#include "sync/target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/mem.h"
#include "lib/netaddr.h"

#define FEW 16 /* targets that are sorted without allocating */

bool target_is_name(const char *record_type)
{
	static const char *const types[] = { "CNAME", "DNAME", "NS", "PTR", "ALIAS" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], record_type) == 0)
			return true;
	return false;
}

char *target_normal(const char *record_type, const char *target)
{
	char *t = mem_strdup(target);
	size_t len = strlen(t);
	static const char *const trimmed[] = { "A", "AAAA", "MX" };
	bool trim = target_is_name(record_type);

	for (size_t i = 0; i < ARRAY_SIZE(trimmed); i++)
		trim = trim || strcmp(record_type, trimmed[i]) == 0;
	if (trim && len > 1 && t[len - 1] == '.')
		t[len - 1] = '\0';
	return t;
}

void target_normalise(struct endpoint *e)
{
	struct strv out = { 0 };

	for (size_t i = 0; i < e->targets.n; i++) {
		char *t = target_normal(e->record_type, e->targets.s[i]);

		if (target_set_has(&out, t))
			free(t);
		else
			strv_take(&out, t);
	}
	strv_fini(&e->targets);
	e->targets = out;
}

static bool text_equal(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	if (la > 1 && a[la - 1] == '.')
		la--;
	if (lb > 1 && b[lb - 1] == '.')
		lb--;
	return la == lb && strncasecmp(a, b, la) == 0;
}

bool target_equal(const char *a, const char *b)
{
	struct netaddr x, y;

	if (text_equal(a, b))
		return true;
	/* only IPv6 has several spellings */
	return strchr(a, ':') && strchr(b, ':') && netaddr_from_text(a, &x) == 0 &&
	       netaddr_from_text(b, &y) == 0 && netaddr_equal(&x, &y);
}

bool target_set_has(const struct strv *v, const char *t)
{
	for (size_t i = 0; i < v->n; i++)
		if (target_equal(v->s[i], t))
			return true;
	return false;
}

/* The order that sorts one set: addresses by their canonical text. */
static int compare_text(const void *pa, const void *pb)
{
	const char *a = *(const char *const *)pa, *b = *(const char *const *)pb;
	struct netaddr x, y;
	char tx[NETADDR_TEXT_MAX], ty[NETADDR_TEXT_MAX];

	if (netaddr_from_text(a, &x) < 0 || netaddr_from_text(b, &y) < 0)
		return strcmp(a, b);
	return strcmp(netaddr_to_text(&x, tx), netaddr_to_text(&y, ty));
}

/* Pointers to V's strings in order; OUT holds FEW, or a larger array is made.  Returns the array.
 */
static const char **sorted(const struct strv *v, const char **few)
{
	const char **s = v->n <= FEW ? few : mem_calloc(v->n, sizeof(*s));

	for (size_t i = 0; i < v->n; i++)
		s[i] = v->s[i];
	qsort(s, v->n, sizeof(*s), compare_text);
	return s;
}

bool target_set_equal(const struct strv *a, const struct strv *b)
{
	bool same = true;

	if (a->n != b->n)
		return false;
	for (size_t i = 0; same && i < a->n; i++)
		same = target_equal(a->s[i], b->s[i]);
	if (same)
		return true;
	same = true;
	if (a->n <= FEW) {
		for (size_t i = 0; same && i < a->n; i++)
			same = target_set_has(b, a->s[i]) && target_set_has(a, b->s[i]);
		return same;
	}
	const char **x = sorted(a, NULL), **y = sorted(b, NULL);
	for (size_t i = 0; same && i < a->n; i++)
		same = target_equal(x[i], y[i]);
	free(x);
	free(y);
	return same;
}

static int compare_differing(const char *a, const char *b)
{
	struct netaddr x, y;
	bool ip_a = netaddr_from_text(a, &x) == 0, ip_b = netaddr_from_text(b, &y) == 0;

	if (ip_a && ip_b)
		return netaddr_compare(&x, &y);
	if (ip_a != ip_b)
		return ip_a ? -1 : 1;
	return strcmp(a, b);
}

int target_set_compare(const struct strv *a, const struct strv *b)
{
	const char *few_a[FEW], *few_b[FEW];
	int d = 0;

	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	const char **x = sorted(a, few_a), **y = sorted(b, few_b);
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(x[i], y[i]) != 0) {
			d = compare_differing(x[i], y[i]);
			break;
		}
	}
	if (a->n > FEW) {
		free(x);
		free(y);
	}
	return d;
}
