/* azure - what provider_azure and provider_azure_private share.  Control thread. */
#pragma once

#include <stdbool.h>

#include "sync/provider.h"

int azure_open(const struct provider_env *env, bool is_private, struct provider **ret,
	       char **ret_why);
void azure_close(struct provider *p);
void azure_records(struct provider *p,
		   void (*done)(void *ctx, int err, const char *err_text,
				struct endpoint_list *records),
		   void *ctx);
void azure_apply(struct provider *p, struct change *changes, size_t n,
		 void (*done)(void *ctx, int err, const char *err_text), void *ctx);
const struct strv *azure_zones(struct provider *p);
void azure_adjust(struct provider *p, struct endpoint_list *desired);
bool azure_keeps(struct provider *p, const char *property);
