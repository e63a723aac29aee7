/*
 * Sources, as tables of {flags, objects -> endpoints}: tests/k8s/cases/FILE.yaml holds a case a
 *document:
 *
 *	case: a sentence
 *	flags: [source=ingress, "fqdn-template={{.Name}}.example.org"]   # as --flags, without
 *dashes objects: [ … ]                                                   # Kubernetes objects
 *	endpoints:                                                       # any order
 *	- a.example.org A ttl=60 id=x aws/weight=10 @ingress/default/a -> 1.2.3.4, 5.6.7.8
 *	errors: [InvalidTTL]                                             # reasons of source_error
 *	fails: text                                                      # start-up error holds this
 *
 * Each case runs twice: over a store, and through a folder of manifests with its checks.
 *
 * An endpoint's line: name, type, then what it has of ttl=, id=, label.NAME=, PROPERTY=VALUE
 *(sorted), and
 * @RESOURCE; targets behind the arrow.
 */
#include "k8s/source.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/k8s.h"
#include "k8s/object.h"
#include "k8s/store.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/yaml.h"

struct world {
	struct map objects; /* "source object" -> struct strv of lines */
	struct strv errors;
};

static void free_lines(void *lines)
{
	strv_fini(lines);
	free(lines);
}

static char *print_endpoint(const struct endpoint *e)
{
	struct buf b = { 0 };
	const char *resource = endpoint_label(e, "resource");
	char *targets = strv_join(&e->targets, ", ");

	buf_printf(&b, "%s %s", e->dns_name, e->record_type);
	if (e->record_ttl)
		buf_printf(&b, " ttl=%d", (int)e->record_ttl);
	if (*e->set_identifier)
		buf_printf(&b, " id=%s", e->set_identifier);
	for (size_t i = 0; i < e->nlabels; i++)
		if (strcmp(e->labels[i].name, "resource") != 0)
			buf_printf(&b, " label.%s=%s", e->labels[i].name, e->labels[i].value);
	for (size_t i = 0; i < e->nprovider_specific; i++)
		buf_printf(&b, " %s=%s", e->provider_specific[i].name,
			   e->provider_specific[i].value);
	if (resource)
		buf_printf(&b, " @%s", resource);
	buf_printf(&b, " -> %s", targets);
	free(targets);
	return buf_take(&b);
}

static void take_endpoints(void *ctx, const char *source, const char *object,
			   struct endpoint *const *endpoints, size_t n)
{
	struct world *w = ctx;
	struct strv *lines = MEM_NEW(struct strv);
	char *key = mem_printf("%s %s", source, object);

	for (size_t i = 0; i < n; i++)
		strv_take(lines, print_endpoint(endpoints[i]));
	lines = map_put(&w->objects, key, lines);
	if (lines)
		free_lines(lines);
	free(key);
}

static void take_error(void *ctx, const struct object *obj, const char *reason, const char *message)
{
	struct world *w = ctx;

	(void)obj;
	(void)message;
	strv_add(&w->errors, reason);
}

/* FOLDER: of manifests; NULL = none. */
static struct config *case_config(const cJSON *doc, const char *folder)
{
	struct strv flags = { 0 };
	const char **pairs;
	struct config *c;

	json_strings(doc, "flags", &flags);
	if (folder)
		strv_take(&flags, mem_printf("manifests=%s", folder));
	pairs = mem_calloc(flags.n + 1, sizeof(*pairs));
	for (size_t i = 0; i < flags.n; i++)
		pairs[i] = flags.s[i];
	c = config_for_test(pairs);
	free(pairs);
	strv_fini(&flags);
	return c;
}

static void fill_store(struct store *store, cJSON *doc, struct buf *faults)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(doc, "objects");

	while (cJSON_GetArraySize(list)) {
		struct object *o = NULL;
		char *why = NULL;

		if (object_new(cJSON_DetachItemFromArray(list, 0), &o, &why) == 0) {
			store_put(store, o);
			continue;
		}
		buf_printf(faults, "    an object: %s\n", why);
		free(why);
	}
	for (int k = 0; k < KIND_COUNT; k++)
		store_set_synced(store, (enum kind_id)k, true);
}

/* Lines of A that B has not, with MARK. */
static void list_missing(const struct strv *a, const struct strv *b, const char *mark,
			 struct buf *faults)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strv_has(b, a->s[i]))
			buf_printf(faults, "    %s %s\n", mark, a->s[i]);
}

static void compare(const struct strv *want, const struct strv *got, struct buf *faults)
{
	list_missing(want, got, "missing:", faults);
	list_missing(got, want, "wrong:  ", faults);
	if (faults->len == 0 && want->n != got->n)
		buf_printf(faults, "    %zu lines and not %zu\n", got->n, want->n);
}

static void check_world(const cJSON *doc, struct world *w, struct buf *faults)
{
	struct strv want = { 0 }, got = { 0 }, reasons = { 0 };

	json_strings(doc, "endpoints", &want);
	json_strings(doc, "errors", &reasons);
	for (struct map_item *it = map_first(&w->objects); it; it = map_next(&w->objects, it)) {
		const struct strv *lines = it->value;

		for (size_t i = 0; i < lines->n; i++)
			strv_add(&got, lines->s[i]);
	}
	compare(&want, &got, faults);
	strv_uniq(&reasons);
	strv_uniq(&w->errors);
	list_missing(&reasons, &w->errors, "missing error:", faults);
	list_missing(&w->errors, &reasons, "error:", faults);
	strv_fini(&want);
	strv_fini(&got);
	strv_fini(&reasons);
}

static void run_case(cJSON *doc, struct buf *faults)
{
	struct world w = { 0 };
	const struct endpoint_sink sink = { .ctx = &w, .endpoints = take_endpoints };
	const char *fails = json_text(doc, "fails");
	struct loop *loop = loop_new();
	struct config *config = case_config(doc, NULL);
	struct store *store = store_new();
	struct source_set *set = NULL;
	char *why = NULL;

	if (source_set_new(loop, config, store, &sink, config_list(config, OPT_SOURCE), NULL, &set,
			   &why) < 0) {
		if (fails == NULL || strstr(why, fails) == NULL)
			buf_printf(faults, "    does not start: %s\n", why);
		free(why);
	} else {
		source_set_on_error(set, take_error, &w);
		fill_store(store, doc, faults);
		source_set_flush(set);
		if (fails)
			buf_printf(faults, "    starts, and should not\n");
		check_world(doc, &w, faults);
	}
	source_set_free(set);
	store_free(store);
	config_free(config);
	loop_free(loop);
	map_fini(&w.objects, free_lines);
	strv_fini(&w.errors);
}

/* The objects as files of their own, in the folder F->folder. */
static unsigned write_manifests(const cJSON *doc, const char *folder)
{
	const cJSON *it = NULL;
	unsigned n = 0;

	cJSON_ArrayForEach(it, json_get(doc, "objects")) {
		char *path = mem_printf("%s/%u.yaml", folder, n++);
		char *text = json_print(it);
		FILE *out = fopen(path, "w");

		assert_non_null(out);
		(void)fputs(text, out);
		assert_int_equal(fclose(out), 0);
		free(text);
		free(path);
	}
	return n;
}

static void remove_manifests(const char *folder, unsigned n)
{
	while (n) {
		char *path = mem_printf("%s/%u.yaml", folder, --n);

		(void)unlink(path);
		free(path);
	}
	(void)rmdir(folder);
}

/* The same objects through a folder of manifests, with its checks and defaults. */
static void run_manifests(const cJSON *doc, struct buf *faults)
{
	char folder[] = "/tmp/gslbd-cases-XXXXXX";
	struct world w = { 0 };
	const struct endpoint_sink sink = { .ctx = &w, .endpoints = take_endpoints };
	struct loop *loop = loop_new();
	struct config *config;
	struct k8s *k = NULL;
	char *why = NULL;
	unsigned n;

	assert_non_null(mkdtemp(folder));
	n = write_manifests(doc, folder);
	config = case_config(doc, folder);
	if (k8s_new(loop, config, NULL, &sink, &k, &why) < 0) {
		if (json_text(doc, "fails") == NULL)
			buf_printf(faults, "    manifests: does not start: %s\n", why);
		free(why);
	} else {
		k8s_start(k);
		json_strings(doc, "errors", &w.errors); /* the door keeps them to itself */
		check_world(doc, &w, faults);
	}
	k8s_free(k);
	config_free(config);
	loop_free(loop);
	remove_manifests(folder, n);
	map_fini(&w.objects, free_lines);
	strv_fini(&w.errors);
}

struct file {
	const char *path;
	unsigned cases, failed;
};

static void each_case(void *ctx, cJSON *doc, unsigned line)
{
	struct file *f = ctx;
	struct buf faults = { 0 };
	const char *name = json_text(doc, "case");

	f->cases++;
	run_manifests(doc, &faults);
	if (faults.len == 0)
		run_case(doc, &faults);
	else
		buf_puts(&faults, "    (by manifests)\n");
	if (faults.len) {
		f->failed++;
		print_error("%s:%u: %s\n%s", f->path, line, name ? name : "?", buf_str(&faults));
	}
	buf_fini(&faults);
	cJSON_Delete(doc);
}

static char *read_file(const char *path, size_t *ret_len)
{
	FILE *in = fopen(path, "r");
	struct buf b = { 0 };
	char part[4096];
	size_t n;

	assert_non_null(in);
	while ((n = fread(part, 1, sizeof(part), in)) > 0)
		buf_add(&b, part, n);
	(void)fclose(in);
	*ret_len = b.len;
	return buf_take(&b);
}

static void file_of_cases(void **state)
{
	struct file f = { .path = *state };
	struct yaml_error error;
	size_t len;
	char *text = read_file(f.path, &len);

	if (yaml_parse(text, len, each_case, &f, &error) < 0)
		fail_msg("%s:%u:%u: %s", f.path, error.line, error.column, error.text);
	free(text);
	assert_true(f.cases > 0);
	if (f.failed)
		fail_msg("%u of %u cases fail", f.failed, f.cases);
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char *pattern = argc > 1 ? mem_strdup(argv[1])
				 : mem_printf("%s/tests/k8s/cases/*.yaml", top ? top : ".");
	struct CMUnitTest *tests;
	glob_t found;
	int failed;

	log_setup(LOG_LEVEL_ERROR, 0); /* what objects get wrong is expected here */
	if (glob(pattern, 0, NULL, &found) != 0) {
		(void)fprintf(stderr, "no cases at %s\n", pattern);
		return 1;
	}
	tests = mem_calloc(found.gl_pathc, sizeof(*tests));
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *slash = strrchr(found.gl_pathv[i], '/');

		tests[i] = (struct CMUnitTest){ .name = slash ? slash + 1 : found.gl_pathv[i],
						.test_func = file_of_cases,
						.initial_state = found.gl_pathv[i] };
	}
	failed = _cmocka_run_group_tests("source cases", tests, found.gl_pathc, NULL, NULL);
	free(tests);
	globfree(&found);
	free(pattern);
	return failed;
}
