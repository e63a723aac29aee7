/*
 * aws - what the files of the Route 53 provider share: accounts, hosted zones and
 * the view of their record sets.
 *
 *	provider_aws.c   accounts, signatures, life
 *	aws_read.c       hosted zones, their tags, their record sets
 *	aws_adjust.c     what a wish becomes there
 *	aws_apply.c      change batches, and waiting for them
 *
 * Private to these.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/map.h"
#include "lib/strv.h"
#include "sync/http_api.h"
#include "sync/provider.h"

struct aws_source;
struct xml;

#define AWS_API   "/2013-04-01"
#define AWS_XMLNS "https://route53.amazonaws.com/doc/2013-04-01/"

/* One set of credentials (--aws-profile), with the rate that its account has. */
struct aws_account {
	struct provider *p;
	struct http_api *api;
	struct aws_source *credentials;
	int64_t skew_s; /* of the service's clock */
};

struct aws_zone {
	struct aws_account *account;
	char *id;   /* without "/hostedzone/" */
	char *name; /* lower case, no final dot */
	bool is_private;
	struct map sets; /* "name type set-identifier" -> the set's XML as Route 53 has it */
};

struct provider {
	struct provider_env env;
	struct reading *reading; /* that is on its way; NULL = none */
	struct aws_account *accounts;
	size_t naccounts;
	const char *region;
	uint64_t zones_read_ms; /* when the list of zones was read; 0 = never */
	struct aws_zone **zones;
	size_t nzones;
	struct strv origins;
};

/* What went wrong, in the service's words; caller frees. */
char *aws_error_text(const struct http_api_result *r);
/* The key of a set in aws_zone.sets; caller frees. */
char *aws_set_key(const char *name, const char *type, const char *set_identifier);
void aws_zones_clear(struct provider *p);
/* End a reading that is on its way, without its callback. */
void aws_read_cancel(struct provider *p);
/* provider_ops.records, .adjust, .apply */
void aws_records(struct provider *p,
		 void (*done)(void *ctx, int err, const char *err_text,
			      struct endpoint_list *records),
		 void *ctx);
void aws_adjust(struct provider *p, struct endpoint_list *desired);
void aws_apply(struct provider *p, struct change *changes, size_t n,
	       void (*done)(void *ctx, int err, const char *err_text), void *ctx);
