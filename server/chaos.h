/* chaos - the four names of class CH that say who answers (RFC 4892).  Worker threads. */
#pragma once

#include "server/response.h"
#include "zonedb/qname.h"

struct server_settings;

/*
 * Add the TXT record for Q if it is one of the names and is configured, else false.
 */
bool chaos_put(struct response *r, const struct server_settings *set, const struct qname *q,
	       uint16_t qtype);
