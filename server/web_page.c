/*
 * web_page - the status page; see web_page.h.  The text is server/page.html.
 */
#include "server/web_page.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http_server.h"
#include "lib/mem.h"
#include "server/page_text.h"

struct web_page {
	char *policy;
};

/* "sha256-BASE64" (CSP 3) of what stands between the tags <TAG> and </TAG>; caller frees. */
static char *hash_of(const char *tag)
{
	char open[16] = "<", close[16] = "</";
	unsigned char sum[32], text[45];
	const char *begin, *end;

	strcat(strcat(open, tag), ">");
	strcat(strcat(close, tag), ">");
	begin = strstr(page_text, open);
	assert(begin);
	begin += strlen(open);
	end = strstr(begin, close);
	assert(end);
	if (!EVP_Digest(begin, (size_t)(end - begin), sum, NULL, EVP_sha256(), NULL))
		abort(); /* a library without SHA-256 */
	EVP_EncodeBlock(text, sum, sizeof(sum));
	return mem_printf("'sha256-%s'", (const char *)text);
}

struct web_page *web_page_new(void)
{
	struct web_page *p = MEM_NEW(struct web_page);
	char *script = hash_of("script"), *style = hash_of("style");

	p->policy =
		mem_printf("default-src 'none'; script-src %s; style-src %s; connect-src 'self'; "
			   "img-src data:; base-uri 'none'; form-action 'none'; "
			   "frame-ancestors 'none'",
			   script, style);
	free(script);
	free(style);
	return p;
}

void web_page_free(struct web_page *p)
{
	if (!p)
		return;
	free(p->policy);
	free(p);
}

void web_page_reply(void *ctx, struct http_exchange *x)
{
	const struct web_page *p = ctx;

	http_exchange_set(x, "Content-Security-Policy", p->policy);
	http_exchange_set(x, "Referrer-Policy", "no-referrer");
	http_exchange_reply(x, 200, "text/html; charset=utf-8", page_text, sizeof(page_text) - 1);
}
