/*
 * fqdn_template - --fqdn-template, --target-template and --fqdn-target-template: names and targets
 * for objects that carry none.  Parsed once at start; control thread.
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"
#include "lib/strv.h"

struct fqdn_template;

/*
 * Each list is the flag's values, joined by commas; NULL or empty leaves that template out.
 * 0, or ERR_SYNTAX with *ret_why naming flag and place (caller frees).
 */
int fqdn_template_new(const struct strv *fqdn, const struct strv *target,
		      const struct strv *fqdn_target, bool combine, struct fqdn_template **ret,
		      char **ret_why);
void fqdn_template_free(struct fqdn_template *t);
bool fqdn_template_has_names(const struct fqdn_template *t);   /* --fqdn-template is given */
bool fqdn_template_has_targets(const struct fqdn_template *t); /* --target-template */
bool fqdn_template_has_pairs(const struct fqdn_template *t);   /* --fqdn-target-template */
bool fqdn_template_combines(const struct fqdn_template *t);    /* --combine-fqdn-annotation */
/*
 * What the template makes of OBJ: split at commas, trimmed, without one final dot, sorted, unique;
 * added to V, and nothing if the template is not given.  SOURCE is for isSource; "unstructured"
 * objects are raw maps.  0, or ERR_INVALID with *ret_why (caller frees).
 */
int fqdn_template_names(const struct fqdn_template *t, const struct object *obj, const char *source,
			struct strv *v, char **ret_why);
int fqdn_template_targets(const struct fqdn_template *t, const struct object *obj,
			  const char *source, struct strv *v, char **ret_why);
/* "name:target" pairs. */
int fqdn_template_pairs(const struct fqdn_template *t, const struct object *obj, const char *source,
			struct strv *v, char **ret_why);
