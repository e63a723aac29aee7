/* server_inside - what the rest of server/ needs of server.c beside server.h. */
#pragma once

struct cookie_keys;
struct server;

/* The secrets to use now; valid as a zonedb version is.  Any thread. */
const struct cookie_keys *server_cookies(const struct server *s);
/* Drop a reference; the last one frees.  Any thread. */
void server_unref(struct server *s);
