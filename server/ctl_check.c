/*
 * ctl_check - is a file good?  Zone files and manifests are read as the daemon reads
 * them, without asking one.  (The client's own door to k8s; see tests/check-arrows.sh.)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/manifest_file.h"
#include "k8s/schema.h"
#include "lib/dname.h"
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

static void print_lines(const struct strv *lines, const char *before)
{
	for (size_t i = 0; i < lines->n; i++)
		printf("%s%s\n", before, lines->s[i]);
}

static int check_manifest(const char *path)
{
	struct manifest_content content = { 0 };
	struct buf text = { 0 };
	int err = read_all(path, &text);

	if (err) {
		printf("%s: %s\n", path,
		       strerror(-err)); // NOLINT(concurrency-mt-unsafe): one thread
	} else {
		err = manifest_file_parse(path, buf_str(&text), text.len, &content);
		print_lines(&content.errors, "");
		print_lines(&content.warnings, "warning: ");
		if (!err && !content.errors.n)
			printf("%s: %zu object%s that gslbd reads\n", path, content.n,
			       content.n == 1 ? "" : "s");
	}
	err = err || content.errors.n;
	manifest_content_fini(&content);
	schema_forget();
	buf_fini(&text);
	return err;
}

int ctl_check(const struct ctl *c, const struct strv *words)
{
	int worst = 0;

	if (words->n < 2) {
		fprintf(stderr, "%s: check: which file?\n", c->program);
		return 2;
	}
	for (size_t i = 1; i < words->n; i++) {
		int status = is_manifest(words->s[i]) ? check_manifest(words->s[i])
						      : check_zone(c, words->s[i]);

		worst = status > worst ? status : worst;
	}
	return worst;
}
