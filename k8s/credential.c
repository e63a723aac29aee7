#include "k8s/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "k8s/kubeconfig.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/encode.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"

/* As client-go: a mounted token is good for at least so long. */
#define TOKEN_FILE_MS   60000
#define EXEC_TIMEOUT_MS 30000
#define EXEC_MAX_OUTPUT (1U << 20)
#define EXEC_RETRY_MS   10000
/* Ask anew so long before what a plugin gave expires. */
#define EXEC_EARLY_S 30

extern char **environ;

struct credential {
	struct loop *loop;
	const struct kube_config *k;
	void (*cb)(void *ctx);
	void *ctx;
	char *header;     /* "Authorization: Bearer …" */
	uint64_t read_ms; /* when the token file was last read; 0 = never */
	/* the plugin */
	char *cert, *key;
	int64_t expires_s; /* 0 = never */
	bool has_exec;     /* it has given something */
	char *why;
	uint64_t failed_ms;
	pid_t pid;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *limit, *reap;
	struct buf output;
};

static void set_header(struct credential *c, const char *fmt, const char *secret)
{
	if (c->header)
		mem_wipe(c->header, strlen(c->header));
	free(c->header);
	char *h = mem_alloc(strlen(fmt) + strlen(secret) + 1);
	(void)sprintf(h, "%s%s", fmt, secret);
	c->header = h;
}

/* --- token files ---------------------------------------------------------------------- */

static void read_token_file(struct credential *c)
{
	FILE *f = fopen(c->k->token_file, "re");
	char text[65536];
	size_t n;

	if (f == NULL) {
		log_warning("%s: %s", c->k->token_file, strerror(errno));
		return; /* what was read before may still do */
	}
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	text[strcspn(text, "\r\n \t")] = '\0';
	if (*text)
		set_header(c, "Authorization: Bearer ", text);
	else
		log_warning("%s is empty", c->k->token_file);
	c->read_ms = clock_mono_ms();
	mem_wipe(text, sizeof(text));
}

static void basic(struct credential *c)
{
	struct buf plain = { 0 }, text = { 0 };

	buf_printf(&plain, "%s:%s", c->k->username, c->k->password ? c->k->password : "");
	encode_base64((const uint8_t *)plain.data, plain.len, &text);
	set_header(c, "Authorization: Basic ", buf_str(&text));
	mem_wipe(plain.data, plain.len);
	mem_wipe(text.data, text.len);
	buf_fini(&plain);
	buf_fini(&text);
}

/* --- the plugin ----------------------------------------------------------------------- */

static void take_credential(struct credential *c, const cJSON *doc)
{
	const cJSON *status = json_get(doc, "status");
	const char *token = json_text(status, "token");
	const char *cert = json_text(status, "clientCertificateData");
	const char *key = json_text(status, "clientKeyData");
	const char *expires = json_text(status, "expirationTimestamp");
	const char *kind = json_text(doc, "kind");

	if (kind == NULL || strcmp(kind, "ExecCredential") != 0 || (!token && !(cert && key))) {
		c->why = mem_printf("%s: printed no ExecCredential with a token or certificate",
				    c->k->exec->command);
		return;
	}
	if (token)
		set_header(c, "Authorization: Bearer ", token);
	mem_strset(&c->cert, cert);
	mem_strset(&c->key, key);
	c->expires_s = 0;
	if (expires && clock_from_rfc3339(expires, &c->expires_s) != 0)
		c->expires_s = 0;
	c->has_exec = true;
}

static void close_output(struct credential *c)
{
	loop_fd_free(c->watch);
	c->watch = NULL;
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

/* The process is reaped: with STATUS, or killed because of TROUBLE. */
static void exec_ended(struct credential *c, int status, const char *trouble)
{
	close_output(c);
	loop_timer_cancel(c->limit);
	loop_timer_cancel(c->reap);
	c->pid = 0;
	free(c->why);
	c->why = NULL;
	if (trouble) {
		c->why = mem_printf("%s: %s", c->k->exec->command, trouble);
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		const char *hint = c->k->exec->install_hint;

		c->why = mem_printf("%s: ended with status %d%s%s", c->k->exec->command,
				    WIFEXITED(status) ? WEXITSTATUS(status) : -1, hint ? ": " : "",
				    hint ? hint : "");
	} else {
		cJSON *doc = cJSON_ParseWithLength(buf_str(&c->output), c->output.len);

		take_credential(c, doc);
		cJSON_Delete(doc);
	}
	if (c->why) {
		c->failed_ms = clock_mono_ms();
		log_error("%s", c->why);
	}
	if (c->output.data)
		mem_wipe(c->output.data, c->output.cap);
	buf_reset(&c->output);
	c->cb(c->ctx);
}

static void exec_kill(struct credential *c, const char *trouble)
{
	(void)kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	exec_ended(c, 0, trouble);
}

/* Its output is closed; it may still take a moment to end. */
static void exec_reap(void *ctx)
{
	struct credential *c = ctx;
	int status = 0;

	if (waitpid(c->pid, &status, WNOHANG) == c->pid)
		exec_ended(c, status, NULL);
	else
		loop_timer_set(c->reap, 5);
}

static void exec_readable(void *ctx)
{
	struct credential *c = ctx;
	char chunk[8192];
	ssize_t n = read(c->fd, chunk, sizeof(chunk));

	if (n > 0 && c->output.len + (size_t)n > EXEC_MAX_OUTPUT) {
		exec_kill(c, "prints too much");
	} else if (n > 0) {
		buf_add(&c->output, chunk, (size_t)n);
	} else if (n == 0) {
		close_output(c);
		exec_reap(c);
	} else if (errno != EAGAIN && errno != EINTR) {
		exec_kill(c, strerror(errno));
	}
}

static void exec_late(void *ctx)
{
	exec_kill(ctx, "took too long");
}

/* KUBERNETES_EXEC_INFO, which tells the plugin what is asked. */
static char *exec_info(const struct kube_config *k)
{
	const char *version =
		k->exec->api_version ? k->exec->api_version : "client.authentication.k8s.io/v1";
	cJSON *doc = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(doc, "apiVersion", version);
	(void)cJSON_AddStringToObject(doc, "kind", "ExecCredential");
	cJSON *spec = cJSON_AddObjectToObject(doc, "spec");
	(void)cJSON_AddBoolToObject(spec, "interactive", false);
	if (k->exec->provide_cluster_info) {
		cJSON *cluster = cJSON_AddObjectToObject(spec, "cluster");

		(void)cJSON_AddStringToObject(cluster, "server", k->server);
		if (k->insecure)
			(void)cJSON_AddBoolToObject(cluster, "insecure-skip-tls-verify", true);
		if (k->tls_server_name)
			(void)cJSON_AddStringToObject(cluster, "tls-server-name",
						      k->tls_server_name);
		if (k->ca_data) {
			struct buf b = { 0 };

			encode_base64((const uint8_t *)k->ca_data, strlen(k->ca_data), &b);
			(void)cJSON_AddStringToObject(cluster, "certificate-authority-data",
						      buf_str(&b));
			buf_fini(&b);
		}
	}
	char *text = json_print(doc);
	char *env = mem_printf("KUBERNETES_EXEC_INFO=%s", text);
	free(text);
	cJSON_Delete(doc);
	return env;
}

static void exec_start(struct credential *c)
{
	const struct kube_exec *e = c->k->exec;
	char **argv = mem_calloc(e->args.n + 2, sizeof(char *));
	struct strv env = { 0 };
	posix_spawn_file_actions_t actions;
	int fds[2];

	argv[0] = e->command;
	for (size_t i = 0; i < e->args.n; i++)
		argv[i + 1] = e->args.s[i];
	for (char **p = environ; *p; p++)
		strv_add(&env, *p);
	for (size_t i = 0; i < e->env.n; i++)
		strv_add(&env, e->env.s[i]);
	strv_take(&env, exec_info(c->k));
	env.s = mem_array(env.s, env.n + 1, sizeof(char *));
	env.s[env.n] = NULL;
	free(c->why);
	c->why = NULL;
	if (pipe2(fds, O_CLOEXEC) != 0) {
		c->why = mem_printf("pipe: %s", strerror(errno));
		goto out;
	}
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	int err = posix_spawnp(&c->pid, e->command, &actions, NULL, argv, env.s);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(fds[1]);
	if (err) {
		c->pid = 0;
		(void)close(fds[0]);
		c->why = mem_printf("%s: %s%s%s", e->command, strerror(err),
				    e->install_hint ? ": " : "",
				    e->install_hint ? e->install_hint : "");
		goto out;
	}
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	c->fd = fds[0];
	c->watch = loop_fd_new(c->loop, c->fd, exec_readable, c);
	loop_timer_set(c->limit, EXEC_TIMEOUT_MS);
out:
	if (c->why) {
		c->failed_ms = clock_mono_ms();
		log_error("%s", c->why);
	}
	strv_fini(&env);
	free(argv);
}

static bool exec_is_fresh(const struct credential *c)
{
	return c->has_exec && (c->expires_s == 0 || clock_real_s() + EXEC_EARLY_S < c->expires_s);
}

static bool exec_get(struct credential *c, const char **ret_why)
{
	*ret_why = NULL;
	if (exec_is_fresh(c))
		return true;
	bool waits = c->why && clock_mono_ms() - c->failed_ms < EXEC_RETRY_MS;
	if (c->pid == 0 && !waits)
		exec_start(c);
	*ret_why = c->pid == 0 ? c->why : NULL;
	return false;
}

/* --- all of them ---------------------------------------------------------------------- */

bool credential_get(struct credential *c, const char **ret_header, const char **ret_why)
{
	const struct kube_config *k = c->k;

	*ret_why = NULL;
	if (k->exec) {
		bool ready = exec_get(c, ret_why);

		*ret_header = c->header;
		return ready;
	}
	if (k->token_file && (c->read_ms == 0 || clock_mono_ms() - c->read_ms >= TOKEN_FILE_MS))
		read_token_file(c);
	if (c->header == NULL && k->token)
		set_header(c, "Authorization: Bearer ", k->token);
	if (c->header == NULL && k->username)
		basic(c);
	*ret_header = c->header;
	return true;
}

const char *credential_cert(const struct credential *c)
{
	return c->cert;
}

const char *credential_key(const struct credential *c)
{
	return c->key;
}

void credential_refused(struct credential *c)
{
	c->read_ms = 0;
	c->has_exec = false;
}

struct credential *credential_new(struct loop *loop, const struct kube_config *k,
				  void (*cb)(void *ctx), void *ctx)
{
	struct credential *c = MEM_NEW(struct credential);

	c->loop = loop;
	c->k = k;
	c->cb = cb;
	c->ctx = ctx;
	c->fd = -1;
	c->limit = loop_timer_new(loop, exec_late, c);
	c->reap = loop_timer_new(loop, exec_reap, c);
	return c;
}

void credential_free(struct credential *c)
{
	if (c == NULL)
		return;
	if (c->pid) {
		close_output(c);
		(void)kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	loop_timer_free(c->limit);
	loop_timer_free(c->reap);
	if (c->header)
		mem_wipe(c->header, strlen(c->header));
	free(c->header);
	free(c->cert);
	if (c->key)
		mem_wipe(c->key, strlen(c->key));
	free(c->key);
	free(c->why);
	buf_fini(&c->output);
	free(c);
}
