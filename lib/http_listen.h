/*
 * http_listen - the listening sockets of the HTTP server: TCP and unix.
 * Called by http_server only.  Control thread.
 */
#pragma once

#include <stdbool.h>

/*
 * A non-blocking listening socket for ADDRESS (see http_server_listen).
 * *ret_path: of the socket file, caller frees; NULL for TCP.
 * ERR_SYNTAX, ERR_IO, ERR_EXISTS with *ret_why (caller frees).
 */
int http_listen_open(const char *address, int *ret_fd, char **ret_path, char **ret_why);
/* Port of a TCP socket, 0 for others. */
unsigned http_listen_port(int fd);
