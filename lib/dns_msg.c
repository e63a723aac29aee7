#include "lib/dns_msg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rdata_type.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

/* --- parser -------------------------------------------------------------------------- */

struct parser {
	const uint8_t *msg;
	size_t len, pos;
	struct dns_msg m; /* records hold offsets into m.memory until the end */
	size_t cap;
};

/* What stands before the RDATA. */
struct fixed {
	uint8_t owner[DNAME_MAX];
	uint16_t type, rclass, rdlen;
	uint32_t ttl;
};

static int fixed_part(struct parser *p, struct fixed *f)
{
	int err = dname_unpack(p->msg, p->len, &p->pos, f->owner);

	if (err)
		return err;
	if (p->len - p->pos < 10)
		return ERR_TRUNCATED;
	f->type = wire_get16(p->msg + p->pos);
	f->rclass = wire_get16(p->msg + p->pos + 2);
	f->ttl = wire_get32(p->msg + p->pos + 4);
	f->rdlen = wire_get16(p->msg + p->pos + 8);
	p->pos += 10;
	return p->len - p->pos < f->rdlen ? ERR_TRUNCATED : 0;
}

/* RFC 6891 6.1: one OPT, owned by the root, in the additional section; options well-formed. */
static int take_opt(struct parser *p, const struct fixed *f, enum dns_section section)
{
	const uint8_t *o = p->msg + p->pos;

	if (section != DNS_ADDITIONAL || f->owner[0] != 0 || p->m.has_opt)
		return ERR_SYNTAX;
	for (size_t at = 0; at < f->rdlen; at += 4u + wire_get16(o + at + 2))
		if (f->rdlen - at < 4 || f->rdlen - at - 4 < wire_get16(o + at + 2))
			return ERR_SYNTAX;
	p->m.has_opt = true;
	p->m.udp_size = f->rclass < 512 ? 512 : f->rclass;
	p->m.ext_rcode = (uint8_t)(f->ttl >> 24);
	p->m.edns_version = (uint8_t)(f->ttl >> 16);
	p->m.dnssec_ok = f->ttl & 0x8000;
	p->pos += f->rdlen;
	return 0;
}

static int take_rdata(struct parser *p, const struct fixed *f)
{
	/* RFC 2136 2.4, 2.5: class ANY or NONE with nothing asks for existence or deletion */
	if (f->rdlen == 0 && dns_msg_opcode(p->m.flags) == DNS_OPCODE_UPDATE &&
	    f->rclass != DNS_CLASS_IN)
		return 0;
	return rdata_unpack(p->msg, p->len, p->pos, f->rdlen, f->type, &p->m.memory);
}

static int take_record(struct parser *p, enum dns_section section)
{
	struct fixed f;
	int err = fixed_part(p, &f);

	if (err)
		return err;
	if (f.type == RRTYPE_OPT)
		return take_opt(p, &f, section);
	if (p->m.nrecords == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->m.records = mem_array(p->m.records, p->cap, sizeof(struct dns_record));
	}
	struct dns_record *r = &p->m.records[p->m.nrecords];
	size_t owner_at = p->m.memory.len, owner_len = dname_len(f.owner);
	buf_add(&p->m.memory, f.owner, owner_len);
	err = take_rdata(p, &f);
	if (err)
		return err;
	*r = (struct dns_record){
		.section = section, .type = f.type, .rclass = f.rclass, .ttl = f.ttl
	};
	/* the memory moves while it grows: offsets for now */
	r->owner = (uint8_t *)(uintptr_t)owner_at;
	r->rdata = (uint8_t *)(uintptr_t)(owner_at + owner_len);
	r->rdlen = (uint16_t)(p->m.memory.len - owner_at - owner_len);
	p->m.nrecords++;
	p->pos += f.rdlen;
	return 0;
}

static int take_question(struct parser *p)
{
	if (p->m.qdcount > 1)
		return ERR_RANGE; /* RFC 9619 */
	if (p->m.qdcount == 0)
		return 0;
	int err = dname_unpack(p->msg, p->len, &p->pos, p->m.qname);
	if (err)
		return err;
	if (p->len - p->pos < 4)
		return ERR_TRUNCATED;
	p->m.qtype = wire_get16(p->msg + p->pos);
	p->m.qclass = wire_get16(p->msg + p->pos + 2);
	p->pos += 4;
	return 0;
}

static int take_all(struct parser *p)
{
	int err;

	if (p->len < DNS_HEADER_LEN)
		return ERR_TRUNCATED;
	p->m.id = wire_get16(p->msg);
	p->m.flags = wire_get16(p->msg + 2);
	p->m.qdcount = wire_get16(p->msg + 4);
	p->m.udp_size = 512;
	p->pos = DNS_HEADER_LEN;
	err = take_question(p);
	for (int s = DNS_ANSWER; s <= DNS_ADDITIONAL && err == 0; s++)
		for (unsigned n = wire_get16(p->msg + 4 + 2 * s); n && err == 0; n--)
			err = take_record(p, (enum dns_section)s);
	if (err)
		return err;
	return p->pos == p->len ? 0 : ERR_SYNTAX;
}

int dns_msg_parse(const uint8_t *msg, size_t len, struct dns_msg *ret)
{
	struct parser p = { .msg = msg, .len = len };
	int err = take_all(&p);

	if (err) {
		dns_msg_fini(&p.m);
		return err;
	}
	buf_reserve(&p.m.memory, 0);
	for (size_t i = 0; i < p.m.nrecords; i++) {
		struct dns_record *r = &p.m.records[i];

		r->owner = (uint8_t *)p.m.memory.data + (uintptr_t)r->owner;
		r->rdata = (uint8_t *)p.m.memory.data + (uintptr_t)r->rdata;
	}
	*ret = p.m;
	return 0;
}

void dns_msg_fini(struct dns_msg *m)
{
	free(m->records);
	buf_fini(&m->memory);
	m->records = NULL;
	m->nrecords = 0;
}

size_t dns_msg_question_end(const uint8_t *msg, size_t len)
{
	uint8_t name[DNAME_MAX];
	size_t pos = DNS_HEADER_LEN;

	if (len < DNS_HEADER_LEN || wire_get16(msg + 4) != 1 ||
	    dname_unpack(msg, len, &pos, name) || len - pos < 4)
		return 0;
	return pos + 4;
}

/* --- writer -------------------------------------------------------------------------- */

void dns_writer_init(struct dns_writer *w, size_t max, uint16_t id, uint16_t flags)
{
	memset(w, 0, sizeof(*w));
	w->max = max;
	buf_u16(&w->out, id);
	buf_u16(&w->out, flags);
	buf_u32(&w->out, 0);
	buf_u32(&w->out, 0);
}

void dns_writer_fini(struct dns_writer *w)
{
	buf_fini(&w->out);
}

static void count(struct dns_writer *w, size_t field)
{
	uint8_t *p = (uint8_t *)w->out.data + field;

	wire_put16(p, (uint16_t)(wire_get16(p) + 1));
}

/* Is the (compressed) name at AT of OUT equal to NAME?  Exactly: case is kept. */
static bool name_at(const struct dns_writer *w, size_t at, const uint8_t *name)
{
	const uint8_t *d = (const uint8_t *)w->out.data;

	for (;;) {
		while ((d[at] & 0xc0) == 0xc0)
			at = (size_t)(d[at] & 0x3f) << 8 | d[at + 1]; /* ours: backwards */
		if (d[at] != *name || memcmp(d + at, name, (size_t)*name + 1) != 0)
			return false;
		if (*name == 0)
			return true;
		at += (size_t)*name + 1;
		name += *name + 1;
	}
}

static unsigned slot(const uint8_t *name, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ name[i]) * 16777619u;
	return (h ^ h >> 16) & 255;
}

/* NAME, compressed if a suffix of it was written before. */
static void put_name(struct dns_writer *w, const uint8_t *name)
{
	size_t left = dname_len(name);

	for (; *name; left -= *name + 1u, name += *name + 1) {
		unsigned i = slot(name, left);

		if (w->offsets[i] && name_at(w, w->offsets[i], name)) {
			buf_u16(&w->out, (uint16_t)(0xc000 | w->offsets[i]));
			return;
		}
		/* the newest wins: owners come in order, the near ones are of use */
		if (w->out.len < 0x4000)
			w->offsets[i] = (uint16_t)w->out.len;
		buf_add(&w->out, name, (size_t)*name + 1);
	}
	buf_u8(&w->out, 0);
}

/* Take back what was written from AT on, and forget the names in it. */
static int undo(struct dns_writer *w, size_t at)
{
	w->out.len = at;
	for (size_t i = 0; i < ARRAY_SIZE(w->offsets); i++)
		if (w->offsets[i] >= at)
			w->offsets[i] = 0;
	return ERR_LIMIT;
}

int dns_writer_question(struct dns_writer *w, const uint8_t *name, uint16_t type, uint16_t rclass)
{
	size_t at = w->out.len;

	assert(w->section == 0);
	put_name(w, name);
	buf_u16(&w->out, type);
	buf_u16(&w->out, rclass);
	if (w->out.len > w->max)
		return undo(w, at);
	count(w, 4);
	return 0;
}

/* RFC 3597 4: only the types of RFC 1035 may be compressed. */
static bool is_compressed(uint16_t type)
{
	return type <= RRTYPE_MX;
}

static void put_rdata(struct dns_writer *w, uint16_t type, const uint8_t *rdata, size_t len)
{
	const uint8_t *f = is_compressed(type) ? rdata_type_fields(type) : NULL;
	size_t pos = 0, n;

	for (; f && *f != FIELD_END && pos < len; f++) {
		if (rdata_type_field_len(*f, rdata + pos, len - pos, &n))
			break;
		if (*f == FIELD_NAME_C)
			put_name(w, rdata + pos);
		else
			buf_add(&w->out, rdata + pos, n);
		pos += n;
	}
	buf_add(&w->out, rdata + pos, len - pos);
}

int dns_writer_record(struct dns_writer *w, enum dns_section section, const uint8_t *owner,
		      uint16_t type, uint16_t rclass, uint32_t ttl, const uint8_t *rdata,
		      size_t rdlen)
{
	size_t at = w->out.len;

	assert(section >= w->section);
	put_name(w, owner);
	buf_u16(&w->out, type);
	buf_u16(&w->out, rclass);
	buf_u32(&w->out, ttl);
	buf_u16(&w->out, 0);
	size_t start = w->out.len;
	put_rdata(w, type, rdata, rdlen);
	if (w->out.len > w->max)
		return undo(w, at);
	wire_put16(w->out.data + start - 2, (uint16_t)(w->out.len - start));
	count(w, 4 + 2 * (size_t)section);
	w->section = section;
	return 0;
}

int dns_writer_opt(struct dns_writer *w, uint16_t udp_size, uint8_t ext_rcode, bool dnssec_ok)
{
	static const uint8_t root[1] = { 0 };
	uint32_t ttl = (uint32_t)ext_rcode << 24 | (dnssec_ok ? 0x8000u : 0);

	return dns_writer_record(w, DNS_ADDITIONAL, root, RRTYPE_OPT, udp_size, ttl, root, 0);
}

void dns_writer_rcode(struct dns_writer *w, unsigned rcode)
{
	w->out.data[3] = (char)((w->out.data[3] & 0xf0) | (rcode & 15));
}
