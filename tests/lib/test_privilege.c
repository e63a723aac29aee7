/* privilege: root becomes somebody else for good. */
#include "lib/privilege.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/error.h"

/* Run BODY in a child, which exits with its result. */
static int in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int pipes[2];

/* A worker that runs before and after: says its user when the pipe closes. */
static void *worker(void *ctx)
{
	char c;

	(void)ctx;
	(void)!read(pipes[0], &c, 1);
	return geteuid() == 0 ? &pipes : NULL;
}

static int drop_to_nobody(void)
{
	char *why = NULL;
	pthread_t t;
	void *said;

	if (pipe(pipes) || pthread_create(&t, NULL, worker, NULL))
		return 10;
	if (privilege_drop("nobody", &why))
		return 1;
	close(pipes[1]);
	pthread_join(t, &said);
	if (said)
		return 2; /* a thread is still root */
	if (geteuid() == 0 || getuid() == 0 || getegid() == 0)
		return 3;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return 4;
	if (getgroups(0, NULL) > 1)
		return 5;                              /* root's groups are still there */
	return privilege_drop("nobody", &why) ? 6 : 0; /* again is fine */
}

static void root_becomes_nobody_in_all_threads_and_not_again(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(drop_to_nobody), 0);
}

static int drop_as_nobody(void)
{
	char *why = NULL;

	if (geteuid() == 0 && privilege_drop("nobody", &why))
		return 1;
	return privilege_drop("root", &why) == ERR_DENIED && strstr(why, "cannot become") ? 0 : 2;
}

static void others_cannot_become_anybody(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop_as_nobody), 0);
}

static void an_unknown_user_is_named(void **state)
{
	char *why = NULL;

	(void)state;
	assert_int_equal(privilege_check("no-such-user-here", &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why, "no-such-user-here"));
	free(why);
	assert_int_equal(privilege_drop("no-such-user-here", &why), ERR_NOT_FOUND);
	free(why);
}

static void no_user_is_no_change(void **state)
{
	char *why = NULL;
	uid_t me = geteuid();

	(void)state;
	assert_int_equal(privilege_check("", &why), 0);
	assert_int_equal(privilege_drop("", &why), 0);
	assert_int_equal(geteuid(), me);
	assert_int_equal(privilege_check("root", &why), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_becomes_nobody_in_all_threads_and_not_again),
		cmocka_unit_test(others_cannot_become_anybody),
		cmocka_unit_test(an_unknown_user_is_named),
		cmocka_unit_test(no_user_is_no_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
