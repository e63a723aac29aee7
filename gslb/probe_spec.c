#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "gslb/probe.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/rrtype.h"

#define DAY_MS 86400000

void probe_spec_free(struct probe_spec *s)
{
	if (s == NULL)
		return;
	free(s->name);
	free(s->method);
	free(s->path);
	free(s->host);
	free(s->body);
	free(s->server_name);
	free(s->service);
	free(s->dns_name);
	free(s->file);
	free(s->url);
	free(s->field);
	free(s->key);
	strv_fini(&s->headers);
	strv_fini(&s->statuses);
	strv_fini(&s->command);
	free(s);
}

static char *text_or(const cJSON *json, const char *path, const char *def)
{
	const char *text = json_text(json, path);

	return mem_strdup(text && *text ? text : def);
}

/* A duration at PATH between MIN and a day; the field's name in *ret_why if it is none. */
static unsigned duration(const cJSON *json, const char *path, unsigned def, unsigned min,
			 char **ret_why)
{
	const char *text = json_text(json, path);
	int64_t ms = def;

	if (text && (clock_duration_ms(text, &ms) < 0 || ms < min || ms > DAY_MS)) {
		free(*ret_why);
		*ret_why = mem_printf("%s: \"%s\" is no duration between %u ms and a day", path,
				      text, min);
		return def;
	}
	return (unsigned)ms;
}

static void read_http(const cJSON *json, const char *host, struct probe_spec *s, char **ret_why)
{
	const cJSON *it = NULL;

	s->method = text_or(json, "http.method", "GET");
	s->path = text_or(json, "http.path", "/");
	s->host = text_or(json, "http.host", host);
	s->body = text_or(json, "http.expectedBody", NULL);
	json_strings(json, "http.expectedStatuses", &s->statuses);
	cJSON_ArrayForEach(it, json_get(json, "http.headers")) {
		const char *name = json_text(it, "name"), *value = json_text(it, "value");

		if (name && value)
			strv_take(&s->headers, mem_printf("%s: %s", name, value));
	}
	for (size_t i = 0; i < s->headers.n; i++)
		if (strpbrk(s->headers.s[i], "\r\n"))
			mem_strset(ret_why, "http.headers: a line break in a header");
	if (s->path[0] != '/' || strpbrk(s->path, " \r\n") || strpbrk(s->host, " \r\n") ||
	    strpbrk(s->method, " \r\n"))
		mem_strset(ret_why, "http.path: must begin with / and hold no blank or line break");
}

static void read_dns(const cJSON *json, const char *host, struct probe_spec *s, char **ret_why)
{
	static const char *const rcodes[] = { "NOERROR",  "FORMERR", "SERVFAIL",
					      "NXDOMAIN", "NOTIMP",  "REFUSED" };
	const char *type = json_text(json, "dns.type"),
		   *rcode = json_text(json, "dns.expectedRcode");

	s->dns_name = text_or(json, "dns.name", host);
	s->dns_type = RRTYPE_A;
	if (type && rrtype_from_text(type, &s->dns_type) < 0)
		mem_strset(ret_why, "dns.type: no record type");
	for (unsigned i = 0; rcode && i < ARRAY_SIZE(rcodes); i++)
		if (strcasecmp(rcodes[i], rcode) == 0)
			s->dns_rcode = i;
}

static void make_key(struct probe_spec *s)
{
	char *headers = strv_join(&s->headers, "\n"), *statuses = strv_join(&s->statuses, ",");
	char *command = strv_join(&s->command, "\n");

	s->key = mem_printf(
		"%s|%u|%u|%u|%u|%u|%s|%s|%s|%s|%s|%s|%s|%d|%s|%s|%u|%u|%s|%s|%s|%s|%g|%g|%g|%d",
		s->ops->name, s->port, s->interval_ms, s->timeout_ms, s->rise, s->fall, s->method,
		s->path, s->host, headers, statuses, s->body ? s->body : "", s->server_name,
		s->verify, s->service, s->dns_name, s->dns_type, s->dns_rcode, command,
		s->file ? s->file : "", s->url ? s->url : "", s->field ? s->field : "", s->max,
		s->low, s->high, s->inverted);
	free(headers);
	free(statuses);
	free(command);
}

int probe_spec_read(const cJSON *json, const char *host, struct probe_spec **ret, char **ret_why)
{
	const char *type = json_text(json, "type");
	const struct probe_ops *ops = type ? probe_find(type) : NULL;
	char *why = NULL;

	if (ops == NULL) {
		*ret_why = mem_printf("type: there is no probe kind \"%s\"", type ? type : "");
		return ERR_INVALID;
	}
	struct probe_spec *s = MEM_NEW(struct probe_spec);
	int64_t port = json_number(json, "port", ops->port);
	s->ops = ops;
	s->name = text_or(json, "name", ops->name);
	s->port = (uint16_t)port;
	s->interval_ms = duration(json, "interval", 10000, 100, &why);
	s->timeout_ms = duration(json, "timeout", 2000, 10, &why);
	s->rise = (unsigned)json_number(json, "rise", 2);
	s->fall = (unsigned)json_number(json, "fall", 3);
	read_http(json, host, s, &why);
	read_dns(json, host, s, &why);
	s->server_name = text_or(json, "tls.serverName", s->host);
	s->verify = json_bool(json, "tls.verify", false);
	s->service = text_or(json, "grpc.service", "");
	json_strings(json, "exec.command", &s->command);
	s->file = text_or(json, "file.path", NULL);
	s->url = text_or(json, "feed.url", NULL);
	s->field = text_or(json, "feed.field", NULL);
	const cJSON *max = json_get(json, "feed.max");
	const cJSON *low = json_get(json, "feed.low"), *high = json_get(json, "feed.high");
	s->max = cJSON_IsNumber(max) ? max->valuedouble : 0;
	s->low = cJSON_IsNumber(low) ? low->valuedouble : 0;
	s->high = cJSON_IsNumber(high) ? high->valuedouble : 0;
	s->inverted = json_bool(json, "inverted", false);
	if (!why && (port < 0 || port > 65535 || (ops->needs_port && port == 0)))
		why = mem_strdup("port: must be 1 to 65535");
	if (!why && (s->rise < 1 || s->rise > 100 || s->fall < 1 || s->fall > 100))
		why = mem_strdup("rise, fall: must be 1 to 100");
	if (!why && s->timeout_ms > s->interval_ms)
		why = mem_strdup("timeout: must not be longer than interval");
	if (!why && ops->check)
		why = ops->check(s);
	if (why) {
		probe_spec_free(s);
		*ret_why = why;
		return ERR_INVALID;
	}
	make_key(s);
	*ret = s;
	return 0;
}
