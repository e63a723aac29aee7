/*
 * gslbctl - the command-line client, also kubectl's plugin when called kubectl-gslb.
 * It asks the daemon's admin address and prints; commands are the daemon's, so a
 * new one needs no change here.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "server/ctl.h"
#include "server/web.h"

static void usage(FILE *out, const struct ctl *c)
{
	fprintf(out, "usage: %s [options] COMMAND [arguments]\n\nCommands\n", c->program);
	ctl_args_help(out);
	fputs("\nOptions\n"
	      "  --server=ADDRESS     unix:PATH, ADDR:PORT or URL of --admin of the daemon; also "
	      "GSLBCTL_SERVER\n"
	      "                       (default: $XDG_RUNTIME_DIR/gslbd/ctl.sock, then "
	      "/run/gslbd/ctl.sock)\n"
	      "  --token-file=FILE    bearer token for changes over TCP; also GSLBCTL_TOKEN_FILE\n"
	      "  --ca-file=FILE       CA certificates for an https URL\n"
	      "  --timeout=SECONDS    wait so long for an answer (default 30)\n"
	      "  --output=table|json  how to print (default table); -o\n"
	      "  --help, --version\n"
	      "\nExit status: 0 done, 1 refused or not reachable, 2 wrong usage.\n",
	      out);
}

/* The value of option NAME at words[*i], as --name=value or --name value; NULL if it is another. */
static const char *option_value(const struct strv *words, size_t *i, const char *name,
				const char *brief)
{
	const char *w = words->s[*i];
	size_t len = strlen(name);

	if (!strncmp(w, name, len) && w[len] == '=')
		return w + len + 1;
	if (strcmp(w, name) != 0 && (!brief || strcmp(w, brief) != 0))
		return NULL;
	return *i + 1 < words->n ? words->s[++*i] : "";
}

/* Take the options that are ours out of WORDS; the others belong to the command. */
static int take_options(struct ctl *c, const struct strv *words, struct strv *rest)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *v;

		if ((v = option_value(words, &i, "--server", "-s"))) {
			c->server = v;
		} else if ((v = option_value(words, &i, "--token-file", NULL))) {
			c->token_file = v;
		} else if ((v = option_value(words, &i, "--ca-file", NULL))) {
			c->ca_file = v;
		} else if ((v = option_value(words, &i, "--timeout", NULL))) {
			c->timeout_s = strtol(v, NULL, 10);
			if (c->timeout_s <= 0) {
				fprintf(stderr, "%s: --timeout: '%s' is no number of seconds\n",
					c->program, v);
				return 2;
			}
		} else if ((v = option_value(words, &i, "--output", "-o"))) {
			c->json = !strcmp(v, "json");
			if (!c->json && strcmp(v, "table") != 0) {
				fprintf(stderr, "%s: --output: '%s' is neither table nor json\n",
					c->program, v);
				return 2;
			}
		} else {
			strv_add(rest, words->s[i]);
		}
	}
	return 0;
}

/* The control socket: in the user's run-time folder if there is one, else in /run. */
static char *default_server(void)
{
	char *own = web_default_socket();

	if (access(own + strlen("unix:"), F_OK) == 0)
		return own;
	free(own);
	return mem_strdup("unix:/run/gslbd/ctl.sock");
}

static int print_metrics(const struct ctl *c, const struct strv *words)
{
	struct buf body = { 0 };
	char *why = NULL;
	long status = 0;
	int err = ctl_http(c, "/metrics", NULL, &status, &body, &why);
	const char *only = words->n > 1 ? words->s[1] : "";

	if (err || status != 200) {
		fprintf(stderr, "%s: %s\n", c->program, why ? why : "the daemon has no metrics");
	} else {
		for (char *line = body.data, *end; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			if (strstr(line, only))
				puts(line);
		}
	}
	free(why);
	buf_fini(&body);
	return err || status != 200;
}

/* A command of the daemon. */
static int run_command(const struct ctl *c, const char *name, const struct strv *words)
{
	cJSON *args = ctl_args_parse(c, name, words), *reply;
	char *body, *path;
	int status = 0;

	if (!args)
		return 2;
	body = json_print(args);
	path = mem_printf("/api/v1/command/%s", name);
	reply = ctl_ask(c, path, body, &status);
	if (reply) {
		if (c->json)
			ctl_print_json(stdout, reply);
		else
			ctl_print(stdout, reply);
		if (cJSON_IsFalse(json_get(reply, "ok")))
			status = 1;
	}
	cJSON_Delete(reply);
	cJSON_Delete(args);
	free(path);
	free(body);
	return status;
}

static int dispatch(struct ctl *c, const struct strv *words)
{
	const char *name = words->n ? words->s[0] : "";

	if (!*name) {
		usage(stderr, c);
		return 2;
	}
	if (!strcmp(name, "help") || strv_has(words, "--help") || strv_has(words, "-h")) {
		usage(stdout, c);
		return 0;
	}
	if (!strcmp(name, "version") || !strcmp(name, "--version")) {
		puts("gslbctl " PACKAGE_VERSION);
		return 0;
	}
	if (*name == '-' || strspn(name, "abcdefghijklmnopqrstuvwxyz-") != strlen(name)) {
		fprintf(stderr, "%s: no command or option '%s'; try --help\n", c->program, name);
		return 2;
	}
	if (!strcmp(name, "check"))
		return ctl_check(c, words);
	if (!strcmp(name, "rbac"))
		return ctl_rbac(c, words);
	if (!strcmp(name, "metrics"))
		return print_metrics(c, words);
	if (ctl_status_knows(name))
		return ctl_status(c, name, words);
	return run_command(c, name, words);
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	struct ctl c = { .program = "gslbctl", .timeout_s = 30 };
	struct strv words = { 0 }, rest = { 0 };
	char *server = default_server();
	int status;

	if (!strncmp(slash ? slash + 1 : argv[0], "kubectl-gslb", strlen("kubectl-gslb")))
		c.program = "kubectl gslb";
	c.server = getenv("GSLBCTL_SERVER");         // NOLINT(concurrency-mt-unsafe): one thread
	c.token_file = getenv("GSLBCTL_TOKEN_FILE"); // NOLINT(concurrency-mt-unsafe)
	for (int i = 1; i < argc; i++)
		strv_add(&words, argv[i]);
	if (!c.server || !*c.server)
		c.server = server;
	status = take_options(&c, &words, &rest);
	if (!status)
		status = dispatch(&c, &rest);
	strv_fini(&words);
	strv_fini(&rest);
	free(server);
	return fflush(stdout) ? 1 : status;
}
