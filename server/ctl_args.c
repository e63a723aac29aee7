/*
 * ctl_args - words of a command become the object that the daemon's command gets:
 * plain words by position, "--key value" and "--key=value" by name.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/mem.h"
#include "server/ctl.h"

/* Commands with names for their plain words.  Others call them name, second, third. */
static const struct {
	const char *name;
	const char *words; /* names; the ones in [ ] may be left out */
	const char *usage;
	const char *help;
} commands[] = {
	{ "status", "", "", "is it well: readiness, hosts without answer, peers, what waits" },
	{ "explain", "name", "NAME [--client ADDR] [--type TYPE]",
	  "why a name is answered as it is" },
	{ "hosts", "", "[TEXT]", "load-balanced hosts and what they answer now" },
	{ "zones", "", "", "zones and their serials" },
	{ "peers", "", "", "the other clusters" },
	{ "sources", "", "", "where objects come from" },
	{ "sync", "", "", "providers and what they lack" },
	{ "history", "", "[HOST]", "what changed last, and why" },
	{ "dump", "zone", "ZONE", "a zone as a master file" },
	{ "plan", "[provider]", "[PROVIDER]", "changes that a pass over the providers would make" },
	{ "simulate", "[name]", "[NAME] [--down TAG] [--clients NET,...]",
	  "answers if something failed" },
	{ "drain", "target", "TARGET [--reason TEXT] [--for TIME]",
	  "take a cluster, member or host out of the answers" },
	{ "undrain", "target", "TARGET", "take it back in" },
	{ "force", "target", "TARGET [--reason TEXT] [--for TIME]",
	  "a cluster, member or host is up, whatever health and probes say" },
	{ "unforce", "target", "TARGET", "health and probes decide again" },
	{ "reload", "[zone]", "[ZONE]", "read zone files again" },
	{ "check", "", "[ORIGIN=]FILE ...", "are zone files and manifests good; asks no daemon" },
	{ "check-delegation", "[zone]", "[ZONE]",
	  "does the parent serve the delegation that we want" },
	{ "rbac", "", "[--namespace NS]",
	  "the Kubernetes permissions that gslbd needs, as a manifest" },
	{ "metrics", "", "[TEXT]", "metrics, those that hold TEXT" },
	{ "commands", "", "", "all commands that the daemon has" },
};

void ctl_args_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int n = fprintf(out, "  %s %s", commands[i].name, commands[i].usage);

		if (n > 42)
			fprintf(out, "\n%44s%s\n", "", commands[i].help);
		else
			fprintf(out, "%*s%s\n", 44 - n, "", commands[i].help);
	}
}

static const char *names_of(const char *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, command))
			return commands[i].words;
	}
	return "[name] [second] [third]";
}

/* The next name of *NAMES, "" at the end.  *ret_needed: it must be given.  Caller frees. */
static char *next_name(const char **names, bool *ret_needed)
{
	size_t len = strcspn(*names, " ");
	bool optional = **names == '[';
	char *name = mem_strndup(*names + optional, len - 2u * optional);

	*names += len + ((*names)[len] == ' ');
	*ret_needed = !optional && *name;
	return name;
}

/* "--key", "--key=value" or "--key value" at words[*i] into ARGS. */
static void add_flag(cJSON *args, const struct strv *words, size_t *i)
{
	const char *w = words->s[*i] + 2, *eq = strchr(w, '='), *value = "true";
	char *key = mem_strndup(w, eq ? (size_t)(eq - w) : strlen(w));

	if (eq)
		value = eq + 1;
	else if (*i + 1 < words->n && strncmp(words->s[*i + 1], "--", 2) != 0)
		value = words->s[++*i];
	cJSON_DeleteItemFromObjectCaseSensitive(args, key);
	cJSON_AddStringToObject(args, key, value);
	free(key);
}

cJSON *ctl_args_parse(const struct ctl *c, const char *command, const struct strv *words)
{
	cJSON *args = cJSON_CreateObject();
	const char *names = names_of(command);
	bool needed = false;
	char *name;

	for (size_t i = 1; i < words->n; i++) {
		if (!strncmp(words->s[i], "--", 2) && words->s[i][2]) {
			add_flag(args, words, &i);
			continue;
		}
		name = next_name(&names, &needed);
		if (!*name) {
			fprintf(stderr, "%s: %s: unexpected argument '%s'\n", c->program, command,
				words->s[i]);
			free(name);
			cJSON_Delete(args);
			return NULL;
		}
		cJSON_AddStringToObject(args, name, words->s[i]);
		free(name);
	}
	name = next_name(&names, &needed);
	if (needed) {
		fprintf(stderr, "%s: %s: which %s?\n", c->program, command, name);
		cJSON_Delete(args);
		args = NULL;
	}
	free(name);
	return args;
}
