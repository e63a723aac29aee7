/*
 * edge - the name servers of the parent zones: EDGE_DNS_SERVERS, or the one of
 * EDGE_DNS_SERVER.  Control thread, at start.
 */
#include "gslb/edge.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "gslb/inside.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/mem.h"

static void add_edge(struct gslb *g, const struct netaddr *a)
{
	g->edge = mem_array(g->edge, g->nedge + 1, sizeof(*a));
	g->edge[g->nedge++] = *a;
}

/* A server by name: the system's resolver is asked once, at start, before anything is served. */
static void add_edge_name(struct gslb *g, const char *text)
{
	const char *colon = strrchr(text, ':');
	char *host = mem_strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 53;
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
	int err = getaddrinfo(host, NULL, &hints, &found);

	if (err)
		log_warning("EDGE_DNS_SERVERS: %s: %s", host, gai_strerror(err));
	for (struct addrinfo *i = found; i; i = i->ai_next) {
		struct netaddr a;

		netaddr_from_sockaddr(i->ai_addr, &a);
		a.port = (uint16_t)port;
		add_edge(g, &a);
	}
	if (found)
		freeaddrinfo(found);
	free(host);
}

void edge_read(struct gslb *g)
{
	const struct strv *list = config_list(g->env.config, OPT_EDGE_DNS_SERVERS);
	const char *one = config_text(g->env.config, OPT_EDGE_DNS_SERVER);
	struct netaddr a;

	for (size_t i = 0; i < list->n; i++) {
		if (netaddr_from_text_port(list->s[i], 53, &a) == 0)
			add_edge(g, &a);
		else
			add_edge_name(g, list->s[i]);
	}
	if (list->n == 0 && *one) {
		char *text = mem_printf(
			"%s:%lld", one,
			(long long)config_number(g->env.config, OPT_EDGE_DNS_SERVER_PORT));

		if (netaddr_from_text_port(text, 53, &a) == 0)
			add_edge(g, &a);
		else
			add_edge_name(g, text);
		free(text);
	}
}
