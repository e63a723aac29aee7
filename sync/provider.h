/*
 * provider - one DNS service that records are written to.  One file each
 * (sync/provider_NAME.c) and one line in sync/Makefile.inc.  All calls are
 * asynchronous on the control loop: they return at once and call back later
 * (never before they returned).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/endpoint.h"

struct loop;
struct config;
struct http_client;
struct dns_client;
struct provider; /* the instance, each file's own */
struct zonedb;

/* What an instance may use; borrowed for its life. */
struct provider_env {
	struct loop *loop;
	const struct config *config;
	struct http_client *http;
	struct dns_client *dns;
	struct zonedb *zonedb;              /* only the zonedb provider uses it */
	const struct domain_filter *filter; /* sync/domain_filter.h; never NULL */
};

enum change_kind { CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE };

struct change {
	enum change_kind kind;
	const struct endpoint *before; /* UPDATE, DELETE: what the provider has */
	const struct endpoint *after;  /* CREATE, UPDATE */
	/* Filled by the provider: */
	int err;        /* 0 = landed */
	char *err_text; /* the service's words, no secrets; freed by the caller */
};

struct provider_ops {
	const char *name; /* "cloudflare" */
	/* 0 and *ret, or an error with *ret_why (caller frees) naming flag or variable. */
	int (*open)(const struct provider_env *env, struct provider **ret, char **ret_why);
	void (*close)(struct provider *p);
	/*
	 * All records in the zones that pass the filters, as endpoints (names without final dot,
	 * TXT targets quoted as ExternalDNS keeps them: "\"heritage=…\"").  RECORDS is taken by the
	 * callback.
	 */
	void (*records)(struct provider *p,
			void (*done)(void *ctx, int err, const char *err_text,
				     struct endpoint_list *records),
			void *ctx);
	/*
	 * Apply in order; batches as the service allows.  Changes are borrowed until done, which
	 * says err = 0 if all landed; else each change carries its own err.  A registry's TXT
	 * changes come in the same call, next to their record, and must not be split from it where
	 * the service can batch.
	 */
	void (*apply)(struct provider *p, struct change *changes, size_t n,
		      void (*done)(void *ctx, int err, const char *err_text), void *ctx);
	/* Normalise desired endpoints as the service will give them back (TTL floors, proxied…).
	 * May be NULL. */
	void (*adjust)(struct provider *p, struct endpoint_list *desired);
	/* Origins of the hosted zones it manages (known after records); may be NULL. */
	const struct strv *(*zones)(struct provider *p);
	/* Can this record type be written?  NULL: A AAAA CNAME TXT NS SRV MX PTR CAA NAPTR DS yes.
	 */
	bool (*supports)(struct provider *p, const char *record_type);
	/*
	 * Is this provider-specific property kept by the service?  Others are taken out of desired
	 * endpoints, so that they never make a difference.  NULL: those that begin with the
	 * provider's name and "/" are.
	 */
	bool (*keeps)(struct provider *p, const char *property);
	/*
	 * As adjust, where the service itself must be asked (webhook).  DESIRED is taken; the
	 * callback takes what comes back.  NULL: none.
	 */
	void (*adjust_remote)(struct provider *p, struct endpoint_list *desired,
			      void (*done)(void *ctx, int err, const char *err_text,
					   struct endpoint_list *adjusted),
			      void *ctx);
	/* A domain filter of the service's own (webhook), known after records; NULL = none. */
	const struct domain_filter *(*filter)(struct provider *p);
	/* adjust looks at what the service has: it is asked again after each full read. */
	bool adjust_reads_view;
	/* The service refuses an asterisk elsewhere than as the whole first label
	 * ("a-*.example.org"). */
	bool no_inner_asterisk;
};
