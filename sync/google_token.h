/*
 * google_token - OAuth 2 access tokens for Google APIs by Application Default
 * Credentials: a service account's key (JWT bearer, RS256), workload identity
 * federation (external_account), an authorised user's refresh token, or the
 * metadata server.  Cached until a minute before the end.  Control thread.
 */
#pragma once

#include <stdint.h>

struct google_token;
struct http_client;
struct loop;

struct google_token *google_token_new(struct loop *loop, struct http_client *http);
void google_token_free(struct google_token *t);
/*
 * CB gets the access token (borrowed), or an error and TEXT.  May call back at once.
 */
void google_token_get(struct google_token *t,
		      void (*cb)(void *ctx, int err, const char *text, const char *token),
		      void *ctx);
/* The project that the credentials name (service account, metadata); NULL if none.  Same rules. */
void google_token_project(struct google_token *t,
			  void (*cb)(void *ctx, int err, const char *text, const char *project),
			  void *ctx);
/*
 * The service refused the token, or asked for one refused: forget it.  SKEW_S: how far the
 * service's clock is ahead of ours.
 */
void google_token_drop(struct google_token *t, int64_t skew_s);
