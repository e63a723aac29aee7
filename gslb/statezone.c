#include "gslb/statezone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gslb/drain.h"
#include "gslb/peers.h"
#include "gslb/watch.h"
#include "lib/error.h"
#include "lib/mem.h"

/* --- writing ------------------------------------------------------------------------- */

char *statezone_host_text(const struct host *h)
{
	struct buf b = { 0 };

	buf_puts(&b, health_text(h->local));
	for (size_t i = 0; i < h->d.nmembers; i++) {
		const struct member *m = &h->d.members[i];
		char text[NETADDR_TEXT_MAX];

		if (h->d.sites[m->site].source == SITE_LOCAL)
			buf_printf(&b, " %s%s", m->is_live ? "" : "-",
				   netaddr_to_text(&m->addr, text));
	}
	watch_print(h, &b);
	return buf_take(&b);
}

void statezone_text_rdata(const char *text, struct buf *out)
{
	size_t len = strlen(text);

	do {
		size_t n = len > 255 ? 255 : len;

		buf_u8(out, (uint8_t)n);
		buf_add(out, text, n);
		text += n;
		len -= n;
	} while (len);
}

void statezone_note_change(struct lbzone *z, const struct host *h)
{
	size_t own = strlen(h->name) - strlen(z->name);
	char *relative = own ? mem_strndup(h->name, own - 1) : mem_strdup("_apex");

	if (z->changes == NULL)
		z->changes = mem_calloc(LBZONE_CHANGES_MAX, sizeof(*z->changes));
	z->version++;
	char **slot = &z->changes[z->version % LBZONE_CHANGES_MAX];
	free(*slot);
	*slot = relative;
	z->root_dirty = z->changed = true;
}

void statezone_root_rdata(const struct gslb *g, const struct lbzone *z, struct buf *out)
{
	struct buf b = { 0 };
	struct strv hears = { 0 };

	peers_heard(g->peers, z, &hears);
	char *list = strv_join(&hears, ",");
	buf_printf(&b, "gslbd1 e=%016llx v=%u r=%d d=%u t=%s s=%s",
		   (unsigned long long)peers_epoch(g->peers), z->version, g->is_synced,
		   drains_version(g->drains), g->own_tag, list);
	statezone_text_rdata(buf_str(&b), out);
	for (uint32_t i = 0; i < LBZONE_CHANGES_MAX && i < z->version; i++) {
		uint32_t v = z->version - i;

		buf_reset(&b);
		buf_printf(&b, "%u %s", v, z->changes[v % LBZONE_CHANGES_MAX]);
		if (b.len > 255 || out->len + b.len > 1000)
			break; /* the answer has to fit into a datagram */
		statezone_text_rdata(buf_str(&b), out);
	}
	free(list);
	strv_fini(&hears);
	buf_fini(&b);
}

void statezone_name_servers(const struct gslb *g, const struct lbzone *z, struct strv *ret)
{
	strv_add(ret, z->own_ns);
	for (size_t i = 0; i < g->peer_tags.n; i++) {
		char *name = lbzone_ns_name(g->ns_prefix, g->peer_tags.s[i], z->name, z->parent);

		if (dname_text_is_host(name, false) && !peers_is_withdrawn(g->peers, i, z))
			(void)strv_add_unique(ret, name);
		free(name);
	}
	strv_sort(ret);
}

/* --- reading ---------------------------------------------------------------------------- */

/* Take the next string of a TXT record: false at its end or when it is cut. */
static bool next_string(const uint8_t *rdata, size_t len, size_t *pos, char *out)
{
	if (*pos >= len || *pos + 1 + rdata[*pos] > len)
		return false;
	memcpy(out, rdata + *pos + 1, rdata[*pos]);
	out[rdata[*pos]] = '\0';
	*pos += 1 + rdata[*pos];
	return true;
}

static int parse_head(char *text, struct statezone_root *r)
{
	char *save = NULL, *word = strtok_r(text, " ", &save);
	unsigned seen = 0;

	if (word == NULL || strcmp(word, "gslbd1") != 0)
		return ERR_SYNTAX;
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		if (word[0] == '\0' || word[1] != '=')
			continue; /* words of a later version */
		switch (word[0]) {
		case 'e':
			r->epoch = strtoull(word + 2, NULL, 16);
			seen |= 1;
			break;
		case 'v':
			r->version = (uint32_t)strtoul(word + 2, NULL, 10);
			seen |= 2;
			break;
		case 'd':
			r->drains = (uint32_t)strtoul(word + 2, NULL, 10);
			break;
		case 'r':
			r->is_ready = word[2] == '1';
			break;
		case 't':
			(void)snprintf(r->tag, sizeof(r->tag), "%s", word + 2);
			break;
		case 's':
			strv_split(&r->hears, word + 2, ",");
			break;
		default:
			break;
		}
	}
	return seen == 3 ? 0 : ERR_SYNTAX;
}

static void parse_change(const char *text, struct statezone_root *r)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (end == text || *end != ' ')
		return;
	r->change_versions =
		mem_array(r->change_versions, r->changes.n + 1, sizeof(*r->change_versions));
	r->change_versions[r->changes.n] = (uint32_t)v;
	strv_add(&r->changes, end + 1);
	r->floor = (uint32_t)v - 1;
}

int statezone_root_parse(const uint8_t *rdata, size_t len, struct statezone_root *ret)
{
	struct statezone_root r = { 0 };
	char text[256];
	size_t pos = 0;

	if (!next_string(rdata, len, &pos, text) || parse_head(text, &r)) {
		statezone_root_fini(&r);
		return ERR_SYNTAX;
	}
	r.floor = r.version;
	while (next_string(rdata, len, &pos, text))
		parse_change(text, &r);
	*ret = r;
	return 0;
}

void statezone_root_fini(struct statezone_root *r)
{
	strv_fini(&r->hears);
	strv_fini(&r->changes);
	free(r->change_versions);
	*r = (struct statezone_root){ 0 };
}

static int health_from_text(const char *text, enum health *ret)
{
	static const enum health all[] = { HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_NOT_FOUND };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (strcmp(text, health_text(all[i])) == 0) {
			*ret = all[i];
			return 0;
		}
	}
	return ERR_SYNTAX;
}

static int compare_addr(const void *a, const void *b)
{
	return netaddr_compare(a, b);
}

static void add_addr(const char *text, struct netaddr **list, size_t *n)
{
	struct netaddr a;

	if (netaddr_from_text(text, &a))
		return; /* words of a later version */
	*list = mem_array(*list, *n + 1, sizeof(a));
	(*list)[(*n)++] = a;
}

static void add_list(const char *text, struct netaddr **list, size_t *n)
{
	struct strv v = { 0 };

	strv_split(&v, text, ",");
	for (size_t i = 0; i < v.n; i++)
		add_addr(v.s[i], list, n);
	strv_fini(&v);
}

static void parse_word(const char *word, struct offer *o)
{
	if (strncmp(word, "up=", 3) == 0)
		add_list(word + 3, &o->up, &o->nup);
	else if (strncmp(word, "down=", 5) == 0)
		add_list(word + 5, &o->down, &o->ndown);
	else if (word[0] == '-')
		add_addr(word + 1, &o->others, &o->nothers);
	else
		add_addr(word, &o->targets, &o->ntargets);
}

static void sort(struct netaddr *list, size_t n)
{
	if (n > 1)
		qsort(list, n, sizeof(*list), compare_addr);
}

int statezone_offer_parse(const char *text, struct offer *offer)
{
	struct offer o = { .is_known = true };
	char *line = mem_strdup(text), *save = NULL;
	char *word = strtok_r(line, " ", &save);
	int err = word ? health_from_text(word, &o.health) : ERR_SYNTAX;

	while (!err && (word = strtok_r(NULL, " ", &save)) != NULL)
		parse_word(word, &o);
	free(line);
	if (err)
		return err;
	sort(o.targets, o.ntargets);
	sort(o.others, o.nothers);
	statezone_offer_fini(offer);
	*offer = o;
	return 0;
}

char *statezone_rdata_text(const uint8_t *rdata, size_t len)
{
	struct buf b = { 0 };
	char text[256];
	size_t pos = 0;

	while (next_string(rdata, len, &pos, text))
		buf_puts(&b, text);
	return buf_take(&b);
}

int statezone_host_parse(const uint8_t *rdata, size_t len, struct offer *offer)
{
	char *text = statezone_rdata_text(rdata, len);
	int err = statezone_offer_parse(text, offer);

	free(text);
	return err;
}

static void print_addrs(struct buf *b, const char *before, const char *between,
			const struct netaddr *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[NETADDR_TEXT_MAX];

		buf_printf(b, "%s%s", i ? between : before, netaddr_to_text(&list[i], text));
	}
}

char *statezone_offer_text(const struct offer *o)
{
	struct buf b = { 0 };

	buf_puts(&b, health_text(o->health));
	print_addrs(&b, " ", " ", o->targets, o->ntargets);
	print_addrs(&b, " -", " -", o->others, o->nothers);
	print_addrs(&b, " up=", ",", o->up, o->nup);
	print_addrs(&b, " down=", ",", o->down, o->ndown);
	return buf_take(&b);
}

static bool lists_equal(const struct netaddr *a, size_t na, const struct netaddr *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (!netaddr_equal(&a[i], &b[i]))
			return false;
	return true;
}

bool statezone_offers_equal(const struct offer *a, const struct offer *b)
{
	return a->is_known == b->is_known && a->health == b->health &&
	       lists_equal(a->targets, a->ntargets, b->targets, b->ntargets) &&
	       lists_equal(a->others, a->nothers, b->others, b->nothers) &&
	       lists_equal(a->up, a->nup, b->up, b->nup) &&
	       lists_equal(a->down, a->ndown, b->down, b->ndown);
}

void statezone_offer_fini(struct offer *o)
{
	free(o->targets);
	free(o->others);
	free(o->up);
	free(o->down);
	free(o->detail);
	*o = (struct offer){ 0 };
}
