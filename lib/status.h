/*
 * status - sections that rooms offer to the web page, the API and gslbctl, and
 * commands that gslbctl can call.  Rooms register; web and ctl ask.  This is
 * how the page sees all rooms without an arrow to them.  Control thread.
 */
#pragma once

#include <stdbool.h>

struct cJSON;

/* Fill OUT (an object) with the room's present state. */
typedef void (*status_cb)(void *ctx, struct cJSON *out);
/*
 * Run a command with ARGS (an object of strings, e.g. {"name": "…", "client": "…"});
 * fill OUT.  0, or an error with out.error as text for the user.
 */
typedef int (*command_cb)(void *ctx, const struct cJSON *args, struct cJSON *out);

void status_section(const char *name, status_cb cb, void *ctx);
/* MUTATES: only over the unix socket or with a token. */
void status_command(const char *name, bool mutates, command_cb cb, void *ctx);
/* The room goes away before the process does. */
void status_section_remove(const char *name);
/* {"drain": {"mutates": true}, …} of all commands. */
void status_commands(struct cJSON *out);
/* {"zones": {...}, "hosts": {...}} of all sections, or of SECTION alone (NULL if unknown). */
struct cJSON *status_collect(const char *section);
/* 0 or ERR_NOT_FOUND or what the command says. */
int status_run(const char *command, const struct cJSON *args, struct cJSON *out, bool may_mutate);
/* Forget all (tests, stop). */
void status_clear(void);
/* Something changed that the live page shows: bumps a number that server-sent events wait on. */
void status_touch(void);
unsigned long status_generation(void);
/* Readiness: every input that is declared must be reported ready before /readyz says 200. */
void status_ready_declare(const char *what);
void status_ready_set(const char *what, bool ready, const char *why_not);
bool status_is_ready(struct cJSON *why_not); /* why_not may be NULL */
