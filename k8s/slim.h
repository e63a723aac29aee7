/*
 * slim - what gslbd keeps of the objects that an API server sends: the parts that
 * sources and templates read.  Control thread.
 */
#pragma once

#include "k8s/json_read.h"
#include "k8s/object.h"

enum slim_degree {
	SLIM_ALL,    /* sources that only count endpoints */
	SLIM_SOME,   /* sources that look at the Pods behind them */
	SLIM_LITTLE, /* templates, which may read any field */
};
/* Before the first object is read. */
void slim_set(enum slim_degree d);
/* What to keep of one object of KIND. */
const struct json_keep *slim_object(enum kind_id kind);
