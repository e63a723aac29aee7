/* judge - who of a host's members is live (gslb/judge.c).  Control thread. */
#pragma once

#include <stdint.h>

#include "gslb/inside.h"

/* Set is_live, is_drained and reasons.  *ret_wake_ms: earlier of it and when to judge again. */
void judge_run(struct host *h, uint64_t now_ms, uint64_t *ret_wake_ms);
/* H came or went in this cluster: hosts that depend on it are dirty. */
void judge_touch_dependents(const struct host *h);
