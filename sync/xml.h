/*
 * xml - a small tree of an XML document, read by expat: elements and their
 * text, no attributes, namespaces ignored, entities of the document refused.
 * Route 53 and STS speak it.  Any thread.
 */
#pragma once

#include <stddef.h>

#include "lib/buf.h"

struct xml {
	char *name;
	struct buf text; /* all character data directly inside */
	struct xml *parent;
	struct xml *first, *last; /* children */
	struct xml *next;         /* sibling */
};

/* The root element; NULL if TEXT is no well-formed XML or is deeper than 32. */
struct xml *xml_parse(const char *text, size_t len);
void xml_free(struct xml *x);
/* The first child NAME, or NULL (X may be NULL). */
const struct xml *xml_child(const struct xml *x, const char *name);
/* The next sibling of the same name, or NULL. */
const struct xml *xml_next(const struct xml *x);
/* Text at a path of children "a/b/c", or NULL. */
const char *xml_text(const struct xml *x, const char *path);
/* Append TEXT with & < > " escaped. */
void xml_escape(struct buf *b, const char *text);
/* Append <NAME>TEXT</NAME>. */
void xml_element(struct buf *b, const char *name, const char *text);
