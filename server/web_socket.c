/*
 * web_socket - where the control socket is when nobody says: the daemon opens it
 * there and gslbctl looks there.
 */
#include <stdlib.h>

#include "lib/mem.h"
#include "server/web.h"

char *web_default_socket(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR"); // NOLINT(concurrency-mt-unsafe): at start

	return mem_printf("unix:%s/gslbd/ctl.sock", dir && *dir ? dir : "/run");
}
