/*
 * web_page - the status page: one HTML text, and the Content-Security-Policy
 * that allows exactly its own script and style.  Control thread.
 */
#pragma once

struct http_exchange;
struct web_page;

struct web_page *web_page_new(void);
void web_page_free(struct web_page *p);
/* Route handler of "/"; ctx is the page. */
void web_page_reply(void *ctx, struct http_exchange *x);
