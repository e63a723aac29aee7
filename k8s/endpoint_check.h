/* endpoint_check - can an endpoint be a record at all (ExternalDNS's CheckEndpoint).  Pure. */
#pragma once

struct endpoint;

/* NULL if it can; else a sentence, static.  Empty targets pass. */
const char *endpoint_check(const struct endpoint *e);
