#include "sync/xml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#define DEPTH_MAX 32

struct parse {
	XML_Parser expat;
	struct xml *root, *at;
	unsigned depth;
	bool bad;
};

static void stop(struct parse *p)
{
	p->bad = true;
	(void)XML_StopParser(p->expat, XML_FALSE); /* stopping twice is no matter */
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct parse *p = ctx;
	struct xml *x = MEM_NEW(struct xml);
	const char *colon = strchr(name, ':');

	(void)attributes;
	x->name = mem_strdup(colon ? colon + 1 : name);
	x->parent = p->at;
	if (p->at == NULL)
		p->root = x; /* expat allows one root only */
	else if (p->at->last)
		p->at->last->next = x;
	else
		p->at->first = x;
	if (p->at)
		p->at->last = x;
	p->at = x;
	if (++p->depth > DEPTH_MAX)
		stop(p);
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
	struct parse *p = ctx;

	(void)name;
	p->at = p->at->parent;
	p->depth--;
}

static void XMLCALL on_text(void *ctx, const XML_Char *s, int len)
{
	struct parse *p = ctx;

	if (p->at)
		buf_add(&p->at->text, s, (size_t)len);
}

/* No document types: no entities, so no expansion bombs. */
static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid,
			       const XML_Char *pubid, int has_subset)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_subset;
	stop(ctx);
}

struct xml *xml_parse(const char *text, size_t len)
{
	struct parse p = { .expat = XML_ParserCreate(NULL) };

	if (len > 64 * 1024 * 1024)
		p.bad = true;
	XML_SetUserData(p.expat, &p);
	XML_SetElementHandler(p.expat, on_start, on_end);
	XML_SetCharacterDataHandler(p.expat, on_text);
	XML_SetStartDoctypeDeclHandler(p.expat, on_doctype);
	if (p.bad || XML_Parse(p.expat, text, (int)len, 1) != XML_STATUS_OK || p.bad) {
		xml_free(p.root);
		p.root = NULL;
	}
	XML_ParserFree(p.expat);
	return p.root;
}

void xml_free(struct xml *x)
{
	if (x == NULL)
		return;
	struct xml *next;
	for (struct xml *c = x->first; c; c = next) {
		next = c->next;
		xml_free(c);
	}
	buf_fini(&x->text);
	free(x->name);
	free(x);
}

const struct xml *xml_child(const struct xml *x, const char *name)
{
	const struct xml *c = x ? x->first : NULL;

	while (c && strcmp(c->name, name) != 0)
		c = c->next;
	return c;
}

const struct xml *xml_next(const struct xml *x)
{
	const struct xml *c = x->next;

	while (c && strcmp(c->name, x->name) != 0)
		c = c->next;
	return c;
}

const char *xml_text(const struct xml *x, const char *path)
{
	char name[64];

	while (x) {
		size_t n = strcspn(path, "/");

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		x = xml_child(x, name);
		if (x && path[n] == '\0')
			return buf_str(&x->text);
		path += n + (path[n] != '\0');
	}
	return NULL;
}

void xml_escape(struct buf *b, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&#34;");
			break;
		default:
			buf_putc(b, *text);
		}
	}
}

void xml_element(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, "<%s>", name);
	xml_escape(b, text);
	buf_printf(b, "</%s>", name);
}
