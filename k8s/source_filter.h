/*
 * source_filter - does an object count at all: namespace, labels, annotations, controller.
 * Every source asks first.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"

struct source_settings;
struct strv;

bool source_filter_passes(const struct source_settings *s, const struct object *obj);
/* The same, but in one of NAMESPACES (empty = all) in place of --namespace. */
bool source_filter_passes_in(const struct source_settings *s, const struct strv *namespaces,
			     const struct object *obj);
