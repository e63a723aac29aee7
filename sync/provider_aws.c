/*
 * provider_aws - Route 53 (API 2013-04-01): accounts and their signatures
 * (SigV4).  Reading is in aws_read.c, writing in aws_apply.c.
 * AWS_ENDPOINT_URL_ROUTE_53 or AWS_ENDPOINT_URL chooses another endpoint.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "sync/aws.h"
#include "sync/aws_credentials.h"
#include "sync/http_api.h"
#include "sync/provider.h"

#define SKEW_S 60 /* a clock that is further off gets its requests refused, sooner or later */

extern const struct provider_ops provider_aws;

struct signing {
	struct aws_account *account;
	struct http_api_call *call;
};

static void on_credentials(void *ctx, int err, const char *text, const struct aws_credentials *c)
{
	struct signing *g = ctx;
	struct http_api_call *call = g->call;

	if (err == 0) {
		char *date, *token, *authorization;
		struct aws_request r = { .method = http_api_call_method(call),
					 .url = http_api_call_url(call),
					 .service = "route53",
					 .region = g->account->p->region,
					 .now_s = clock_real_s() + g->account->skew_s };
		r.body = http_api_call_body(call, &r.body_len);
		aws_sigv4_sign(&r, c, &date, &token, &authorization);
		http_api_call_header(call, "%s", date);
		http_api_call_header(call, "%s", authorization);
		if (token)
			http_api_call_header(call, "%s", token);
		free(date);
		free(token);
		free(authorization);
	}
	free(g);
	http_api_call_go(call, err, text);
}

static void authorize(void *ctx, struct http_api_call *call)
{
	struct aws_account *account = ctx;
	struct signing *g = MEM_NEW(struct signing);

	*g = (struct signing){ account, call };
	aws_source_get(account->credentials, on_credentials, g);
}

/* Refused: the clocks differ, or the session is over before its time. */
static bool renew(void *ctx, const struct http_response *r)
{
	struct aws_account *account = ctx;
	int64_t theirs = http_api_date_s(r), off = theirs - clock_real_s();

	if (theirs > 0 && (off > account->skew_s + SKEW_S || off < account->skew_s - SKEW_S))
		account->skew_s = off;
	aws_source_drop(account->credentials, account->skew_s);
	return true;
}

static bool is_throttle(void *ctx, int status, const char *body)
{
	(void)ctx;
	return status == 400 &&
	       (strstr(body, "<Code>Throttling") || strstr(body, "<Code>PriorRequestNotComplete"));
}

static const struct strv *aws_zones(struct provider *p)
{
	return &p->origins;
}

static void aws_close(struct provider *p)
{
	if (p == NULL)
		return;
	aws_read_cancel(p);
	for (size_t i = 0; i < p->naccounts; i++) {
		http_api_free(p->accounts[i].api);
		aws_source_free(p->accounts[i].credentials);
	}
	free(p->accounts);
	aws_zones_clear(p);
	free(p);
}

static bool aws_keeps(struct provider *p, const char *property)
{
	(void)p;
	return strcmp(property, "alias") == 0 || strncmp(property, "aws/", 4) == 0;
}

static const char *env_or(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

static void open_account(struct provider *p, struct aws_account *account, const char *base,
			 const char *profile)
{
	const struct config *config = p->env.config;
	struct aws_source_config credentials = {
		.loop = p->env.loop,
		.http = p->env.http,
		.profile = profile,
		.assume_role = config_text(config, OPT_AWS_ASSUME_ROLE),
		.external_id = config_text(config, OPT_AWS_ASSUME_ROLE_EXTERNAL_ID),
	};
	/* 2026: burst 50, 10 a second for an account */
	struct http_api_config c = {
		.loop = p->env.loop,
		.http = p->env.http,
		.base_url = base,
		.rate_per_s = 10,
		.burst = 50,
		.max_tries = (unsigned)config_number(config, OPT_AWS_API_RETRIES) + 1,
		.authorize = authorize,
		.is_throttle = is_throttle,
		.renew = renew,
		.ctx = account,
	};

	account->p = p;
	account->credentials = aws_source_new(&credentials);
	account->api = http_api_new(&c);
}

static int aws_open(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	struct provider *p = MEM_NEW(struct provider);
	const char *region = env_or("AWS_REGION", env_or("AWS_DEFAULT_REGION", ""));
	const struct strv *profiles = config_list(env->config, OPT_AWS_PROFILE);

	(void)ret_why;
	p->env = *env;
	/* a global service: one signing region a partition */
	const char *url = "https://route53.amazonaws.com";
	p->region = "us-east-1";
	if (strncmp(region, "cn-", 3) == 0) {
		p->region = "cn-northwest-1";
		url = "https://route53.amazonaws.com.cn";
	} else if (strncmp(region, "us-gov-", 7) == 0) {
		p->region = "us-gov-west-1";
		url = "https://route53.us-gov.amazonaws.com";
	}
	url = env_or("AWS_ENDPOINT_URL_ROUTE_53", env_or("AWS_ENDPOINT_URL", url));
	size_t len = strlen(url);
	char *base = mem_strndup(url, len && url[len - 1] == '/' ? len - 1 : len);
	p->naccounts = profiles->n ? profiles->n : 1;
	p->accounts = mem_calloc(p->naccounts, sizeof(*p->accounts));
	for (size_t i = 0; i < p->naccounts; i++)
		open_account(p, &p->accounts[i], base, profiles->n ? profiles->s[i] : NULL);
	free(base);
	*ret = p;
	return 0;
}

const struct provider_ops provider_aws = {
	.name = "aws",
	.open = aws_open,
	.close = aws_close,
	.records = aws_records,
	.apply = aws_apply,
	.adjust = aws_adjust,
	.zones = aws_zones,
	.keeps = aws_keeps,
};
