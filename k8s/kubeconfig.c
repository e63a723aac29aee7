#include "k8s/kubeconfig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/encode.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/yaml.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"
#define MAX_FILE    (4U << 20)

static void exec_free(struct kube_exec *e)
{
	if (e == NULL)
		return;
	free(e->command);
	free(e->api_version);
	free(e->install_hint);
	strv_fini(&e->args);
	strv_fini(&e->env);
	free(e);
}

static void wipe_free(char *secret)
{
	if (secret)
		mem_wipe(secret, strlen(secret));
	free(secret);
}

void kube_config_free(struct kube_config *k)
{
	if (k == NULL)
		return;
	free(k->from);
	free(k->server);
	free(k->ca_file);
	free(k->ca_data);
	free(k->tls_server_name);
	free(k->proxy_url);
	free(k->cert_file);
	free(k->cert_data);
	free(k->key_file);
	wipe_free(k->key_data);
	wipe_free(k->token);
	free(k->token_file);
	free(k->username);
	wipe_free(k->password);
	exec_free(k->exec);
	free(k);
}

static int read_file(const char *path, struct buf *out, char **ret_why)
{
	FILE *f = fopen(path, "re");
	char chunk[8192];
	size_t n;
	int err = 0;

	if (f == NULL) {
		*ret_why = mem_printf("kubeconfig %s: %s", path, strerror(errno));
		return ERR_INVALID;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && out->len <= MAX_FILE)
		buf_add(out, chunk, n);
	if (ferror(f) || out->len > MAX_FILE) {
		*ret_why = mem_printf("kubeconfig %s: cannot be read", path);
		err = ERR_INVALID;
	}
	(void)fclose(f);
	return err;
}

/* --- the file ------------------------------------------------------------------------- */

/* Of the list LIST the item named NAME, and in it MEMBER ("cluster", "user", "context"). */
static const cJSON *named(const cJSON *doc, const char *list, const char *name, const char *member)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(doc, list)) {
		const char *n = json_text(it, "name");

		if (n && strcmp(n, name) == 0)
			return json_get(it, member);
	}
	return NULL;
}

/* Files are relative to the kubeconfig. */
static char *beside(const char *path, const char *file)
{
	const char *slash = strrchr(path, '/');

	if (file == NULL || *file == '\0')
		return NULL;
	if (*file == '/' || slash == NULL)
		return mem_strdup(file);
	return mem_printf("%.*s/%s", (int)(slash - path), path, file);
}

static char *text_or_null(const cJSON *o, const char *name)
{
	const char *s = json_member(o, name);

	return s && *s ? mem_strdup(s) : NULL;
}

/* "NAME-data" in base64, which wins, or the file NAME. */
static int data_or_file(const char *path, const cJSON *o, const char *name, char **ret_data,
			char **ret_file, char **ret_why)
{
	char *data_name = mem_printf("%s-data", name);
	const char *data = json_member(o, data_name);
	struct buf out = { 0 };
	int err = 0;

	if (data && *data) {
		err = decode_base64(data, strlen(data), &out);
		if (err)
			*ret_why = mem_printf("%s: %s: not base64", path, data_name);
		else
			*ret_data = buf_take(&out);
	} else {
		*ret_file = beside(path, json_member(o, name));
	}
	buf_fini(&out);
	free(data_name);
	return err;
}

static int read_cluster(const char *path, const cJSON *c, struct kube_config *k, char **ret_why)
{
	k->server = text_or_null(c, "server");
	k->tls_server_name = text_or_null(c, "tls-server-name");
	k->proxy_url = text_or_null(c, "proxy-url");
	k->insecure = json_bool(c, "insecure-skip-tls-verify", false);
	return data_or_file(path, c, "certificate-authority", &k->ca_data, &k->ca_file, ret_why);
}

static int read_exec(const char *path, const cJSON *e, struct kube_config *k, char **ret_why)
{
	const cJSON *it = NULL;
	const char *command = json_text(e, "command");

	if (e == NULL || cJSON_IsNull(e))
		return 0;
	if (command == NULL || *command == '\0') {
		*ret_why = mem_printf("%s: user.exec.command: missing", path);
		return ERR_INVALID;
	}
	k->exec = MEM_NEW(struct kube_exec);
	k->exec->command = strchr(command, '/') ? beside(path, command) : mem_strdup(command);
	k->exec->api_version = text_or_null(e, "apiVersion");
	k->exec->install_hint = text_or_null(e, "installHint");
	k->exec->provide_cluster_info = json_bool(e, "provideClusterInfo", false);
	json_strings(e, "args", &k->exec->args);
	cJSON_ArrayForEach(it, json_get(e, "env")) {
		const char *name = json_text(it, "name"), *value = json_text(it, "value");

		if (name && value)
			strv_take(&k->exec->env, mem_printf("%s=%s", name, value));
	}
	return 0;
}

static int read_user(const char *path, const cJSON *u, struct kube_config *k, char **ret_why)
{
	int err =
		data_or_file(path, u, "client-certificate", &k->cert_data, &k->cert_file, ret_why);

	if (err == 0)
		err = data_or_file(path, u, "client-key", &k->key_data, &k->key_file, ret_why);
	k->token = text_or_null(u, "token");
	k->token_file = beside(path, json_member(u, "tokenFile"));
	k->username = text_or_null(u, "username");
	k->password = text_or_null(u, "password");
	if (err == 0 && json_get(u, "auth-provider")) {
		*ret_why = mem_printf("%s: user.auth-provider: no longer known, use exec", path);
		err = ERR_UNSUPPORTED;
	}
	return err ? err : read_exec(path, json_get(u, "exec"), k, ret_why);
}

static int check_server(const char *path, struct kube_config *k, char **ret_why)
{
	if (k->server == NULL ||
	    (strncmp(k->server, "https://", 8) != 0 && strncmp(k->server, "http://", 7) != 0)) {
		*ret_why = mem_printf("%s: server: \"%s\" is not a URL", path,
				      k->server ? k->server : "");
		return ERR_INVALID;
	}
	for (size_t n = strlen(k->server); k->server[n - 1] == '/'; n--)
		k->server[n - 1] = '\0';
	return 0;
}

static int read_document(const char *path, const cJSON *doc, const char *context,
			 struct kube_config *k, char **ret_why)
{
	const char *cluster_name, *user_name;

	if (context == NULL)
		context = json_text(doc, "current-context");
	if (context == NULL || *context == '\0') {
		*ret_why = mem_printf("%s: current-context: missing", path);
		return ERR_INVALID;
	}
	const cJSON *c = named(doc, "contexts", context, "context");
	cluster_name = json_text(c, "cluster");
	user_name = json_text(c, "user");
	if (c == NULL || cluster_name == NULL) {
		*ret_why = mem_printf("%s: context \"%s\" is not there", path, context);
		return ERR_INVALID;
	}
	const cJSON *cluster = named(doc, "clusters", cluster_name, "cluster");
	if (cluster == NULL) {
		*ret_why = mem_printf("%s: cluster \"%s\" is not there", path, cluster_name);
		return ERR_INVALID;
	}
	const cJSON *user = user_name ? named(doc, "users", user_name, "user") : NULL;
	if (user_name && *user_name && user == NULL) {
		*ret_why = mem_printf("%s: user \"%s\" is not there", path, user_name);
		return ERR_INVALID;
	}
	k->from = mem_printf("%s, context %s", path, context);
	int err = read_cluster(path, cluster, k, ret_why);
	if (err == 0)
		err = check_server(path, k, ret_why);
	return err || user == NULL ? err : read_user(path, user, k, ret_why);
}

static void keep_first(void *ctx, cJSON *doc, unsigned line)
{
	cJSON **first = ctx;

	(void)line;
	if (*first == NULL)
		*first = doc;
	else
		cJSON_Delete(doc);
}

int kube_config_parse(const char *path, const char *text, size_t len, const char *context,
		      struct kube_config **ret, char **ret_why)
{
	struct yaml_error e;
	cJSON *doc = NULL;
	int err = yaml_parse(text, len, keep_first, &doc, &e);

	if (err) {
		*ret_why = mem_printf("%s:%u: %s", path, e.line, e.text);
		cJSON_Delete(doc);
		return err;
	}
	struct kube_config *k = MEM_NEW(struct kube_config);
	err = read_document(path, doc, context, k, ret_why);
	cJSON_Delete(doc);
	if (err)
		kube_config_free(k);
	else
		*ret = k;
	return err;
}

static int load_file(const char *path, struct kube_config **ret, char **ret_why)
{
	struct buf text = { 0 };
	int err = read_file(path, &text, ret_why);

	if (err == 0)
		err = kube_config_parse(path, buf_str(&text), text.len, NULL, ret, ret_why);
	if (text.data)
		mem_wipe(text.data, text.len);
	buf_fini(&text);
	return err;
}

/* --- the pod -------------------------------------------------------------------------- */

int kube_config_in_cluster(const char *dir, struct kube_config **ret, char **ret_why)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"); // NOLINT(concurrency-mt-unsafe)
	const char *port = getenv("KUBERNETES_SERVICE_PORT"); // NOLINT(concurrency-mt-unsafe)
	struct kube_config *k;

	if (host == NULL || *host == '\0')
		return ERR_NOT_FOUND;
	char *token = mem_printf("%s/token", dir);
	if (access(token, R_OK) != 0) {
		*ret_why = mem_printf("in a pod, but %s: %s", token, strerror(errno));
		free(token);
		return ERR_INVALID;
	}
	k = MEM_NEW(struct kube_config);
	k->from = mem_strdup("the pod's service account");
	k->server = mem_printf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host,
			       port && *port ? port : "443");
	k->token_file = token;
	k->ca_file = mem_printf("%s/ca.crt", dir);
	*ret = k;
	return 0;
}

/* --- the choice ----------------------------------------------------------------------- */

/* The first file of KUBECONFIG's list that is there. */
static char *from_environment(void)
{
	const char *list = getenv("KUBECONFIG"); // NOLINT(concurrency-mt-unsafe)
	struct strv files = { 0 };
	char *found = NULL;

	if (list == NULL)
		return NULL;
	strv_split(&files, list, ":");
	for (size_t i = 0; i < files.n && found == NULL; i++)
		if (access(files.s[i], F_OK) == 0)
			found = mem_strdup(files.s[i]);
	strv_fini(&files);
	return found;
}

static char *from_home(void)
{
	const char *home = getenv("HOME"); // NOLINT(concurrency-mt-unsafe)
	char *path = home ? mem_printf("%s/.kube/config", home) : NULL;

	if (path && access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int server_alone(const char *url, struct kube_config **ret, char **ret_why)
{
	struct kube_config *k = MEM_NEW(struct kube_config);

	k->from = mem_strdup("--server");
	k->server = mem_strdup(url);
	int err = check_server("--server", k, ret_why);
	if (err)
		kube_config_free(k);
	else
		*ret = k;
	return err;
}

int kube_config_load(const struct config *config, struct kube_config **ret, char **ret_why)
{
	const char *server = config_text(config, OPT_SERVER);
	char *path = *config_text(config, OPT_KUBECONFIG)
			     ? mem_strdup(config_text(config, OPT_KUBECONFIG))
			     : from_environment();
	struct kube_config *k = NULL;
	int err;

	if (path == NULL && *server == '\0')
		path = from_home();
	if (path)
		err = load_file(path, &k, ret_why);
	else if (*server)
		err = server_alone(server, &k, ret_why);
	else
		err = kube_config_in_cluster(ACCOUNT_DIR, &k, ret_why);
	if (err == 0 && path && *server) {
		mem_strset(&k->server, server);
		err = check_server("--server", k, ret_why);
	}
	free(path);
	if (err)
		kube_config_free(k);
	else
		*ret = k;
	return err;
}
