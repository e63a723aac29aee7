/*
 * probe_exec - a helper program: exit status 0 is good.  It runs in its own process group, without
 * a shell, with the target in GSLBD_TARGET and GSLBD_PORT, its output closed; it is killed when its
 * time is up.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gslb/probe.h"
#include "lib/loop.h"
#include "lib/mem.h"

extern const struct probe_ops probe_exec;
extern char **environ;

struct helper {
	struct probe_run *run;
	pid_t pid;
	int fd; /* pidfd */
	struct loop_fd *ended;
	struct loop_timer *fails;
	int err;
};

static void helper_free(struct helper *h)
{
	loop_fd_free(h->ended);
	loop_timer_free(h->fails);
	if (h->fd >= 0)
		(void)close(h->fd); /* nothing is lost */
	free(h);
}

static void on_end(void *ctx)
{
	struct helper *h = ctx;
	struct probe_run *run = h->run;
	int status = 0;

	if (waitpid(h->pid, &status, WNOHANG) != h->pid)
		return;
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char *why = WIFEXITED(status) ? mem_printf("exit status %d", WEXITSTATUS(status))
				      : mem_printf("ended by signal %d", WTERMSIG(status));
	helper_free(h);
	probe_run_done(run, good, why);
	free(why);
}

static void on_fail(void *ctx)
{
	struct helper *h = ctx;
	struct probe_run *run = h->run;
	char *why = mem_printf("cannot run %s: %s", probe_run_spec(run)->command.s[0],
			       strerror(h->err));

	helper_free(h);
	probe_run_done(run, false, why);
	free(why);
}

static char **environment(const struct netaddr *target, char **a, char **b)
{
	char text[NETADDR_TEXT_MAX];
	size_t n = 0;

	while (environ[n])
		n++;
	char **env = mem_calloc(n + 3, sizeof(char *));
	*a = mem_printf("GSLBD_TARGET=%s", netaddr_to_text(target, text));
	*b = mem_printf("GSLBD_PORT=%u", target->port);
	size_t out = 0;
	env[out++] = *a;
	env[out++] = *b;
	for (size_t i = 0; i < n; i++) /* a helper needs a path and a home, none of our secrets */
		if (strncmp(environ[i], "PATH=", 5) == 0 || strncmp(environ[i], "HOME=", 5) == 0 ||
		    strncmp(environ[i], "LANG=", 5) == 0)
			env[out++] = environ[i];
	return env;
}

static void start(struct probe_run *run)
{
	struct helper *h = MEM_NEW(struct helper);
	const struct strv *command = &probe_run_spec(run)->command;
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t files;
	char *a, *b;

	h->run = run;
	h->fd = -1;
	probe_run_set_data(run, h);
	char **argv = mem_calloc(command->n + 1, sizeof(char *));
	memcpy(argv, command->s, command->n * sizeof(char *));
	char **env = environment(probe_run_target(run), &a, &b);
	(void)posix_spawnattr_init(&attr); /* these only fail without memory */
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	(void)posix_spawn_file_actions_init(&files);
	for (int fd = 0; fd < 3; fd++)
		(void)posix_spawn_file_actions_addopen(&files, fd, "/dev/null", fd ? 1 : 0, 0);
	h->err = posix_spawn(&h->pid, argv[0], &files, &attr, argv, env);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	free(argv);
	free(env);
	free(a);
	free(b);
	if (h->err == 0) {
		h->fd = (int)syscall(SYS_pidfd_open, h->pid, 0);
		h->err = h->fd < 0 ? errno : 0;
	}
	if (h->err) {
		h->fails = loop_timer_new(probe_run_loop(run), on_fail, h);
		loop_timer_set(h->fails, 0);
		return;
	}
	h->ended = loop_fd_new(probe_run_loop(run), h->fd, on_end, h);
}

static void cancel(struct probe_run *run)
{
	struct helper *h = probe_run_data(run);

	if (h == NULL)
		return;
	if (h->err == 0) {
		(void)kill(-h->pid, SIGKILL); /* the whole group; it may be gone already */
		(void)waitpid(h->pid, NULL, 0);
	}
	helper_free(h);
	probe_run_set_data(run, NULL);
}

static char *check(const struct probe_spec *s)
{
	if (s->command.n == 0 || s->command.s[0][0] != '/')
		return mem_strdup("exec.command: must begin with an absolute path");
	return NULL;
}

const struct probe_ops probe_exec = {
	.name = "Exec",
	.start = start,
	.cancel = cancel,
	.check = check,
};
