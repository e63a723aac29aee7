/*
 * web - the admin address: status page, API, metrics and readiness.  It knows no
 * room: it shows what rooms registered through lib/status.h and lib/metric.h.
 *
 *	/                         status page, live
 *	/healthz /readyz          200, or 503 with reasons as JSON
 *	/metrics                  Prometheus text
 *	/api/v1/status[/SECTION]  JSON
 *	/api/v1/command/NAME      POST {"arg": "text"}: gslbctl's door
 *	/api/v1/events            server-sent events: "status" when something changed
 *
 * Control thread.
 */
#pragma once

struct config;
struct loop;
struct web;

/*
 * Open every --admin address (default: the control socket, see web_default_socket),
 * and --metrics-address if it was given.  Config is borrowed for the call.
 * ERR_SYNTAX, ERR_IO, ERR_EXISTS with *ret_why (caller frees) naming the address.
 * The default socket that cannot be opened is no error: it is logged.
 */
int web_new(struct loop *loop, const struct config *config, struct web **ret, char **ret_why);
void web_free(struct web *w);
/* Port of the first TCP --admin address; 0 if none. */
unsigned web_port(const struct web *w);
/* Port of --metrics-address; 0 if it was not given. */
unsigned web_metrics_port(const struct web *w);
/* "unix:$XDG_RUNTIME_DIR/gslbd/ctl.sock", else "unix:/run/gslbd/ctl.sock"; caller frees. */
char *web_default_socket(void);
