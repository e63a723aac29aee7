#include "server/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"

#define DEFAULT_PORT 53

void server_settings_init(struct server_settings *s)
{
	memset(s, 0, sizeof(*s));
	s->udp_size = 1232;
	s->rotate = true;
	s->ecs_trust_all = true;
	s->rate_limit = 200;
	s->rate_limit_slip = 2;
	s->tcp_clients = 10000;
	s->tcp_idle_ms = 10000;
}

void server_settings_fini(struct server_settings *s)
{
	free(s->listen);
	free(s->ecs_trust);
	free(s->rate_limit_exempt);
	free(s->nsid);
	free(s->id_server);
	free(s->version);
	free(s->cookie_secret_file);
	mem_wipe(&s->cookies, sizeof(s->cookies));
	memset(s, 0, sizeof(*s));
}

static int bad(char **ret_why, enum option o, const char *value, int err)
{
	*ret_why = mem_printf("--%s=%s: %s", config_option_name(o), value, error_text(err));
	return ERR_INVALID;
}

static int load_listen(const struct config *c, struct server_settings *s, char **ret_why)
{
	const struct strv *list = config_list(c, OPT_LISTEN);

	if (list->n > 64)
		return bad(ret_why, OPT_LISTEN, list->s[64], ERR_LIMIT);
	s->listen = mem_calloc(list->n + 1, sizeof(s->listen[0]));
	for (size_t i = 0; i < list->n; i++) {
		int err = netaddr_from_text_port(list->s[i], DEFAULT_PORT, &s->listen[s->nlisten]);

		if (err)
			return bad(ret_why, OPT_LISTEN, list->s[i], err);
		s->nlisten++;
	}
	return 0;
}

static int load_prefixes(const struct config *c, enum option o, struct netprefix **ret,
			 size_t *ret_n, char **ret_why)
{
	const struct strv *list = config_list(c, o);

	*ret = mem_calloc(list->n + 1, sizeof((*ret)[0]));
	for (size_t i = 0; i < list->n; i++) {
		int err = netprefix_from_text(list->s[i], &(*ret)[i]);

		if (err)
			return bad(ret_why, o, list->s[i], err);
	}
	*ret_n = list->n;
	return 0;
}

static int load_trust(const struct config *c, struct server_settings *s, char **ret_why)
{
	bool v4 = false;
	bool v6 = false;
	int err = load_prefixes(c, OPT_ECS_TRUST, &s->ecs_trust, &s->necs_trust, ret_why);

	for (size_t i = 0; i < s->necs_trust; i++) {
		const struct netprefix *p = &s->ecs_trust[i];

		v4 |= p->len == 0 && p->addr.family == 4;
		v6 |= p->len == 0 && p->addr.family == 6;
	}
	s->ecs_trust_all = v4 && v6;
	return err;
}

static int load_agent(const struct config *c, struct server_settings *s, char **ret_why)
{
	const char *text = config_text(c, OPT_REPORT_AGENT);
	int err = *text ? dname_from_text(text, s->report_agent) : 0;

	return err ? bad(ret_why, OPT_REPORT_AGENT, text, err) : 0;
}

/* 32 hex digits.  Says nothing of the secret when it is bad. */
static int add_secret(struct cookie_keys *k, const char *hex, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	if (k->n == ARRAY_SIZE(k->secret))
		return ERR_LIMIT;
	if (len != 32)
		return ERR_SYNTAX;
	for (size_t i = 0; i < len; i++) {
		const char *d = memchr(digits, tolower((unsigned char)hex[i]), 16);

		if (d == NULL)
			return ERR_SYNTAX;
		uint8_t *to = &k->secret[k->n][i / 2];
		*to = (uint8_t)(*to << 4 | (d - digits));
	}
	k->n++;
	return 0;
}

static int read_line(struct cookie_keys *k, const char *line)
{
	const char *text = line + strspn(line, " \t");
	size_t len = strcspn(text, " \t\r\n#");

	return len ? add_secret(k, text, len) : 0;
}

int server_settings_secrets(const char *path, struct cookie_keys *ret, char **ret_why)
{
	struct cookie_keys k = { .n = 0 };
	FILE *f = fopen(path, "re");
	char line[256];
	int err = 0;

	if (f == NULL) {
		*ret_why = mem_printf("%s: %s", path, strerror(errno));
		return ERR_IO;
	}
	for (unsigned n = 1; !err && fgets(line, sizeof(line), f); n++) {
		err = read_line(&k, line);
		if (err)
			*ret_why = mem_printf("%s line %u: %s", path, n,
					      err == ERR_LIMIT ? "more than two secrets"
							       : "not 32 hex digits");
	}
	(void)fclose(f);
	if (!err && k.n == 0) {
		*ret_why = mem_printf("%s: no secret in it", path);
		err = ERR_INVALID;
	}
	if (!err)
		*ret = k;
	mem_wipe(line, sizeof(line));
	mem_wipe(&k, sizeof(k));
	return err ? ERR_INVALID : 0;
}

static int load_cookies(const struct config *c, struct server_settings *s, char **ret_why)
{
	const char *hex = config_text(c, OPT_COOKIE_SECRET);
	const char *path = config_text(c, OPT_COOKIE_SECRET_FILE);
	char *why = NULL;
	int err = 0;

	if (*path) {
		s->cookie_secret_file = mem_strdup(path);
		err = server_settings_secrets(path, &s->cookies, &why);
		if (err)
			*ret_why = mem_printf("--cookie-secret-file: %s", why);
		free(why);
	} else if (*hex && add_secret(&s->cookies, hex, strlen(hex))) {
		*ret_why = mem_strdup("--cookie-secret: not 32 hex digits");
		err = ERR_INVALID;
	}
	return err;
}

static char *text_or_null(const struct config *c, enum option o)
{
	const char *text = config_text(c, o);

	return *text ? mem_strdup(text) : NULL;
}

static int load_numbers(const struct config *c, struct server_settings *s, char **ret_why)
{
	static const struct {
		enum option option;
		int64_t least, most;
	} limits[] = {
		{ OPT_WORKERS, 0, 1024 },
		{ OPT_EDNS_SIZE, 512, 4096 },
		{ OPT_RATE_LIMIT, 0, 1000000 },
		{ OPT_RATE_LIMIT_SLIP, 0, 1000 },
		{ OPT_MAX_TCP_CLIENTS, 1, 1000000 },
		{ OPT_MAX_TCP_CLIENTS_PER_ADDRESS, 0, 1000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		int64_t v = config_number(c, limits[i].option);

		if (v >= limits[i].least && v <= limits[i].most)
			continue;
		*ret_why = mem_printf("--%s: must be %lld to %lld",
				      config_option_name(limits[i].option),
				      (long long)limits[i].least, (long long)limits[i].most);
		return ERR_INVALID;
	}
	s->workers = (unsigned)config_number(c, OPT_WORKERS);
	s->udp_size = (uint16_t)config_number(c, OPT_EDNS_SIZE);
	s->rate_limit = (unsigned)config_number(c, OPT_RATE_LIMIT);
	s->rate_limit_slip = (unsigned)config_number(c, OPT_RATE_LIMIT_SLIP);
	s->tcp_clients = (unsigned)config_number(c, OPT_MAX_TCP_CLIENTS);
	s->tcp_clients_per_address = (unsigned)config_number(c, OPT_MAX_TCP_CLIENTS_PER_ADDRESS);
	int64_t idle = config_ms(c, OPT_TCP_IDLE_TIMEOUT);
	s->tcp_idle_ms = idle < 100 ? 100 : idle > 6553500 ? 6553500 : (unsigned)idle;
	return 0;
}

int server_settings_load(const struct config *c, struct server_settings *ret, char **ret_why)
{
	struct server_settings s;

	server_settings_init(&s);
	s.full_responses = config_bool(c, OPT_FULL_RESPONSES);
	s.rotate = config_bool(c, OPT_ROTATE);
	s.rate_limit_dry_run = config_bool(c, OPT_RATE_LIMIT_DRY_RUN);
	s.cookie_required = config_bool(c, OPT_REQUIRE_COOKIES);
	s.nsid = text_or_null(c, OPT_NSID);
	s.id_server = text_or_null(c, OPT_SERVER_ID);
	s.version = text_or_null(c, OPT_VERSION_TEXT);
	int err = load_listen(c, &s, ret_why);
	if (!err)
		err = load_trust(c, &s, ret_why);
	if (!err)
		err = load_prefixes(c, OPT_RATE_LIMIT_EXEMPT, &s.rate_limit_exempt,
				    &s.nrate_limit_exempt, ret_why);
	if (!err)
		err = load_agent(c, &s, ret_why);
	if (!err)
		err = load_cookies(c, &s, ret_why);
	if (!err)
		err = load_numbers(c, &s, ret_why);
	if (err) {
		server_settings_fini(&s);
		return err;
	}
	*ret = s;
	return 0;
}
