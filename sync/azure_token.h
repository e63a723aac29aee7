/*
 * azure_token - who we are at Azure: azure.json (--azure-config-file) or the
 * AZURE_* environment, and the access token by client secret, workload identity, or
 * managed identity, in this order.  Control thread.
 */
#pragma once

#include <stdbool.h>

struct azure_token;
struct config;
struct http_client;
struct loop;

struct azure_account {
	char *tenant_id, *subscription_id, *resource_group;
	char *client_id, *client_secret;
	char *user_identity;    /* client id of a user-assigned identity */
	char *authority;        /* "https://login.microsoftonline.com", no final slash */
	char *resource_manager; /* "https://management.azure.com", no final slash */
	char *audience;
	bool use_managed_identity, use_workload_identity;
};

/* 0, or ERR_INVALID with *ret_why (caller frees) naming the file and field. */
int azure_account_load(const struct config *config, struct azure_account *ret, char **ret_why);
void azure_account_fini(struct azure_account *a);

/* The account is read from CONFIG's file and the environment for each token: secrets may rotate. */
struct azure_token *azure_token_new(struct loop *loop, struct http_client *http,
				    const struct config *config); /* borrows */
void azure_token_free(struct azure_token *t);
/* The service refused the token: forget it. */
void azure_token_drop(struct azure_token *t);
/* CB gets the token (borrowed), or an error and TEXT.  May call back at once. */
void azure_token_get(struct azure_token *t,
		     void (*cb)(void *ctx, int err, const char *text, const char *token),
		     void *ctx);
