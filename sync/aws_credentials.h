/*
 * aws_credentials - where AWS credentials come from, in the order of AWS's own
 * SDKs: environment, web identity (IRSA), shared profile, container endpoint (EKS
 * pod identity, ECS), instance metadata (IMDSv2); then an assumed role on top.
 * Cached until five minutes before they expire.  Control thread.
 */
#pragma once

#include <stdint.h>

#include "sync/aws_sigv4.h"

struct http_client;
struct loop;
struct aws_source;

struct aws_source_config {
	struct loop *loop;
	struct http_client *http;
	const char *profile;     /* NULL or "" = AWS_PROFILE or "default" */
	const char *assume_role; /* ARN; NULL or "" = none */
	const char *external_id; /* for assume_role; NULL or "" = none */
};

struct aws_source *aws_source_new(const struct aws_source_config *config); /* copies */
void aws_source_free(struct aws_source *s);
/*
 * Call CB with credentials (borrowed; TEXT NULL), or an error and TEXT without secrets.
 * May call back before it returns when the cache is good.
 */
void aws_source_get(struct aws_source *s,
		    void (*cb)(void *ctx, int err, const char *text,
			       const struct aws_credentials *c),
		    void *ctx);
/*
 * The service refused what it was given: forget it, so that the next get asks anew.  SKEW_S: how
 * far the service's clock is ahead of ours, for signatures.
 */
void aws_source_drop(struct aws_source *s, int64_t skew_s);
