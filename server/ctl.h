/*
 * ctl - what the files of gslbctl share: where to ask, one request, printing.
 * A program of one thread; functions return an exit status: 0 done, 1 the daemon
 * refused or cannot be reached, 2 wrong usage.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "lib/buf.h"
#include "lib/strv.h"

struct cJSON;

struct ctl {
	const char *program;    /* "gslbctl" or "kubectl gslb" */
	const char *server;     /* "unix:PATH", "http://…", "https://…", "ADDR:PORT" */
	const char *token_file; /* or NULL */
	const char *ca_file;    /* or NULL */
	bool json;              /* --output=json */
	long timeout_s;
};

/* --- ctl_args.c: what follows the command's name --- */

/* {"name": "…", "client": "…"} for COMMAND; NULL when the words do not fit (said on stderr). */
struct cJSON *ctl_args_parse(const struct ctl *c, const char *command, const struct strv *words);
/* Lines of --help about the commands. */
void ctl_args_help(FILE *out);

/* --- ctl_http.c --- */

/*
 * One request; BODY NULL = GET.  *ret_body is the answer whatever its status.
 * 0, ERR_NETWORK and others with *ret_why (caller frees).
 */
int ctl_http(const struct ctl *c, const char *path, const char *body, long *ret_status,
	     struct buf *ret_body, char **ret_why);
/* GET or POST and parse; on failure says why on stderr and returns NULL, *ret_exit = 1. */
struct cJSON *ctl_ask(const struct ctl *c, const char *path, const char *body, int *ret_exit);

/* --- ctl_print.c --- */

/* Any reply: "text", "columns" and "rows", or whatever is in it. */
void ctl_print(FILE *out, const struct cJSON *reply);
void ctl_print_json(FILE *out, const struct cJSON *reply);

/* --- ctl_status.c --- */

/* Is NAME a section that is shown without a command: status, hosts, zones, peers … */
bool ctl_status_knows(const char *name);
int ctl_status(const struct ctl *c, const char *name, const struct strv *words);

/* --- ctl_check.c: check FILE… --- */
int ctl_check(const struct ctl *c, const struct strv *words);

/* --- ctl_rbac.c: rbac [--namespace NS]; asks nobody --- */
int ctl_rbac(const struct ctl *c, const struct strv *words);
