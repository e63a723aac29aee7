/*
 * privilege - become an unprivileged user for good; see privilege.h.
 */
#include "lib/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/mem.h"

static int find(const char *name, struct passwd *ret, char **ret_why)
{
	const struct passwd *p = getpwnam(name); // NOLINT(concurrency-mt-unsafe): control thread

	if (!p) {
		*ret_why = mem_printf("there is no user '%s'", name);
		return ERR_NOT_FOUND;
	}
	*ret = *p;
	return 0;
}

int privilege_check(const char *name, char **ret_why)
{
	struct passwd p;

	return *name ? find(name, &p, ret_why) : 0;
}

int privilege_drop(const char *name, char **ret_why)
{
	struct passwd p;
	int err;

	if (!*name)
		return 0;
	err = find(name, &p, ret_why);
	if (err)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		goto failed;
	if (geteuid() == p.pw_uid && getuid() == p.pw_uid)
		return 0;
	/* groups first: afterwards we may not; glibc does it for all threads */
	if (initgroups(name, p.pw_gid) || setresgid(p.pw_gid, p.pw_gid, p.pw_gid) ||
	    setresuid(p.pw_uid, p.pw_uid, p.pw_uid))
		goto failed;
	if (p.pw_uid != 0 && setuid(0) == 0) {
		*ret_why = mem_printf("user '%s' could become root again", name);
		return ERR_DENIED;
	}
	return 0;
failed:
	*ret_why = mem_printf("cannot become user '%s': %s", name,
			      strerror(errno)); // NOLINT(concurrency-mt-unsafe): control thread
	return ERR_DENIED;
}
