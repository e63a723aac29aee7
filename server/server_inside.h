/* server_inside - what the rest of server/ needs of server.c beside server.h. */
#pragma once

struct server;

/* Drop a reference; the last one frees.  Any thread. */
void server_unref(struct server *s);
