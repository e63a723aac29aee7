/*
 * settings - the server room's options in the form the workers use.
 * Filled from the configuration once; tests fill it by hand after
 * server_settings_init.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"
#include "server/cookie.h"

struct config;

struct server_settings {
	struct netaddr *listen; /* owned */
	size_t nlisten;
	unsigned workers;            /* 0 = one a CPU */
	uint16_t udp_size;           /* largest UDP answer, also advertised (RFC 9715): 1232 */
	bool full_responses;         /* NS and its addresses also where not needed */
	bool rotate;                 /* RRsets that ask for it begin with another RR each time */
	bool ecs_trust_all;          /* any client's subnet option (RFC 7871) chooses the answer */
	struct netprefix *ecs_trust; /* else those of these; owned */
	size_t necs_trust;
	char *nsid;                /* NULL = none; owned */
	char *id_server;           /* id.server/hostname.bind CH TXT; NULL = none; owned */
	char *version;             /* version.bind/version.server CH TXT; NULL = none; owned */
	uint8_t report_agent[256]; /* RFC 9567 agent, wire; [0] == 0: none */
	/* Cookies (RFC 9018): the first secret makes, all are accepted.  0 = a random one. */
	struct cookie_keys cookies;
	char *cookie_secret_file; /* read again when it changes; NULL = none; owned */
	bool cookie_required;     /* UDP without a good server cookie gets BADCOOKIE */
	unsigned rate_limit;      /* responses a second a prefix; 0 = off */
	unsigned rate_limit_slip; /* every Nth limited answer goes out truncated; 0 = none */
	bool rate_limit_dry_run;
	struct netprefix *rate_limit_exempt; /* never limited; owned */
	size_t nrate_limit_exempt;
	unsigned tcp_clients;             /* connections in all */
	unsigned tcp_clients_per_address; /* 0 = no limit */
	unsigned tcp_idle_ms;
};

/* Defaults with no listen address.  Zero memory is not enough. */
void server_settings_init(struct server_settings *s);
/*
 * From the options.  ERR_INVALID, ERR_IO (secret file) with *ret_why (caller frees).
 */
int server_settings_load(const struct config *c, struct server_settings *ret, char **ret_why);
/*
 * Read a file of cookie secrets, 32 hex digits a line, the newest first, at most two; "#" begins a
 * comment.  ERR_IO, ERR_INVALID with *ret_why, which never tells a secret.
 */
int server_settings_secrets(const char *path, struct cookie_keys *ret, char **ret_why);
void server_settings_fini(struct server_settings *s);
