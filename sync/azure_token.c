#include "sync/azure_token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/secret_file.h"
#include "sync/http_api.h"

#define IMDS "http://169.254.169.254/metadata/identity/oauth2/token"
#define FORM "application/x-www-form-urlencoded"

static const struct {
	const char *name, *authority, *manager;
} clouds[] = {
	{ "AzurePublicCloud", "https://login.microsoftonline.com", "https://management.azure.com" },
	{ "AzureCloud", "https://login.microsoftonline.com", "https://management.azure.com" },
	{ "AzureUSGovernmentCloud", "https://login.microsoftonline.us",
	  "https://management.usgovcloudapi.net" },
	{ "AzureUSGovernment", "https://login.microsoftonline.us",
	  "https://management.usgovcloudapi.net" },
	{ "AzureChinaCloud", "https://login.chinacloudapi.cn",
	  "https://management.chinacloudapi.cn" },
};

void azure_account_fini(struct azure_account *a)
{
	mem_wipe(a->client_secret, a->client_secret ? strlen(a->client_secret) : 0);
	free(a->tenant_id);
	free(a->subscription_id);
	free(a->resource_group);
	free(a->client_id);
	free(a->client_secret);
	free(a->user_identity);
	free(a->authority);
	free(a->resource_manager);
	free(a->audience);
	*a = (struct azure_account){ 0 };
}

/* The first of the words that is set and not empty; a copy, or NULL. */
static char *pick(const char *a, const char *b, const char *c)
{
	const char *words[] = { a, b, c };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i] && *words[i])
			return mem_strdup(words[i]);
	return NULL;
}

static void strip_slash(char *url)
{
	size_t len = strlen(url);

	if (len && url[len - 1] == '/')
		url[len - 1] = '\0';
}

static void fill(struct azure_account *a, const struct config *c, const cJSON *j)
{
	const char *cloud = json_text(j, "cloud");
	size_t k = 0;

	for (size_t i = 0; cloud && i < ARRAY_SIZE(clouds); i++)
		if (strcasecmp(clouds[i].name, cloud) == 0)
			k = i;
	a->tenant_id = pick(json_text(j, "tenantId"), getenv("AZURE_TENANT_ID"), NULL);
	a->subscription_id = pick(config_text(c, OPT_AZURE_SUBSCRIPTION_ID),
				  json_text(j, "subscriptionId"), getenv("AZURE_SUBSCRIPTION_ID"));
	a->resource_group = pick(config_text(c, OPT_AZURE_RESOURCE_GROUP),
				 json_text(j, "resourceGroup"), getenv("AZURE_RESOURCE_GROUP"));
	a->client_id = pick(json_text(j, "aadClientId"), getenv("AZURE_CLIENT_ID"), NULL);
	a->client_secret =
		pick(json_text(j, "aadClientSecret"), getenv("AZURE_CLIENT_SECRET"), NULL);
	a->user_identity = pick(config_text(c, OPT_AZURE_USER_ASSIGNED_IDENTITY_CLIENT_ID),
				json_text(j, "userAssignedIdentityID"), NULL);
	a->authority = pick(json_text(j, "activeDirectoryAuthorityHost"),
			    getenv("AZURE_AUTHORITY_HOST"), clouds[k].authority);
	a->resource_manager = pick(getenv("AZURE_RESOURCE_MANAGER_ENDPOINT"),
				   json_text(j, "resourceManagerEndpoint"), clouds[k].manager);
	strip_slash(a->authority);
	strip_slash(a->resource_manager);
	a->audience = pick(json_text(j, "resourceManagerAudience"), clouds[k].manager, NULL);
	strip_slash(a->audience);
	a->use_managed_identity = json_bool(j, "useManagedIdentityExtension", false);
	a->use_workload_identity = json_bool(j, "useWorkloadIdentityExtension", false) ||
				   (!a->client_secret && getenv("AZURE_FEDERATED_TOKEN_FILE"));
}

int azure_account_load(const struct config *config, struct azure_account *ret, char **ret_why)
{
	const char *path = config_text(config, OPT_AZURE_CONFIG_FILE);
	struct azure_account a = { 0 };
	char *text = secret_file_read(path);
	cJSON *json = text ? cJSON_Parse(text) : NULL;
	int err = 0;

	if (text && json == NULL) {
		*ret_why = mem_printf("azure: %s is no JSON", path);
		err = ERR_INVALID;
	} else if (text == NULL && !getenv("AZURE_TENANT_ID") &&
		   !getenv("AZURE_RESOURCE_MANAGER_ENDPOINT")) {
		*ret_why = mem_printf("azure: cannot read --azure-config-file=%s: %s", path,
				      strerror(errno));
		err = ERR_INVALID;
	} else {
		fill(&a, config, json);
	}
	if (err == 0 && (!a.subscription_id || !a.resource_group)) {
		*ret_why = mem_printf("azure: %s is not set (%s)",
				      a.subscription_id ? "resourceGroup" : "subscriptionId", path);
		azure_account_fini(&a);
		err = ERR_INVALID;
	}
	if (err == 0)
		*ret = a;
	secret_file_free(text);
	cJSON_Delete(json);
	return err;
}

/* --- tokens ------------------------------------------------------------------------------ */

struct waiter {
	struct waiter *next;
	void (*cb)(void *ctx, int err, const char *text, const char *token);
	void *ctx;
};

struct azure_token {
	const struct config *config;
	struct azure_account account; /* as it was for the last token */
	struct http_api *api;
	char *token;
	int64_t expires_s;
	struct waiter *waiters, **waiters_end;
	bool busy;
};

struct azure_token *azure_token_new(struct loop *loop, struct http_client *http,
				    const struct config *config)
{
	struct azure_token *t = MEM_NEW(struct azure_token);
	struct http_api_config c = {
		.loop = loop, .http = http, .base_url = "", .max_tries = 3, .timeout_ms = 10000
	};

	t->config = config;
	t->api = http_api_new(&c);
	t->waiters_end = &t->waiters;
	return t;
}

void azure_token_free(struct azure_token *t)
{
	if (t == NULL)
		return;
	http_api_free(t->api);
	azure_account_fini(&t->account);
	while (t->waiters) {
		struct waiter *w = t->waiters;

		t->waiters = w->next;
		free(w);
	}
	mem_wipe(t->token, t->token ? strlen(t->token) : 0);
	free(t->token);
	free(t);
}

static void finish(struct azure_token *t, int err, const char *text)
{
	struct waiter *w = t->waiters;

	t->busy = false;
	t->waiters = NULL;
	t->waiters_end = &t->waiters;
	while (w) {
		struct waiter *next = w->next;

		w->cb(w->ctx, err, text, err ? NULL : t->token);
		free(w);
		w = next;
	}
}

static void on_token(void *ctx, const struct http_api_result *r)
{
	struct azure_token *t = ctx;
	const char *token = json_text(r->json, "access_token");
	const char *word = json_text(r->json, "error_description");

	if (r->err || token == NULL) {
		if (word == NULL)
			word = json_text(r->json, "error");
		if (word == NULL)
			word = r->status ? "no token in the answer" : r->body;
		char *text = mem_printf("azure: token: %.*s", (int)strcspn(word, "\r\n"), word);
		finish(t, r->err ? r->err : ERR_AUTH, text);
		free(text);
		return;
	}
	mem_strset(&t->token, token);
	/* a number here, a text there */
	const cJSON *in = json_get(r->json, "expires_in");
	int64_t seconds = cJSON_IsString(in) ? strtoll(in->valuestring, NULL, 10)
					     : json_number(r->json, "expires_in", 3600);
	t->expires_s = clock_real_s() + seconds - 60;
	finish(t, 0, NULL);
}

static void add_form(struct buf *b, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(b, "%s%s=", b->len ? "&" : "", name);
	http_api_escape(b, value);
}

/* Client credentials: SECRET, or a signed ASSERTION of the cluster (workload identity). */
static void ask_authority(struct azure_token *t, const char *secret, const char *assertion)
{
	const struct azure_account *a = &t->account;
	struct buf form = { 0 };
	char *url = mem_printf("%s/%s/oauth2/v2.0/token", a->authority, a->tenant_id);
	char *scope = mem_printf("%s/.default", a->audience);

	add_form(&form, "grant_type", "client_credentials");
	add_form(&form, "client_id", a->client_id);
	add_form(&form, "scope", scope);
	add_form(&form, "client_secret", secret);
	if (assertion) {
		add_form(&form, "client_assertion_type",
			 "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
		add_form(&form, "client_assertion", assertion);
	}
	http_api_send(t->api, "POST", url, form.data, FORM, NULL, on_token, t);
	mem_wipe(form.data, form.len);
	buf_fini(&form);
	free(scope);
	free(url);
}

static void ask_metadata(struct azure_token *t)
{
	static const char *const headers[] = { "Metadata: true", NULL };
	const char *base = getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	struct buf url = { 0 };

	if (base && *base)
		buf_printf(&url, "%s/metadata/identity/oauth2/token", base);
	else
		buf_puts(&url, IMDS);
	buf_puts(&url, "?api-version=2018-02-01&resource=");
	http_api_escape(&url, t->account.audience);
	if (t->account.user_identity) {
		buf_puts(&url, "&client_id=");
		http_api_escape(&url, t->account.user_identity);
	}
	http_api_send(t->api, "GET", url.data, NULL, NULL, headers, on_token, t);
	buf_fini(&url);
}

static void ask(struct azure_token *t)
{
	const struct azure_account *a = &t->account;
	bool has_secret = a->client_id && a->client_secret && *a->client_secret &&
			  strcasecmp(a->client_secret, "msi") != 0 &&
			  strcasecmp(a->client_id, "msi") != 0;

	if (has_secret && a->tenant_id) {
		ask_authority(t, a->client_secret, NULL);
		return;
	}
	if (a->use_workload_identity) {
		char *assertion = secret_file_read(getenv("AZURE_FEDERATED_TOKEN_FILE"));

		if (assertion && a->tenant_id && a->client_id)
			ask_authority(t, NULL, assertion);
		else
			finish(t, ERR_AUTH,
			       "azure: workload identity needs AZURE_FEDERATED_TOKEN_FILE, a "
			       "client id "
			       "and a tenant id");
		secret_file_free(assertion);
		return;
	}
	if (a->use_managed_identity || a->user_identity) {
		ask_metadata(t);
		return;
	}
	finish(t, ERR_AUTH,
	       "azure: no credentials: set aadClientId and aadClientSecret, "
	       "useWorkloadIdentityExtension, or useManagedIdentityExtension");
}

void azure_token_drop(struct azure_token *t)
{
	if (!t->busy)
		mem_strset(&t->token, NULL);
}

static void begin(struct azure_token *t)
{
	struct azure_account now = { 0 };
	char *why = NULL;

	if (azure_account_load(t->config, &now, &why) < 0) {
		finish(t, ERR_AUTH, why);
		free(why);
		return;
	}
	azure_account_fini(&t->account);
	t->account = now;
	ask(t);
}

void azure_token_get(struct azure_token *t,
		     void (*cb)(void *ctx, int err, const char *text, const char *token), void *ctx)
{
	if (!t->busy && t->token && t->expires_s > clock_real_s()) {
		cb(ctx, 0, NULL, t->token);
		return;
	}
	struct waiter *w = MEM_NEW(struct waiter);
	w->cb = cb;
	w->ctx = ctx;
	*t->waiters_end = w;
	t->waiters_end = &w->next;
	if (t->busy)
		return;
	t->busy = true;
	begin(t);
}
