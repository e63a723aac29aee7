/*
 * kubeconfig - where the API server is and how we show who we are: a kubeconfig
 * file, the pod's service account, or an URL alone, as ExternalDNS finds them.
 * Plain data; control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "lib/strv.h"

struct config;

/* An exec plugin (client.authentication.k8s.io): a program that prints a credential. */
struct kube_exec {
	char *command; /* absolute, or relative to the kubeconfig's folder if it has a slash */
	struct strv args;
	struct strv env; /* "NAME=value" besides ours */
	char *api_version;
	bool provide_cluster_info;
	char *install_hint;
};

struct kube_config {
	char *from;   /* for messages: "kubeconfig FILE, context X", "the pod's service account",
			 "--server" */
	char *server; /* "https://host:port[/path]", no final slash */
	char *ca_file, *ca_data; /* at most one; NULL = the system's */
	char *tls_server_name;   /* NULL = of the URL */
	char *proxy_url;         /* NULL = the environment's */
	bool insecure;
	char *cert_file, *cert_data, *key_file, *key_data;
	char *token, *token_file;  /* the file wins and is read again as it rotates */
	char *username, *password; /* basic; long gone from servers, still in files */
	struct kube_exec *exec;    /* NULL if none */
};

/*
 * By --kubeconfig, KUBECONFIG, ~/.kube/config, the pod, --server (which replaces the URL).
 * 0; ERR_NOT_FOUND: nothing of it is there; ERR_INVALID, ERR_SYNTAX, ERR_UNSUPPORTED with *ret_why
 * (caller frees).
 */
int kube_config_load(const struct config *config, struct kube_config **ret, char **ret_why);
void kube_config_free(struct kube_config *k);
/* From TEXT, as file PATH has it; CONTEXT NULL = current-context.  For kube_config_load and tests.
 */
int kube_config_parse(const char *path, const char *text, size_t len, const char *context,
		      struct kube_config **ret, char **ret_why);
/* In a pod: KUBERNETES_SERVICE_HOST and the mounted account in DIR. */
int kube_config_in_cluster(const char *dir, struct kube_config **ret, char **ret_why);
