/*
 * server - DNS over UDP and TCP: the listening sockets, the worker threads and
 * their numbers.  main makes one, starts it when there are zones (or at once:
 * names outside every zone are REFUSED) and stops it last.
 *
 *	struct server_settings set;
 *	server_settings_load(config, &set, &why);	(server/settings.h)
 *	struct server *s = server_new(&set, loop, db);
 *	server_start(s, &why);	… loop_run() …	server_free(s);
 *
 * All functions: control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct loop;
struct server;
struct server_settings;
struct zonedb;

/* settings: copied.  loop and db: borrowed, must outlive the server.  Opens nothing yet. */
struct server *server_new(const struct server_settings *settings, struct loop *loop,
			  struct zonedb *db);
/*
 * Bind every listen address (UDP and TCP, one pair a worker) and start the workers.
 * ERR_IO or ERR_EXISTS (address in use) with *ret_why ("cannot listen on 127.0.0.1:53 (udp):
 * Permission denied", caller frees); nothing is left open then.
 */
int server_start(struct server *s, char **ret_why);
/* Read the file of cookie secrets again now (SIGHUP); it is looked at every 5 s anyway. */
void server_reload(struct server *s);
/* Stop answering, join the workers, close the sockets.  Twice is fine. */
void server_stop(struct server *s);
/* Stops first.  NULL is fine. */
void server_free(struct server *s);
/* The I-th address really bound (a port 0 in the settings is filled in); false past the last. */
bool server_address(const struct server *s, unsigned i, struct netaddr *ret);
