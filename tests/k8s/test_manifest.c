/* manifest: a folder of files, and what happens in it. */
#include "k8s/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/schema.h"
#include "k8s/store.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"

static struct loop *loop;
static struct store *store;
static struct manifest *manifest;
static struct buf changes;
static char dir[64];

static void on_change(void *ctx, const struct object *before, const struct object *after)
{
	const struct object *o = after ? after : before;

	(void)ctx;
	buf_printf(&changes, "%s%s/%s ",
		   before == NULL ? "+"
		   : after        ? ""
				  : "-",
		   o->namespace, o->name);
}

static bool wants(void *ctx, const struct object *o)
{
	(void)ctx;
	return strcmp(o->namespace, "unwanted") != 0;
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/gslbd-test-manifest-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	loop = loop_new();
	store = store_new();
	store_on_change(store, on_change, NULL);
	return 0;
}

static int teardown(void **state)
{
	char *command = mem_printf("rm -rf '%s'", dir);

	(void)state;
	manifest_free(manifest);
	manifest = NULL;
	store_free(store);
	loop_free(loop);
	buf_fini(&changes);
	status_clear();
	schema_forget();
	metric_reset();
	int rc = system(command); // NOLINT: a folder of our own making
	free(command);
	return rc;
}

static char *at(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static void write_as(const char *name, const char *text)
{
	char *path = at(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

/* As good programs write: beside, then by rename. */
static void put(const char *name, const char *text)
{
	char *tmp = at(".tmp"), *path = at(name);

	write_as(".tmp", text);
	assert_int_equal(rename(tmp, path), 0);
	free(tmp);
	free(path);
}

static void delete (const char *name)
{
	char *path = at(name);

	assert_int_equal(unlink(path), 0);
	free(path);
}

static void move(const char *from, const char *to)
{
	char *a = at(from), *b = at(to);

	assert_int_equal(rename(a, b), 0);
	free(a);
	free(b);
}

static void start(void)
{
	char *why = NULL;

	assert_int_equal(manifest_new(loop, store, dir, wants, NULL, &manifest, &why), 0);
	manifest_start(manifest);
}

/* Until CHANGES are seen, or 2 s; then what was seen must be WANT. */
#define expect(want)                                                                     \
	do {                                                                             \
		uint64_t end_ = clock_mono_ms() + 2000;                                  \
		while (strcmp(buf_str(&changes), (want)) != 0 && clock_mono_ms() < end_) \
			loop_once(loop, 5);                                              \
		assert_string_equal(buf_str(&changes), (want));                          \
		buf_reset(&changes);                                                     \
		if (changes.data)                                                        \
			changes.data[0] = '\0';                                          \
	} while (0)

/* Long enough for inotify and the grace of removals; nothing may come. */
static void expect_quiet(void)
{
	uint64_t end = clock_mono_ms() + 30;

	while (clock_mono_ms() < end)
		loop_once(loop, 5);
	assert_string_equal(buf_str(&changes), "");
}

#define SERVICE(name, more)                                                                     \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: a}\nspec: {" more \
	"}\n"

static const char *type_of(const char *name)
{
	const struct object *o = store_get(store, KIND_SERVICE, "a", name);

	return o ? json_text(o->json, "spec.type") : NULL;
}

static cJSON *errors(void)
{
	cJSON *all = status_collect("manifests");
	cJSON *e = json_get(all, "manifests.errors") ? json_get(all, "manifests.errors")
						     : json_get(all, "errors");
	cJSON *copy = cJSON_Duplicate(e, true);

	cJSON_Delete(all);
	return copy;
}

static void expect_error(const char *want)
{
	cJSON *e = errors();
	char *whole = mem_printf("%s/%s", dir, want);

	assert_int_equal(cJSON_GetArraySize(e), 1);
	assert_string_equal(cJSON_GetArrayItem(e, 0)->valuestring, whole);
	free(whole);
	cJSON_Delete(e);
}

static void documents_lists_and_json_are_read(void **state)
{
	(void)state;
	put("a.yaml", "# first\n" SERVICE("one", "") "---\n" SERVICE(
			      "two", "") "---\n"
					 "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n");
	put("b.json",
	    "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":"
	    "\"Service\",\"metadata\":{\"name\":\"three\",\"namespace\":\"a\",\"annotations\":{"
	    "\"x\":"
	    "\"\\ud83d\\ude00\"}}}]}\n");
	put("c.yml",
	    "apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: four, namespace: a}\n"
	    "- metadata: {name: five, namespace: unwanted}\n");
	put("d.txt", SERVICE("no", ""));
	put(".e.yaml", SERVICE("no", ""));
	put("f.yaml~", SERVICE("no", ""));
	start();
	expect("+a/one +a/two +a/three +a/four ");
	assert_int_equal(manifest_files(manifest), 3);
	assert_int_equal(manifest_broken(manifest), 0);
	assert_true(store_is_synced(store, KIND_SERVICE));
	assert_true(store_is_synced(store, KIND_HTTP_ROUTE));
}

static void a_changed_file_is_seen(void **state)
{
	(void)state;
	put("a.yaml", SERVICE("one", "type: ClusterIP"));
	start();
	expect("+a/one ");
	put("a.yaml", SERVICE("one", "type: NodePort") "---\n" SERVICE("two", ""));
	expect("a/one +a/two ");
	assert_string_equal(type_of("one"), "NodePort");
	put("a.yaml", SERVICE("two", "") "---\n" SERVICE("three", ""));
	expect("-a/one +a/three ");
	write_as("a.yaml", SERVICE("two", "type: NodePort")); /* in place */
	expect("a/two -a/three ");
	put("b.yaml", SERVICE("four", ""));
	expect("+a/four ");
	delete ("b.yaml");
	expect("-a/four ");
	put("a.yaml", SERVICE("two", "type: NodePort") "# only a comment\n");
	expect_quiet();
}

static void two_writes_in_a_tick_are_two_writes(void **state)
{
	(void)state;
	put("a.yaml", SERVICE("one", "type: NodePort"));
	start();
	expect("+a/one ");
	for (int i = 0; i < 20; i++) {
		write_as("a.yaml", i % 2 ? SERVICE("one", "externalName: a")
					 : SERVICE("one", "externalName: b"));
		loop_once(loop, 5);
	}
	buf_reset(&changes);
	write_as("a.yaml", SERVICE("one", "externalName: c"));
	write_as("a.yaml", SERVICE("one", "externalName: d"));
	uint64_t end = clock_mono_ms() + 2000;
	const char *have = "";
	while (strcmp(have, "d") != 0 && clock_mono_ms() < end) {
		loop_once(loop, 5);
		have = json_text(store_get(store, KIND_SERVICE, "a", "one")->json,
				 "spec.externalName");
	}
	assert_string_equal(have, "d");
}

static void a_broken_file_keeps_its_last_good_content(void **state)
{
	(void)state;
	put("a.yaml", SERVICE("one", "type: NodePort"));
	put("b.yaml", SERVICE("two", ""));
	start();
	expect("+a/one +a/two ");
	put("a.yaml", SERVICE("one", "type: [") "---\n");
	put("b.yaml", SERVICE("two", "type: NodePort"));
	expect("a/two ");
	assert_string_equal(type_of("one"), "NodePort");
	assert_int_equal(manifest_broken(manifest), 1);
	assert_int_equal((int)metric_get(METRIC_MANIFEST_ERRORS), 1);
	cJSON *e = errors();
	assert_non_null(strstr(cJSON_GetArrayItem(e, 0)->valuestring, "/a.yaml:4:15: "));
	cJSON_Delete(e);
	put("a.yaml", SERVICE("one", "type: ClusterIP"));
	expect("a/one ");
	assert_int_equal(manifest_broken(manifest), 0);
}

static void a_wrong_object_keeps_its_last_good_form_and_hurts_no_other(void **state)
{
	(void)state;
	put("a.yaml", SERVICE("one", "type: NodePort") "---\n" SERVICE("two", ""));
	start();
	expect("+a/one +a/two ");
	put("a.yaml", SERVICE("one", "type: 5") "---\n" SERVICE("two", "type: NodePort"));
	expect("a/two ");
	assert_string_equal(type_of("one"), "NodePort");
	expect_error("a.yaml:4: Service a/one: spec.type: must be a string");
	put("a.yaml",
	    "kind: Service\nmetadata: {name: one}\n---\n" SERVICE("two", "type: NodePort"));
	expect_quiet();
	expect_error("a.yaml:1: Service one: apiVersion: missing");
	put("a.yaml", "- x\n---\n" SERVICE("two", "type: NodePort"));
	expect_quiet();
	expect_error("a.yaml:1: not an object");
}

static void a_gslb_names_its_field(void **state)
{
	(void)state;
	put("eu.yaml",
	    "apiVersion: k8gb.io/v1beta1\nkind: Gslb\nmetadata:\n  namespace: eu\n  name: x\n"
	    "spec:\n  strategy:\n    type: roundRobin\n    dnsTtlSeconds: \"5\"\n");
	start();
	expect_quiet();
	expect_error("eu.yaml:9: Gslb eu/x: spec.strategy.dnsTtlSeconds: must be an integer");
}

static void of_two_files_the_first_by_name_counts(void **state)
{
	(void)state;
	put("b.yaml", SERVICE("one", "type: NodePort"));
	start();
	expect("+a/one ");
	put("c.yaml", SERVICE("one", "type: ClusterIP"));
	expect_quiet();
	assert_string_equal(type_of("one"), "NodePort");
	put("a.yaml", SERVICE("one", "type: LoadBalancer"));
	expect("a/one ");
	assert_string_equal(type_of("one"), "LoadBalancer");
	delete ("a.yaml");
	expect("a/one ");
	assert_string_equal(type_of("one"), "NodePort");
	delete ("b.yaml");
	expect("a/one ");
	assert_string_equal(type_of("one"), "ClusterIP");
	delete ("c.yaml");
	expect("-a/one ");
	put("a.yaml", SERVICE("one", "") "---\n" SERVICE("one", "type: NodePort"));
	expect("+a/one ");
	assert_null(type_of("one"));
	expect_error("a.yaml:6: Service a/one: is in this file twice, the first counts");
}

static void a_file_that_moves_takes_nothing_away(void **state)
{
	(void)state;
	put("a.yaml", SERVICE("one", "type: NodePort"));
	start();
	expect("+a/one ");
	move("a.yaml", "z.yaml");
	expect_quiet();
	move("z.yaml", "z.yaml~"); /* as an editor makes its backup */
	write_as("z.yaml", SERVICE("one", "type: ClusterIP"));
	expect("a/one ");
	expect_quiet();
}

static void folders_below_are_read(void **state)
{
	char *sub = at("sub"), *hidden = at(".git");

	(void)state;
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(mkdir(hidden, 0700), 0);
	put("sub/a.yaml", SERVICE("one", ""));
	put(".git/a.yaml", SERVICE("no", ""));
	start();
	expect("+a/one ");
	put("sub/b.yaml", SERVICE("two", ""));
	expect("+a/two ");
	char *deeper = at("sub/deeper");
	assert_int_equal(mkdir(deeper, 0700), 0);
	loop_once(loop, 5);
	put("sub/deeper/c.yaml", SERVICE("three", ""));
	expect("+a/three ");
	move("sub", ".away");
	expect("-a/one -a/two -a/three ");
	move(".away", "sub");
	expect("+a/one +a/two +a/three ");
	free(deeper);
	free(sub);
	free(hidden);
}

/* As the kubelet does: files are links into ..data, which is a link that is replaced. */
static void a_mounted_config_map_is_swapped_at_once(void **state)
{
	char *v1 = at("..v1"), *v2 = at("..v2"), *data = at("..data"), *tmp = at("..data_tmp");
	char *a = at("a.yaml"), *b = at("b.yaml");

	(void)state;
	assert_int_equal(mkdir(v1, 0700), 0);
	assert_int_equal(mkdir(v2, 0700), 0);
	put("..v1/a.yaml", SERVICE("one", "type: NodePort"));
	put("..v1/b.yaml", SERVICE("two", ""));
	put("..v2/a.yaml", SERVICE("one", "type: ClusterIP"));
	assert_int_equal(symlink("..v1", data), 0);
	assert_int_equal(symlink("..data/a.yaml", a), 0);
	assert_int_equal(symlink("..data/b.yaml", b), 0);
	start();
	expect("+a/one +a/two ");
	assert_int_equal(symlink("..v2", tmp), 0);
	assert_int_equal(rename(tmp, data), 0);
	expect("a/one -a/two ");
	assert_string_equal(type_of("one"), "ClusterIP");
	free(v1);
	free(v2);
	free(data);
	free(tmp);
	free(a);
	free(b);
}

static void a_folder_that_goes_keeps_its_content_until_it_is_back(void **state)
{
	char *away = mem_printf("%s-away", dir);

	(void)state;
	put("a.yaml", SERVICE("one", ""));
	start();
	expect("+a/one ");
	assert_int_equal(rename(dir, away), 0);
	expect_quiet();
	manifest_rescan(manifest);
	expect_quiet();
	assert_int_equal(rename(away, dir), 0);
	put("b.yaml", SERVICE("two", ""));
	manifest_rescan(manifest);
	expect("+a/two ");
	put("c.yaml", SERVICE("three", ""));
	expect("+a/three ");
	free(away);
}

static void a_folder_that_is_not_there_is_refused(void **state)
{
	struct manifest *m = NULL;
	char *why = NULL;

	(void)state;
	assert_int_equal(manifest_new(loop, store, "/nowhere/at/all", NULL, NULL, &m, &why),
			 ERR_INVALID);
	assert_string_equal(why, "--manifests=/nowhere/at/all: No such file or directory");
	free(why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(documents_lists_and_json_are_read),
		TEST(a_changed_file_is_seen),
		TEST(two_writes_in_a_tick_are_two_writes),
		TEST(a_broken_file_keeps_its_last_good_content),
		TEST(a_wrong_object_keeps_its_last_good_form_and_hurts_no_other),
		TEST(a_gslb_names_its_field),
		TEST(of_two_files_the_first_by_name_counts),
		TEST(a_file_that_moves_takes_nothing_away),
		TEST(folders_below_are_read),
		TEST(a_mounted_config_map_is_swapped_at_once),
		TEST(a_folder_that_goes_keeps_its_content_until_it_is_back),
		TEST(a_folder_that_is_not_there_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
