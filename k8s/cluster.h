/*
 * cluster - an API server as input: discovery, one watch for each kind and
 * namespace that is wanted, and what the room knows about its state.  Control
 * thread.
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"

struct api;
struct config;
struct http_client;
struct kube_config;
struct loop;
struct store;
struct strv;
struct cluster;

/*
 * WANTED[KIND_COUNT] and NAMESPACES[KIND_COUNT] (empty = all) are borrowed until cluster_new
 * returns; K is taken.  Nothing is sent before cluster_start.
 */
struct cluster *cluster_new(struct loop *loop, const struct config *config,
			    struct http_client *http, struct store *store, struct kube_config *k,
			    const bool *wanted, const struct strv *namespaces);
void cluster_free(struct cluster *c);
void cluster_start(struct cluster *c);
struct api *cluster_api(struct cluster *c);
/*
 * "/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUB"; without NAMESPACE, NAME, SUB where those
 * are NULL or "".  NULL if the server does not have the kind (now).  Caller frees.
 */
char *cluster_path(const struct cluster *c, enum kind_id kind, const char *namespace,
		   const char *name, const char *sub);
/* "GROUP/VERSION" of KIND as it is there, caller frees; NULL if it is not. */
char *cluster_api_version(const struct cluster *c, enum kind_id kind);
