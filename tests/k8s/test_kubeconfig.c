/* kubeconfig and credential: where the API server is, and who we are. */
#include "k8s/kubeconfig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/credential.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/gslbd-test-kube-XXXXXX");
	(void)unsetenv("KUBECONFIG");
	(void)unsetenv("KUBERNETES_SERVICE_HOST");
	(void)setenv("HOME", "/nowhere", 1);
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char *command = mem_printf("rm -rf '%s'", dir);
	int rc = system(command); // NOLINT: a folder of our own making

	(void)state;
	free(command);
	return rc;
}

static char *file(const char *name, const char *text, mode_t mode)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

#define CONFIG(cluster, user)                                                                     \
	"apiVersion: v1\nkind: Config\ncurrent-context: one\n"                                    \
	"contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: " \
	"d}}]\n"                                                                                  \
	"clusters: [{name: c, cluster: {" cluster                                                 \
	"}}, {name: d, cluster: {server: 'http://d:80'}}]\n"                                      \
	"users: [{name: u, user: {" user "}}]\n"

static struct kube_config *parse(const char *text, const char *context)
{
	struct kube_config *k = NULL;
	char *why = NULL;

	if (kube_config_parse("/etc/kube/config", text, strlen(text), context, &k, &why) != 0)
		fail_msg("%s", why);
	return k;
}

static void a_context_names_server_and_user(void **state)
{
	struct kube_config *k =
		parse(CONFIG("server: 'https://a:6443//', certificate-authority: ca.pem, "
			     "tls-server-name: kube, proxy-url: 'http://p:1'",
			     "client-certificate: /abs/c.pem, client-key-data: a2V5, token: t0k"),
		      NULL);

	(void)state;
	assert_string_equal(k->server, "https://a:6443");
	assert_string_equal(k->ca_file, "/etc/kube/ca.pem");
	assert_null(k->ca_data);
	assert_string_equal(k->tls_server_name, "kube");
	assert_string_equal(k->proxy_url, "http://p:1");
	assert_string_equal(k->cert_file, "/abs/c.pem");
	assert_string_equal(k->key_data, "key");
	assert_string_equal(k->token, "t0k");
	assert_false(k->insecure);
	assert_string_equal(k->from, "/etc/kube/config, context one");
	kube_config_free(k);
	k = parse(CONFIG("server: 'https://a'", ""), "two");
	assert_string_equal(k->server, "http://d:80");
	kube_config_free(k);
	k = parse(CONFIG("server: 'https://a', insecure-skip-tls-verify: true",
			 "username: me, password: pw, tokenFile: tok"),
		  NULL);
	assert_true(k->insecure);
	assert_string_equal(k->token_file, "/etc/kube/tok");
	assert_string_equal(k->password, "pw");
	kube_config_free(k);
}

static void what_is_wrong_in_a_kubeconfig_is_named(void **state)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{ "a: [", "/etc/kube/config:2: " },
		{ "{}", "/etc/kube/config: current-context: missing" },
		{ "current-context: x", "/etc/kube/config: context \"x\" is not there" },
		{ "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]",
		  "/etc/kube/config: cluster \"c\" is not there" },
		{ "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
		  "clusters: [{name: c, cluster: {server: 'https://a'}}]",
		  "/etc/kube/config: user \"u\" is not there" },
		{ CONFIG("server: a", ""), "/etc/kube/config: server: \"a\" is not a URL" },
		{ CONFIG("server: 'https://a', certificate-authority-data: '*'", ""),
		  "/etc/kube/config: certificate-authority-data: not base64" },
		{ CONFIG("server: 'https://a'", "auth-provider: {name: gcp}"),
		  "/etc/kube/config: user.auth-provider: no longer known, use exec" },
		{ CONFIG("server: 'https://a'", "exec: {}"),
		  "/etc/kube/config: user.exec.command: missing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct kube_config *k = NULL;
		char *why = NULL;

		assert_int_not_equal(kube_config_parse("/etc/kube/config", table[i].text,
						       strlen(table[i].text), NULL, &k, &why),
				     0);
		if (strncmp(why, table[i].why, strlen(table[i].why)) != 0)
			fail_msg("wanted %s\nhave   %s", table[i].why, why);
		free(why);
	}
}

static int load(const char *const *options, struct kube_config **ret, char **ret_why)
{
	struct config *c = config_for_test(options);
	int err = kube_config_load(c, ret, ret_why);

	config_free(c);
	return err;
}

static void the_server_is_found_as_externaldns_finds_it(void **state)
{
	char *path = file("config", CONFIG("server: 'https://file'", ""), 0600);
	char *option = mem_printf("kubeconfig=%s", path), *home = mem_printf("%s/home", dir);
	char *sub = mem_printf("%s/home/.kube", dir);
	const char *const none[] = { NULL };
	const char *const by_flag[] = { option, NULL };
	const char *const by_server[] = { "server=https://flag", NULL };
	const char *const by_both[] = { option, "server=https://flag", NULL };
	const char *const missing[] = { "kubeconfig=/nowhere/x", NULL };
	struct kube_config *k = NULL;
	char *why = NULL;

	(void)state;
	assert_int_equal(load(none, &k, &why), ERR_NOT_FOUND);
	assert_int_equal(load(missing, &k, &why), ERR_INVALID);
	assert_string_equal(why, "kubeconfig /nowhere/x: No such file or directory");
	free(why);
	assert_int_equal(load(by_server, &k, &why), 0);
	assert_string_equal(k->server, "https://flag");
	assert_string_equal(k->from, "--server");
	kube_config_free(k);
	assert_int_equal(load(by_flag, &k, &why), 0);
	assert_string_equal(k->server, "https://file");
	kube_config_free(k);
	assert_int_equal(load(by_both, &k, &why), 0);
	assert_string_equal(k->server, "https://flag");
	kube_config_free(k);
	char *list = mem_printf("/nowhere:%s", path);
	(void)setenv("KUBECONFIG", list, 1);
	assert_int_equal(load(none, &k, &why), 0);
	assert_string_equal(k->server, "https://file");
	kube_config_free(k);
	(void)unsetenv("KUBECONFIG");
	assert_int_equal(mkdir(home, 0700), 0);
	assert_int_equal(mkdir(sub, 0700), 0);
	free(file("home/.kube/config", CONFIG("server: 'https://home'", ""), 0600));
	(void)setenv("HOME", home, 1);
	assert_int_equal(load(none, &k, &why), 0);
	assert_string_equal(k->server, "https://home");
	kube_config_free(k);
	free(list);
	free(sub);
	free(home);
	free(option);
	free(path);
}

static void a_pod_uses_its_service_account(void **state)
{
	char *token = file("token", "abc\n", 0600), *why = NULL;
	struct kube_config *k = NULL;

	(void)state;
	assert_int_equal(kube_config_in_cluster(dir, &k, &why), ERR_NOT_FOUND);
	(void)setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	(void)setenv("KUBERNETES_SERVICE_PORT", "6443", 1);
	assert_int_equal(kube_config_in_cluster(dir, &k, &why), 0);
	assert_string_equal(k->server, "https://[fd00::1]:6443");
	assert_string_equal(k->token_file, token);
	kube_config_free(k);
	assert_int_equal(unlink(token), 0);
	assert_int_equal(kube_config_in_cluster(dir, &k, &why), ERR_INVALID);
	assert_non_null(strstr(why, "in a pod, but"));
	free(why);
	free(token);
}

static void called(void *ctx)
{
	++*(unsigned *)ctx;
}

static void a_token_file_is_read_again(void **state)
{
	char *token = file("token", "one\n", 0600);
	struct kube_config k = { .token_file = token };
	struct loop *loop = loop_new();
	const char *header = NULL, *why = NULL;
	unsigned n = 0;

	(void)state;
	clock_fake(1000);
	struct credential *c = credential_new(loop, &k, called, &n);
	assert_true(credential_get(c, &header, &why));
	assert_string_equal(header, "Authorization: Bearer one");
	free(file("token", "two", 0600));
	assert_true(credential_get(c, &header, &why));
	assert_string_equal(header, "Authorization: Bearer one");
	clock_advance(61000);
	assert_true(credential_get(c, &header, &why));
	assert_string_equal(header, "Authorization: Bearer two");
	free(file("token", "three", 0600));
	credential_refused(c); /* 401: at once */
	assert_true(credential_get(c, &header, &why));
	assert_string_equal(header, "Authorization: Bearer three");
	assert_int_equal(unlink(token), 0);
	clock_advance(61000);
	assert_true(credential_get(c, &header, &why));
	assert_string_equal(header, "Authorization: Bearer three");
	clock_fake(0);
	credential_free(c);
	loop_free(loop);
	free(token);
}

static void wait_for(struct loop *loop, const unsigned *n, unsigned want)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (*n < want && clock_mono_ms() < end)
		loop_once(loop, 20);
	assert_int_equal(*n, want);
}

static void a_plugin_prints_the_credential(void **state)
{
	char *plugin = file(
		"plugin",
		"#!/bin/sh\n"
		"echo \"$KUBERNETES_EXEC_INFO\" > \"$OUT\"\n"
		"echo "
		"'{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
		"\"status\":{\"token\":\"'$1'\",\"expirationTimestamp\":\"2099-01-01T00:00:00Z\"}}'"
		"\n",
		0700);
	struct kube_exec exec = { .command = plugin };
	struct kube_config k = { .exec = &exec };
	struct loop *loop = loop_new();
	const char *header = NULL, *why = NULL;
	char *env = mem_printf("OUT=%s/info", dir), text[512] = "";
	unsigned n = 0;

	(void)state;
	strv_add(&exec.args, "tok");
	strv_add(&exec.env, env);
	struct credential *c = credential_new(loop, &k, called, &n);
	assert_false(credential_get(c, &header, &why));
	assert_null(why);
	wait_for(loop, &n, 1);
	assert_true(credential_get(c, &header, &why));
	assert_string_equal(header, "Authorization: Bearer tok");
	assert_true(credential_get(c, &header, &why));
	assert_int_equal(n, 1); /* it is good until it expires */
	credential_refused(c);
	assert_false(credential_get(c, &header, &why));
	wait_for(loop, &n, 2);
	char *path = mem_printf("%s/info", dir);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	assert_non_null(strstr(text, "\"kind\":\"ExecCredential\""));
	assert_non_null(strstr(text, "\"interactive\":false"));
	free(path);
	credential_free(c);
	loop_free(loop);
	strv_fini(&exec.args);
	strv_fini(&exec.env);
	free(env);
	free(plugin);
}

static void a_plugin_that_fails_says_why(void **state)
{
	static const struct {
		const char *script, *why;
	} table[] = {
		{ "#!/bin/sh\nexit 3\n", "plugin: ended with status 3: apt install it" },
		{ "#!/bin/sh\necho '{}'\n",
		  "plugin: printed no ExecCredential with a token or certificate" },
		{ NULL, "No such file or directory: apt install it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char *plugin = table[i].script ? file("plugin", table[i].script, 0700)
					       : mem_strdup("/nowhere/plugin");
		char hint[] = "apt install it";
		struct kube_exec exec = { .command = plugin, .install_hint = hint };
		struct kube_config k = { .exec = &exec };
		struct loop *loop = loop_new();
		const char *header = NULL, *why = NULL;
		unsigned n = 0;
		struct credential *c = credential_new(loop, &k, called, &n);

		assert_false(credential_get(c, &header, &why));
		if (why == NULL) {
			wait_for(loop, &n, 1);
			assert_false(credential_get(c, &header, &why));
		}
		assert_non_null(why);
		if (strstr(why, table[i].why) == NULL)
			fail_msg("wanted %s\nhave   %s", table[i].why, why);
		credential_free(c);
		loop_free(loop);
		free(plugin);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_context_names_server_and_user),
		TEST(what_is_wrong_in_a_kubeconfig_is_named),
		TEST(the_server_is_found_as_externaldns_finds_it),
		TEST(a_pod_uses_its_service_account),
		TEST(a_token_file_is_read_again),
		TEST(a_plugin_prints_the_credential),
		TEST(a_plugin_that_fails_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
