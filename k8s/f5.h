/* f5 - what the two f5-* sources share.  Control thread. */
#pragma once

#include "k8s/object.h"

struct source_run;

/* spec.host and spec.hostAliases at the target annotation, spec.virtualServerAddress or
 * status.vsAddress; SOURCE is also the first word of the resource label. */
void f5_collect(struct source_run *run, const struct object *obj, const char *source);
