/*
 * aws_sigv4 - AWS Signature Version 4 (the AWS4-HMAC-SHA256 algorithm of AWS's
 * "Signing AWS API requests").  Pure but for the clock.  Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct aws_credentials {
	char *access_key, *secret_key;
	char *session_token; /* NULL if none */
	int64_t expires_s;   /* Unix time; 0 = never */
};
void aws_credentials_fini(struct aws_credentials *c); /* wipes */

struct aws_request {
	const char *method;
	const char *url;  /* absolute, query percent-encoded */
	const char *body; /* may be NULL */
	size_t body_len;
	const char *service, *region;
	int64_t now_s;
};

/*
 * The headers that authorise REQUEST, each "Name: value", caller frees: X-Amz-Date, Authorization,
 * and X-Amz-Security-Token where there is one (else NULL).
 */
void aws_sigv4_sign(const struct aws_request *r, const struct aws_credentials *c, char **ret_date,
		    char **ret_token, char **ret_authorization);
