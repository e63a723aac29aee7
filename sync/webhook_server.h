/*
 * webhook_server - ExternalDNS's webhook protocol served (--webhook-server): a
 * stock ExternalDNS with --provider=webhook writes through one of our providers,
 * by default into the zones that gslbd serves itself.  Control thread.
 */
#pragma once

#include "sync/provider.h"

struct webhook_server;

/*
 * Listens at --webhook-server-address.  ENV: borrowed but for ->filter, of which it makes its own.
 * 0, or an error with *ret_why (caller frees): the address, or what the provider says.
 */
int webhook_server_new(const struct provider_env *env, const struct provider_ops *ops,
		       struct webhook_server **ret, char **ret_why);
void webhook_server_free(struct webhook_server *s); /* NULL is fine */
/* The port it listens on, for tests. */
unsigned webhook_server_port(const struct webhook_server *s);
