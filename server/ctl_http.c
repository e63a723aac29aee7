/*
 * ctl_http - one request to the daemon, by libcurl's easy interface.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "server/ctl.h"

#define ANSWER_MAX (256u * 1024 * 1024)

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct buf *b = ctx;

	if (b->len + size * n > ANSWER_MAX)
		return 0; /* curl: write error */
	buf_add(b, data, size * n);
	return size * n;
}

/* The URL of PATH; "unix:…" gives a host that is only a name. */
static char *make_url(const struct ctl *c, const char *path)
{
	size_t len = strlen(c->server);

	if (!strncmp(c->server, "unix:", 5))
		return mem_printf("http://gslbd%s", path);
	if (strstr(c->server, "://"))
		return mem_printf("%.*s%s", (int)(len - (c->server[len - 1] == '/')), c->server,
				  path);
	return mem_printf("http://%s%s%s", c->server[0] == ':' ? "127.0.0.1" : "", c->server, path);
}

/* "Authorization: Bearer …" from the token file, or NULL with *ret_why if it cannot be read. */
static char *authorization(const char *file, char **ret_why)
{
	FILE *f = fopen(file, "re");
	char line[512], *header = NULL;

	if (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = '\0';
		header = mem_printf("Authorization: Bearer %s", line);
		mem_wipe(line, sizeof(line));
	} else {
		*ret_why = mem_printf("cannot read the token in %s", file);
	}
	if (f)
		fclose(f);
	return header;
}

int ctl_http(const struct ctl *c, const char *path, const char *body, long *ret_status,
	     struct buf *ret_body, char **ret_why)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char *url = make_url(c, path), *auth = NULL;
	CURLcode code;
	int err = 0;

	if (c->token_file && *c->token_file) {
		auth = authorization(c->token_file, ret_why);
		if (!auth) {
			err = ERR_IO;
			goto out;
		}
		headers = curl_slist_append(headers, auth);
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_body);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, c->timeout_s);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (!strncmp(c->server, "unix:", 5))
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->server + 5);
	if (c->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_file);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK) {
		*ret_why = mem_printf("cannot ask gslbd at %s: %s", c->server,
				      curl_easy_strerror(code));
		err = ERR_NETWORK;
	} else {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	}
out:
	if (auth)
		mem_wipe(auth, strlen(auth));
	free(auth);
	free(url);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return err;
}

cJSON *ctl_ask(const struct ctl *c, const char *path, const char *body, int *ret_exit)
{
	struct buf answer = { 0 };
	char *why = NULL;
	long status = 0;
	cJSON *reply = NULL;

	if (!ctl_http(c, path, body, &status, &answer, &why)) {
		reply = cJSON_ParseWithLength(buf_str(&answer), answer.len);
		if (!reply)
			why = mem_printf("status %ld without JSON from %s", status, c->server);
		else if (status >= 400)
			why = mem_strdup(json_text(reply, "error"));
	}
	if (!reply || status >= 400) {
		fprintf(stderr, "%s: %s\n", c->program, why ? why : "refused");
		cJSON_Delete(reply);
		reply = NULL;
		*ret_exit = 1;
	}
	free(why);
	buf_fini(&answer);
	return reply;
}
