/*
 * ctl_rbac - the Kubernetes permissions that gslbd needs: k8s/rbac.yaml, which the
 * tests on a real API server run with, for another namespace if wanted.
 */
#include <string.h>

#include "server/ctl.h"
#include "server/rbac_text.h"

#define NAMESPACE "namespace: k8gb\n" /* in the text */

/* --namespace=NS or --namespace NS; NULL on wrong usage. */
static const char *wanted_namespace(const struct ctl *c, const struct strv *words)
{
	const char *name = "k8gb";

	for (size_t i = 1; i < words->n; i++) {
		const char *w = words->s[i];

		if (!strncmp(w, "--namespace=", strlen("--namespace="))) {
			name = w + strlen("--namespace=");
		} else if ((!strcmp(w, "--namespace") || !strcmp(w, "-n")) && i + 1 < words->n) {
			name = words->s[++i];
		} else {
			fprintf(stderr, "%s: rbac: unexpected argument '%s'\n", c->program, w);
			return NULL;
		}
	}
	/* RFC 1123 label, as Kubernetes wants it */
	if (!*name || strlen(name) > 63 ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name)) {
		fprintf(stderr, "%s: rbac: '%s' is no namespace\n", c->program, name);
		return NULL;
	}
	return name;
}

int ctl_rbac(const struct ctl *c, const struct strv *words)
{
	const char *name = wanted_namespace(c, words), *text = rbac_text, *at;

	if (!name)
		return 2;
	while ((at = strstr(text, NAMESPACE))) {
		printf("%.*snamespace: %s\n", (int)(at - text), text, name);
		text = at + strlen(NAMESPACE);
	}
	fputs(text, stdout);
	return 0;
}
