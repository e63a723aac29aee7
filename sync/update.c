#include "sync/update.h"

#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "sync/change_list.h"
#include "sync/wire_target.h"

#define MESSAGE_MAX 65000 /* leaves room for a TSIG record */

struct place {
	uint8_t owner[DNAME_MAX];
	uint16_t type;
};

static int place_of(const struct endpoint *e, struct place *ret)
{
	if (!wire_target_type(e->record_type, &ret->type) || *e->set_identifier)
		return ERR_UNSUPPORTED;
	return dname_from_text(e->dns_name, ret->owner);
}

/* One record a target of E. */
static int put_values(struct dns_writer *w, enum dns_section section, const struct place *at,
		      const struct endpoint *e, uint16_t rclass, uint32_t ttl)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < e->targets.n; i++) {
		struct buf rdata = { 0 };

		err = wire_target_put(at->type, e->record_type, e->targets.s[i], &rdata);
		if (err == 0)
			err = dns_writer_record(w, section, at->owner, at->type, rclass, ttl,
						(const uint8_t *)rdata.data, rdata.len);
		buf_fini(&rdata);
	}
	return err;
}

/* "Name and type" without data. */
static int put_bare(struct dns_writer *w, enum dns_section section, const uint8_t *owner,
		    uint16_t type, uint16_t rclass)
{
	return dns_writer_record(w, section, owner, type, rclass, 0, NULL, 0);
}

/* Does a change of the list delete what C's name holds of TYPE? */
static bool is_deleted(struct change *const *c, size_t n, const char *name, const char *type)
{
	for (size_t i = 0; i < n; i++)
		if (c[i]->kind == CHANGE_DELETE && strcmp(c[i]->before->dns_name, name) == 0 &&
		    (type == NULL || strcmp(c[i]->before->record_type, type) == 0))
			return true;
	return false;
}

static int put_prerequisite(struct dns_writer *w, struct change *const *all, size_t n,
			    const struct change *c, const struct place *at)
{
	const struct endpoint *e = change_endpoint(c);
	int err;

	if (c->kind != CHANGE_CREATE) /* RFC 2136 2.4.2: RRset exists (value dependent) */
		return put_values(w, DNS_ANSWER, at, c->before, DNS_CLASS_IN, 0);
	if (at->type == RRTYPE_CNAME) {
		/* 3.4.2.2: a server silently drops a CNAME beside other data, so say it (2.4.5) */
		if (!is_deleted(all, n, e->dns_name, NULL))
			return put_bare(w, DNS_ANSWER, at->owner, 255, DNS_CLASS_NONE);
		return put_bare(w, DNS_ANSWER, at->owner, at->type, DNS_CLASS_NONE);
	}
	/* 2.4.3: RRset does not exist */
	err = put_bare(w, DNS_ANSWER, at->owner, at->type, DNS_CLASS_NONE);
	if (err == 0 && !is_deleted(all, n, e->dns_name, "CNAME"))
		err = put_bare(w, DNS_ANSWER, at->owner, RRTYPE_CNAME, DNS_CLASS_NONE);
	return err;
}

static int put_change(struct dns_writer *w, const struct change *c, const struct place *at,
		      const struct update_options *o)
{
	int err = 0;

	if (c->kind != CHANGE_CREATE)
		err = o->prerequisites
			      ? /* 2.5.2: delete an RRset; else each RR (2.5.4) */
			      put_bare(w, DNS_AUTHORITY, at->owner, at->type, DNS_CLASS_ANY)
			      : put_values(w, DNS_AUTHORITY, at, c->before, DNS_CLASS_NONE, 0);
	if (err == 0 && c->after) {
		uint32_t ttl = (uint32_t)c->after->record_ttl;

		err = put_values(w, DNS_AUTHORITY, at, c->after, DNS_CLASS_IN,
				 ttl > o->min_ttl ? ttl : o->min_ttl);
	}
	return err;
}

int update_make(const uint8_t *origin, struct change *const *c, size_t n,
		const struct update_options *options, struct buf *out, size_t *ret_bad)
{
	struct dns_writer w;
	struct place *at = mem_calloc(n, sizeof(*at));
	size_t i = 0;
	int err;

	dns_writer_init(&w, MESSAGE_MAX, 0, DNS_OPCODE_UPDATE << 11);
	err = dns_writer_question(&w, origin, RRTYPE_SOA, DNS_CLASS_IN);
	for (i = 0; err == 0 && i < n; i++) {
		err = place_of(change_endpoint(c[i]), &at[i]);
		if (err == 0 && options->prerequisites)
			err = put_prerequisite(&w, c, n, c[i], &at[i]);
	}
	if (err == 0)
		for (i = 0; err == 0 && i < n; i++)
			err = put_change(&w, c[i], &at[i], options);
	if (err == 0)
		buf_add(out, w.out.data, w.out.len);
	else
		*ret_bad = i ? i - 1 : 0;
	dns_writer_fini(&w);
	free(at);
	return err;
}

static size_t values_size(const struct endpoint *e)
{
	size_t size = 0;

	for (size_t i = 0; e && i < e->targets.n; i++)
		size += strlen(e->dns_name) + strlen(e->targets.s[i]) + 16;
	return size;
}

size_t update_size(const struct change *c)
{
	return values_size(c->before) * 2 + values_size(c->after) + 300;
}
