/*
 * manifest_file - one manifest file as objects: documents, Lists, structure
 * checked.  Called by manifest.c; control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "k8s/object.h"
#include "lib/strv.h"

struct manifest_object {
	char *key; /* "KIND_ID/namespace/name" */
	struct object *object;
	unsigned line; /* on which its document begins; 0 if unknown */
};

struct manifest_content {
	struct manifest_object *o;
	size_t n;
	struct strv errors; /* "PATH:LINE: Gslb eu/x: spec.a: must be …" */
	struct strv warnings;
	struct strv bad_keys; /* of objects that were refused: their last good form stays */
	bool has_nameless;    /* some document could be anything: nothing may be taken as gone */
};

/*
 * Read TEXT, which came from PATH (for messages).  0, or ERR_SYNTAX / ERR_LIMIT if it cannot be
 * read to the end (then errors says where, and no object is in C).  Objects of kinds that we do not
 * know are left out.
 */
int manifest_file_parse(const char *path, const char *text, size_t len, struct manifest_content *c);
void manifest_content_fini(struct manifest_content *c);
