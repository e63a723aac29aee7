/*
 * ctl_check - is a file good?  Zone files are read here, without a daemon;
 * manifests are sent to the daemon's command "check", which knows their kinds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/dname.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "server/ctl.h"
#include "zonedb/zonefile.h"

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static bool is_manifest(const char *path)
{
	return ends_with(path, ".yaml") || ends_with(path, ".yml") || ends_with(path, ".json");
}

/* WORD is FILE or ORIGIN=FILE. */
static int check_zone(const struct ctl *c, const char *word)
{
	const char *eq = strchr(word, '=');
	uint8_t origin[DNAME_MAX];
	char *summary = NULL, *why = NULL, *name = NULL;
	int err = 0;

	if (eq) {
		name = mem_strndup(word, (size_t)(eq - word));
		if (dname_from_text(name, origin)) {
			fprintf(stderr, "%s: '%s' is no zone name\n", c->program, name);
			free(name);
			return 2;
		}
		free(name);
	}
	err = zonefile_check(eq ? eq + 1 : word, eq ? origin : NULL, &summary, &why);
	if (err)
		printf("%s\n", why);
	else
		printf("%s: %s\n", eq ? eq + 1 : word, summary);
	free(summary);
	free(why);
	return err != 0;
}

static int read_all(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	char part[8192];
	size_t n;

	if (!f)
		return -errno;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(out, part, n);
	fclose(f);
	return 0;
}

static int check_manifest(const struct ctl *c, const char *path)
{
	struct buf text = { 0 };
	cJSON *args = cJSON_CreateObject(), *reply = NULL;
	char *body = NULL;
	int status = 0, err = read_all(path, &text);

	if (err) {
		printf("%s: %s\n", path,
		       strerror(-err)); // NOLINT(concurrency-mt-unsafe): one thread
		status = 1;
		goto out;
	}
	cJSON_AddStringToObject(args, "file", path);
	cJSON_AddStringToObject(args, "text", buf_str(&text));
	body = json_print(args);
	reply = ctl_ask(c, "/api/v1/command/check", body, &status);
	if (reply) {
		if (c->json)
			ctl_print_json(stdout, reply);
		else
			ctl_print(stdout, reply);
		if (cJSON_IsFalse(json_get(reply, "ok")))
			status = 1;
	}
out:
	free(body);
	cJSON_Delete(args);
	cJSON_Delete(reply);
	buf_fini(&text);
	return status;
}

int ctl_check(const struct ctl *c, const struct strv *words)
{
	int worst = 0;

	if (words->n < 2) {
		fprintf(stderr, "%s: check: which file?\n", c->program);
		return 2;
	}
	for (size_t i = 1; i < words->n; i++) {
		int status = is_manifest(words->s[i]) ? check_manifest(c, words->s[i])
						      : check_zone(c, words->s[i]);

		worst = status > worst ? status : worst;
	}
	return worst;
}
