/*
 * zone_allow - which hosts the objects of a namespace may claim (--zone-allow=NAMESPACE=DOMAIN,
 * repeated; "*" is every namespace).  Without the option all may claim all; with it a namespace
 * that is not named may claim none.  Pure.
 */
#pragma once

#include <stdbool.h>

struct config;

/* HOST: a host name, "*." wildcards too.  On label boundaries, any case. */
bool zone_allow_host(const struct config *c, const char *namespace, const char *host);
