/*
 * fixture - sources under test: a store that is filled from YAML text, the
 * driver with the sources named, and a sink that remembers what it was told.
 *
 *	struct fixture *f = fixture_new("ingress", (const char *[]){ "fqdn-template=…", NULL });
 *	fixture_apply(f, "apiVersion: …");
 *	fixture_expect(f, "a.example.com A 300 1.2.3.4\n");
 *	fixture_free(f);
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"
#include "k8s/source.h"
#include "lib/buf.h"
#include "lib/map.h"

struct store;
struct loop;

struct fixture {
	struct loop *loop;
	struct config *config;
	struct store *store;
	struct source_set *set;
	struct endpoint_sink *sink;
	struct map endpoints; /* "SOURCE OBJECT" -> text of all its endpoints */
	struct map decls;     /* id -> text of a declaration */
	struct buf synced;    /* names of sources, in the order they were synced: "a b " */
	struct buf errors;    /* "Kind ns/name: Reason: message\n" */
	unsigned calls;       /* of endpoints, gslb_put, gslb_remove, zone_* */
};

/* SOURCES: names with blanks between; OPTIONS: "name=value", NULL-ended; may be NULL. */
struct fixture *fixture_new(const char *sources, const char *const *options);
void fixture_free(struct fixture *f);
/* All kinds listed completely; fixture_new has not done it, fixture_apply does. */
void fixture_sync(struct fixture *f);
/* Put every object of the documents into the store, then collect. */
void fixture_apply(struct fixture *f, const char *yaml);
void fixture_delete(struct fixture *f, enum kind_id kind, const char *namespace, const char *name);
/*
 * What the sink holds, one line an endpoint, sorted:
 * "NAME TYPE TTL TARGET[,TARGET] [id=SET] [LABEL=VALUE …] [prop:NAME=VALUE …]".
 * The label "resource" is left out unless WITH_RESOURCE.
 */
char *fixture_endpoints(const struct fixture *f, bool with_resource);
/* Fails the test unless fixture_endpoints without resources is WANT. */
#define fixture_expect(f, want) fixture_expect_((f), (want), __FILE__, __LINE__)
void fixture_expect_(const struct fixture *f, const char *want, const char *file, int line);
/* The declaration with ID as text (see fixture.c), or NULL. */
const char *fixture_decl(const struct fixture *f, const char *id);
