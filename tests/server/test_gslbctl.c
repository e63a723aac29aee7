/* gslbctl: the program itself against an admin address whose rooms are stubs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/status.h"
#include "server/web.h"

static char dir[32];
static char *ctl;     /* the program with --server */
static unsigned port; /* of the daemon's TCP address */
static pid_t daemon_pid;

/* --- the daemon, in a child --------------------------------------------------- */

static void add_member(cJSON *list, const char *target, const char *health)
{
	cJSON *m = cJSON_CreateObject();

	cJSON_AddStringToObject(m, "target", target);
	cJSON_AddStringToObject(m, "health", health);
	cJSON_AddItemToArray(list, m);
}

static void hosts(void *ctx, cJSON *out)
{
	static const char *const answer[] = { "10.0.0.1", "10.0.0.2" };
	cJSON *h = cJSON_AddObjectToObject(out, "app.cloud.example.test"), *m;

	(void)ctx;
	cJSON_AddStringToObject(h, "strategy", "failover");
	cJSON_AddItemToObject(h, "answer", cJSON_CreateStringArray(answer, 2));
	m = cJSON_AddArrayToObject(h, "members");
	add_member(m, "10.0.0.1", "healthy");
	add_member(m, "10.0.0.2", "unhealthy");
	cJSON_AddStringToObject(h, "reason", "because");
	h = cJSON_AddObjectToObject(out, "mute.cloud.example.test");
	cJSON_AddArrayToObject(h, "answer");
}

static void peers(void *ctx, cJSON *out)
{
	cJSON *p = cJSON_AddObjectToObject(out, "us");

	(void)ctx;
	cJSON_AddStringToObject(p, "state", "down");
	cJSON_AddStringToObject(p, "error", "timed out");
}

static void history(void *ctx, cJSON *out)
{
	cJSON *list = cJSON_AddArrayToObject(out, "changes");

	(void)ctx;
	for (int i = 0; i < 2; i++) {
		cJSON *e = cJSON_CreateObject();

		cJSON_AddStringToObject(e, "host", i ? "a.example" : "b.example");
		cJSON_AddStringToObject(e, "cause", "peer");
		cJSON_AddStringToObject(e, "detail", "");
		cJSON_AddStringToObject(e, "time", i ? "noon" : "one");
		cJSON_AddNumberToObject(e, "time_ms", 1);
		cJSON_AddItemToArray(list, e);
	}
}

/* Says what it was given: "name=x client=y". */
static int echo(void *ctx, const cJSON *args, cJSON *out)
{
	struct buf b = { 0 };
	const cJSON *i;

	(void)ctx;
	cJSON_ArrayForEach(i, args)
		buf_printf(&b, "%s=%s ", i->string, i->valuestring);
	cJSON_AddStringToObject(out, "text", buf_str(&b));
	buf_fini(&b);
	return 0;
}

static int table(void *ctx, const cJSON *args, cJSON *out)
{
	static const char *const heads[] = { "name", "rtt_ms" };
	cJSON *rows, *row = cJSON_CreateArray();

	(void)ctx;
	(void)args;
	cJSON_AddItemToObject(out, "columns", cJSON_CreateStringArray(heads, 2));
	rows = cJSON_AddArrayToObject(out, "rows");
	cJSON_AddItemToArray(row, cJSON_CreateString("a-long-name"));
	cJSON_AddItemToArray(row, cJSON_CreateNumber(7));
	cJSON_AddItemToArray(rows, row);
	cJSON_AddBoolToObject(out, "ok", false);
	return 0;
}

static int refuse(void *ctx, const cJSON *args, cJSON *out)
{
	(void)ctx;
	(void)args;
	cJSON_AddStringToObject(out, "error", "no host 'x'\nreally");
	return ERR_NOT_FOUND;
}

static void serve(const char *sock, int ready_fd)
{
	char *admin = mem_printf("admin=unix:%s", sock), *why = NULL;
	const char *const pairs[] = { admin, "admin=127.0.0.1:0", "cluster-geo-tag=eu", NULL };
	struct config *c = config_for_test(pairs);
	struct loop *loop = loop_new();
	struct web *w;
	unsigned p;

	log_setup(LOG_LEVEL_WARNING, false);
	status_section("hosts", hosts, NULL);
	status_section("peers", peers, NULL);
	status_section("history", history, NULL);
	status_command("explain", false, echo, NULL);
	status_command("new-one", false, echo, NULL);
	status_command("drain", true, echo, NULL);
	status_command("simulate", false, table, NULL);
	status_command("plan", false, refuse, NULL);
	if (web_new(loop, c, &w, &why)) {
		fprintf(stderr, "%s\n", why);
		_exit(1);
	}
	p = web_port(w);
	if (write(ready_fd, &p, sizeof(p)) != sizeof(p))
		_exit(1);
	loop_run(loop);
	_exit(0);
}

static int start(void **state)
{
	const char *top = getenv("top_builddir");
	char *sock;
	int fds[2];

	(void)state;
	strcpy(dir, "/tmp/test_ctl.XXXXXX");
	assert_non_null(mkdtemp(dir));
	sock = mem_printf("%s/ctl.sock", dir);
	ctl = mem_printf("%s/gslbctl --server=unix:%s", top ? top : ".", sock);
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (!daemon_pid)
		serve(sock, fds[1]);
	assert_int_equal(read(fds[0], &port, sizeof(port)), sizeof(port));
	close(fds[0]);
	close(fds[1]);
	free(sock);
	return 0;
}

static int stop(void **state)
{
	char *cmd = mem_printf("rm -rf %s", dir);

	(void)state;
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	assert_int_equal(system(cmd), 0);
	free(cmd);
	free(ctl);
	return 0;
}

/* --- the tests ---------------------------------------------------------------------- */

/* Run a shell line; both outputs in OUT.  Returns the exit status. */
static int run(const char *line, struct buf *out)
{
	char *cmd = mem_printf("%s 2>&1", line), part[4096];
	FILE *p = popen(cmd, "r");
	size_t n;
	int status;

	assert_non_null(p);
	while ((n = fread(part, 1, sizeof(part), p)) > 0)
		buf_add(out, part, n);
	status = pclose(p);
	free(cmd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void assert_ctl(const char *args, int status, const char *part)
{
	char *line = mem_printf("%s %s", ctl, args);
	struct buf out = { 0 };
	int got = run(line, &out);

	if (got != status || !strstr(buf_str(&out), part))
		fail_msg("%s: expected %d … %s, got %d %s", args, status, part, got, buf_str(&out));
	buf_fini(&out);
	free(line);
}

static void status_sums_up(void **state)
{
	(void)state;
	assert_ctl("status", 0, "(eu), ready, started ");
	assert_ctl("status", 0, "hosts: 2, 1 without an answer; members: 2, 1 healthy\n");
	assert_ctl("status", 0, "  mute.cloud.example.test: no answer, ");
	assert_ctl("status", 0, "  us: timed out\n");
	assert_ctl("status --output=json", 0, "\"peers\":\t{");
}

static void sections_are_tables(void **state)
{
	(void)state;
	assert_ctl("hosts", 0,
		   "HOST                     STRATEGY  ANSWER              HEALTHY  REASON\n"
		   "app.cloud.example.test   failover  10.0.0.1, 10.0.0.2  1/2      because\n");
	assert_ctl("hosts mute", 0, "\nmute.cloud.example.test");
	assert_ctl("peers", 0,
		   "GEO TAG  STATE  LAST SEEN MS AGO  RTT MS  KIND  ADDRESSES  ERROR\n"
		   "us       down                                              timed out\n");
	assert_ctl("history", 0,
		   "HOST       CAUSE  TIME\nb.example  peer   one\na.example  peer   noon\n");
	assert_ctl("history a.example", 0, "HOST       CAUSE  TIME\na.example  peer   noon\n");
	assert_ctl("zones", 1, "no such section");
	assert_ctl("commands", 0, "drain     yes");
}

static void words_become_arguments(void **state)
{
	static const struct {
		const char *words, *expected;
	} rows[] = {
		{ "explain www.example", "name=www.example \n" },
		{ "explain www.example --client 192.0.2.1",
		  "name=www.example client=192.0.2.1 \n" },
		{ "explain --client=192.0.2.1 www.example",
		  "client=192.0.2.1 name=www.example \n" },
		{ "explain x --a --b=", "name=x a=true b= \n" },
		{ "explain x --a 1 --a 2", "name=x a=2 \n" },
		{ "new-one x y --z", "name=x second=y z=true \n" },
		{ "drain eu --reason 'power work'", "target=eu reason=power work \n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_ctl(rows[i].words, 0, rows[i].expected);
}

static void tables_are_aligned_and_not_ok_is_1(void **state)
{
	(void)state;
	assert_ctl("simulate", 1, "NAME         RTT MS\na-long-name  7\n");
	assert_ctl("simulate -o json", 1, "\"ok\":\tfalse");
}

static void errors_have_their_status(void **state)
{
	(void)state;
	assert_ctl("plan", 1, "gslbctl: no host 'x'");
	assert_ctl("unheard-of", 1, "no command 'unheard-of'");
	assert_ctl("", 2, "usage: gslbctl");
	assert_ctl("explain", 2, "explain: which name?");
	assert_ctl("explain a b", 2, "unexpected argument 'b'");
	assert_ctl("peers x", 2, "unexpected argument");
	assert_ctl("hosts '%41'", 2, "no part of a name");
	assert_ctl("--bogus", 2, "--bogus");
	assert_ctl("../x", 2, "no command");
	assert_ctl("status --output=xml", 2, "neither table nor json");
	assert_ctl("status --timeout=x", 2, "no number of seconds");
	assert_ctl("status --server=unix:/nonexistent/sock", 1,
		   "cannot ask gslbd at unix:/nonexistent");
}

static void help_and_version_are_0(void **state)
{
	(void)state;
	assert_ctl("--help", 0, "check-delegation [ZONE]");
	assert_ctl("explain --help", 0, "usage: gslbctl");
	assert_ctl("version", 0, "gslbctl " PACKAGE_VERSION);
}

static void metrics_are_printed_and_filtered(void **state)
{
	(void)state;
	assert_ctl("metrics", 0, "# TYPE gslbd_ready gauge");
	assert_ctl("metrics gslbd_ready | wc -l", 0, "3\n");
}

static void changes_over_tcp_need_the_token(void **state)
{
	char *args = mem_printf("drain eu --server=127.0.0.1:%u", port);

	(void)state;
	assert_ctl(args, 1, "needs the unix socket or a token");
	free(args);
	args = mem_printf("explain eu --server=http://127.0.0.1:%u/", port);
	assert_ctl(args, 0, "name=eu");
	free(args);
}

static void zone_files_are_checked_without_a_daemon(void **state)
{
	char *good = mem_printf("%s/good.zone", dir), *bad = mem_printf("%s/bad.zone", dir), *args;
	FILE *f = fopen(good, "w");

	(void)state;
	fputs("$ORIGIN example.test.\n$TTL 60\n@ SOA ns hostmaster 5 3600 600 86400 60\n@ NS ns\n"
	      "ns A 192.0.2.1\n",
	      f);
	fclose(f);
	f = fopen(bad, "w");
	fputs("$ORIGIN example.test.\n$TTL 60\n@ SOA ns hostmaster 5 3600 600 86400 60\n@ NS ns\n"
	      "ns A 192.0.2.999\n",
	      f);
	fclose(f);
	args = mem_printf("check %s --server=unix:/nonexistent", good);
	assert_ctl(args, 0, "5");
	free(args);
	args = mem_printf("check %s %s", good, bad);
	assert_ctl(args, 1, "bad.zone:5: ");
	free(args);
	args = mem_printf("check other.test=%s", good);
	assert_ctl(args, 1, "good.zone");
	free(args);
	assert_ctl("check", 2, "which file?");
	assert_ctl("check a..b=x", 2, "is no zone name");
	free(good);
	free(bad);
}

static void manifests_are_checked_without_a_daemon(void **state)
{
	static const char good[] =
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  namespace: b\n"
		"spec:\n  type: ClusterIP\n---\n{\"kind\": \"ConfigMap\", "
		"\"apiVersion\": \"v1\", \"metadata\": {\"name\": \"x\"}}\n";
	static const char bad[] = "apiVersion: k8gb.io/v1beta1\nkind: Gslb\nmetadata:\n  name: a\n"
				  "spec:\n  strategy: 7\n";
	char *path = mem_printf("%s/m.yaml", dir), *args = mem_printf("check %s --server=x", path);
	FILE *f = fopen(path, "w");

	(void)state;
	fputs(good, f);
	fclose(f);
	assert_ctl(args, 0, "m.yaml: 1 object that gslbd reads");
	f = fopen(path, "w");
	fputs(bad, f);
	fclose(f);
	assert_ctl(args, 1, "spec.strategy");
	f = fopen(path, "w");
	fputs("a: [\n", f);
	fclose(f);
	assert_ctl(args, 1, "m.yaml:");
	assert_ctl("check /nonexistent/x.yaml", 1, "/nonexistent/x.yaml: No such file");
	free(args);
	free(path);
}

static void permissions_are_printed_for_a_namespace(void **state)
{
	(void)state;
	assert_ctl("rbac --server=unix:/nonexistent", 0, "kind: ClusterRole\n");
	assert_ctl("rbac", 0, "namespace: k8gb\n");
	assert_ctl("rbac --namespace=dns", 0, "namespace: dns\n");
	assert_ctl("rbac --namespace dns | grep -c k8gb$", 1, "0\n");
	assert_ctl("rbac --namespace=A", 2, "no namespace");
	assert_ctl("rbac x", 2, "unexpected argument");
}

static void it_is_a_plugin_of_kubectl(void **state)
{
	const char *top = getenv("top_builddir");
	char *link = mem_printf("%s/kubectl-gslb", dir), *target = realpath(top ? top : ".", NULL),
	     *line;
	struct buf out = { 0 };

	(void)state;
	line = mem_printf("ln -sf %s/gslbctl %s && %s --help", target, link, link);
	assert_int_equal(run(line, &out), 0);
	assert_non_null(strstr(buf_str(&out), "usage: kubectl gslb "));
	buf_fini(&out);
	free(line);
	free(link);
	free(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_sums_up),
		cmocka_unit_test(sections_are_tables),
		cmocka_unit_test(words_become_arguments),
		cmocka_unit_test(tables_are_aligned_and_not_ok_is_1),
		cmocka_unit_test(errors_have_their_status),
		cmocka_unit_test(help_and_version_are_0),
		cmocka_unit_test(metrics_are_printed_and_filtered),
		cmocka_unit_test(changes_over_tcp_need_the_token),
		cmocka_unit_test(zone_files_are_checked_without_a_daemon),
		cmocka_unit_test(manifests_are_checked_without_a_daemon),
		cmocka_unit_test(permissions_are_printed_for_a_namespace),
		cmocka_unit_test(it_is_a_plugin_of_kubectl),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
