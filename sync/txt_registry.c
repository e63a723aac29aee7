/*
 * txt_registry - ownership in TXT records beside what they own, in
 * ExternalDNS's format: reads every form that its versions wrote, writes the
 * present one.  What is at the provider counts, never what should be there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "sync/registry.h"
#include "sync/target.h"
#include "sync/txt_content.h"
#include "sync/txt_name.h"

/* Labels that note puts on TXT records of the view; a leading blank keeps them inside. */
#define LABEL_HERITAGE " heritage"
#define LABEL_AT       " at" /* index of the target that is ours to read */
#define LABEL_SEALED   " sealed"
#define LABEL_TARGETS  " targets" /* of a claim, separated by blanks */
/* On candidates that stand for several objects: all their resource labels. */
#define LABEL_RESOURCES " resources"

struct txt_registry {
	struct registry base;
	struct txt_name name;
	struct txt_key key;
	bool encrypt;
	char *owner;
	char *old_owner;       /* NULL: no migration */
	char *cluster;         /* tells clusters apart that share an owner id */
	char *claim_id;        /* first part of the names of our claims: a hash of the two */
	struct strv **scratch; /* claims handed out by lookup */
	size_t nscratch;
};

/* What expand carries along. */
struct expand {
	struct txt_registry *r;
	const struct view *v;
	struct plan *p;
	struct change_list *out;
	struct map touched; /* TXT "name set" that have a change already */
	struct map going;   /* records "name type set" that are deleted; filled when first needed */
	bool going_known;
};

static struct txt_registry *self(struct registry *r)
{
	return (struct txt_registry *)r;
}

/* --- reading -------------------------------------------------------------------- */

static void note_claim(struct txt_registry *r, struct view *v, struct endpoint *e)
{
	struct buf targets = { 0 };
	const char *record = endpoint_label(e, "record"), *type = endpoint_label(e, "type");

	for (size_t i = 0; i < e->targets.n; i++) {
		struct endpoint *one = endpoint_new("", "", 0);
		const char *heritage = NULL;
		bool sealed = false;

		if (txt_content_read(e->targets.s[i], &r->key, one, &heritage, &sealed) == 0 &&
		    endpoint_label(one, "target"))
			buf_printf(&targets, "%s%s", targets.len ? " " : "",
				   endpoint_label(one, "target"));
		endpoint_free(one);
	}
	endpoint_set_label(e, LABEL_TARGETS, buf_str(&targets));
	if (record && type)
		view_claim(v, record, type, e);
	buf_fini(&targets);
}

static void note(struct registry *base, struct view *v, struct endpoint *e)
{
	struct txt_registry *r = self(base);
	const char *heritage = NULL;
	bool sealed = false;

	while (e->nlabels) /* a webhook may have sent some; the content alone counts */
		endpoint_set_label(e, e->labels[0].name, NULL);
	for (size_t i = 0; i < e->targets.n && heritage == NULL; i++) {
		char at[24];

		if (txt_content_read(e->targets.s[i], &r->key, e, &heritage, &sealed) < 0)
			continue;
		(void)snprintf(at, sizeof(at), "%zu", i);
		endpoint_set_label(e, LABEL_HERITAGE, heritage);
		endpoint_set_label(e, LABEL_AT, at);
		if (sealed)
			endpoint_set_label(e, LABEL_SEALED, "true");
	}
	if (heritage && strcmp(heritage, TXT_HERITAGE_SHARED) == 0)
		note_claim(r, v, e);
}

/* T (may be NULL) if it is an ownership record, or NULL. */
static struct endpoint *check_txt(struct endpoint *t)
{
	const char *heritage = t ? endpoint_label(t, LABEL_HERITAGE) : NULL;

	return heritage && strcmp(heritage, TXT_HERITAGE) == 0 ? t : NULL;
}

/* The ownership record called NAME (taken), or NULL. */
static struct endpoint *find_txt(const struct view *v, char *name, const char *set_identifier)
{
	struct endpoint *t = view_find(v, name, "TXT", set_identifier);

	free(name);
	return check_txt(t);
}

static char *lower_type(const char *type)
{
	char *l = mem_strdup(type);

	for (char *p = l; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	return l;
}

/*
 * Does the typed name of this record lie where it cannot be written?  It ends with all of DNS_NAME
 * but its first label, so it leaves the zone only at an apex.
 */
static bool needs_fallback(const struct txt_registry *r, const char *dns_name, const char *typed)
{
	if (r->base.no_inner_asterisk && strchr(typed, '*') && strncmp(typed, "*.", 2) != 0)
		return true;
	if (r->base.zones.n && map_get(&r->base.zones, dns_name) &&
	    registry_zone_of(&r->base, typed) == NULL)
		return true;
	return !txt_name_fits(typed);
}

static char *fallback_name(const struct txt_registry *r, const char *dns_name, const char *kind)
{
	const char *zone = registry_zone_of(&r->base, dns_name);

	if (zone == NULL) { /* no zone known: the parent is the best guess */
		zone = strchr(dns_name, '.');
		zone = zone ? zone + 1 : dns_name;
	}
	return txt_name_fallback(&r->name, dns_name, kind, zone);
}

/* The name under which we write the ownership of (DNS_NAME, TYPE), into OUT of TXT_NAME_MAX. */
static void owner_name(const struct txt_registry *r, const char *dns_name, const char *type,
		       char *out)
{
	if (txt_name_put_typed(&r->name, dns_name, type, out) && !needs_fallback(r, dns_name, out))
		return;
	char *kind = lower_type(type);
	char *name = fallback_name(r, dns_name, kind);

	(void)snprintf(out, TXT_NAME_MAX, "%s", name); /* a name that fits into the DNS does */
	free(kind);
	free(name);
}

static bool is_alias(const struct endpoint *e)
{
	const char *alias = endpoint_prop(e, "alias");

	return strcmp(e->record_type, "A") == 0 && alias && strcmp(alias, "true") == 0;
}

/* Before --txt-wildcard-replacement was given the asterisk stood in the name. */
static char *with_asterisk(const struct txt_registry *r, const char *dns_name, const char *type)
{
	struct txt_name plain = r->name;
	static char none[] = "";

	plain.wildcard = none;
	return type ? txt_name_typed(&plain, dns_name, type) : txt_name_legacy(&plain, dns_name);
}

/* The ownership record in the place where we would write it, or NULL. */
static struct endpoint *find_current(const struct txt_registry *r, const struct view *v,
				     const struct endpoint *e)
{
	char name[TXT_NAME_MAX];

	owner_name(r, e->dns_name, e->record_type, name);
	return check_txt(view_find(v, name, "TXT", e->set_identifier));
}

/* All typed forms; NULL if there is none. */
static struct endpoint *find_typed(const struct txt_registry *r, const struct view *v,
				   const struct endpoint *e)
{
	const char *set = e->set_identifier;
	struct endpoint *t = find_current(r, v, e);

	if (t == NULL) /* a fallback took its place, or it lies in another zone after all */
		t = find_txt(v, txt_name_typed(&r->name, e->dns_name, e->record_type), set);
	if (t == NULL && is_alias(e)) /* up to 0.21 */
		t = find_txt(v, txt_name_typed(&r->name, e->dns_name, "CNAME"), set);
	if (t == NULL && *r->name.wildcard && strncmp(e->dns_name, "*.", 2) == 0)
		t = find_txt(v, with_asterisk(r, e->dns_name, e->record_type), set);
	return t;
}

/* Is T the typed TXT of some record that is there? */
static bool is_typed_of_another(const struct txt_registry *r, const struct view *v,
				const struct endpoint *t)
{
	struct strv readings = { 0 };
	bool yes = false;

	txt_name_readings(&r->name, t->dns_name, &readings);
	for (size_t i = 0; i < readings.n && !yes; i++) {
		char *blank = strchr(readings.s[i], ' ');

		*blank = '\0';
		yes = strcmp(readings.s[i], "-") != 0 &&
		      view_find(v, blank + 1, readings.s[i], t->set_identifier);
	}
	strv_fini(&readings);
	return yes;
}

static struct endpoint *find_legacy(const struct txt_registry *r, const struct view *v,
				    const struct endpoint *e)
{
	struct endpoint *t;

	if (strcmp(e->record_type, "AAAA") == 0) /* never had one */
		return NULL;
	t = find_txt(v, txt_name_legacy(&r->name, e->dns_name), e->set_identifier);
	if (t == NULL && *r->name.wildcard && strncmp(e->dns_name, "*.", 2) == 0)
		t = find_txt(v, with_asterisk(r, e->dns_name, NULL), e->set_identifier);
	return t && is_typed_of_another(r, v, t) ? NULL : t;
}

/* The owner that a TXT record names; an old one that is to be migrated is us. */
static const char *owner_in(const struct txt_registry *r, const struct endpoint *t)
{
	const char *owner = endpoint_label(t, "owner");

	if (owner == NULL)
		return ""; /* a claim by nobody: not ours, not free */
	return r->old_owner && strcmp(owner, r->old_owner) == 0 ? r->owner : owner;
}

static bool is_our_txt(const struct txt_registry *r, const struct endpoint *t)
{
	return strcmp(owner_in(r, t), r->owner) == 0;
}

static bool is_our_claim(const struct txt_registry *r, const struct endpoint *t)
{
	const char *cluster = endpoint_label(t, "cluster"), *owner = endpoint_label(t, "owner");

	return owner && strcmp(owner, r->owner) == 0 &&
	       strcmp(cluster ? cluster : "", r->cluster) == 0;
}

static void lookup_claims(struct txt_registry *r, const struct view *v, const struct endpoint *e,
			  struct plan_record *ret)
{
	const struct view_row *claims = view_claims(v, e->dns_name, e->record_type);

	for (size_t i = 0; claims && i < claims->n; i++) {
		if (strcmp(claims->e[i]->set_identifier, e->set_identifier) != 0)
			continue;
		ret->is_shared = true;
		if (!is_our_claim(r, claims->e[i]))
			continue;
		struct strv *own = MEM_NEW(struct strv);

		strv_split(own, endpoint_label(claims->e[i], LABEL_TARGETS), " ");
		r->scratch = mem_array(r->scratch, r->nscratch + 1, sizeof(struct strv *));
		r->scratch[r->nscratch++] = own;
		ret->claim = own;
	}
}

static void lookup(struct registry *base, const struct view *v, const struct endpoint *e,
		   struct plan_record *ret)
{
	struct txt_registry *r = self(base);
	struct endpoint *t;

	*ret = (struct plan_record){ .e = e };
	if (registry_is_ours(e)) {
		ret->is_registry = true;
		ret->owner = owner_in(r, e);
		return;
	}
	t = ret->proof = find_current(r, v, e);
	if (t == NULL)
		t = find_typed(r, v, e);
	if (t == NULL) {
		t = find_legacy(r, v, e);
		ret->weak = t != NULL;
	}
	if (t) {
		ret->owner = owner_in(r, t);
		ret->resource = endpoint_label(t, "resource");
	} else {
		/* a provider that keeps labels itself (webhook) */
		ret->owner = endpoint_label(e, "owner");
		ret->resource = endpoint_label(e, "resource");
	}
	if (v->claims.n)
		lookup_claims(r, v, e, ret);
}

/* --- writing -------------------------------------------------------------------- */

/* False if this TXT record has a change already. */
static bool touch(struct expand *x, const char *name, const char *set_identifier)
{
	char *key = mem_printf("%s %s", name, set_identifier);
	bool first = map_put(&x->touched, key, x) == NULL;

	free(key);
	return first;
}

static struct endpoint *new_txt(struct expand *x, const char *name, const struct endpoint *record)
{
	struct endpoint *t = endpoint_new(name, "TXT", 0);

	mem_strset(&t->set_identifier, record->set_identifier);
	endpoint_set_label(t, "ownedRecord", record->dns_name);
	/* a weighted record's TXT is weighted alike */
	for (size_t i = 0; i < record->nprovider_specific; i++)
		endpoint_set_prop(t, record->provider_specific[i].name,
				  record->provider_specific[i].value);
	return change_list_keep(x->out, t);
}

/* The object whose label the TXT shall carry: one of several keeps its place. */
static const char *resource_for(const struct endpoint *wanted, const struct endpoint *have)
{
	const char *all = endpoint_label(wanted, LABEL_RESOURCES);
	const char *old = have ? endpoint_label(have, "resource") : NULL;
	struct strv names = { 0 };

	if (all == NULL)
		return endpoint_label(wanted, "resource");
	strv_split(&names, all, " ");
	bool stays = old && strv_has(&names, old);
	strv_fini(&names);
	return stays ? old : endpoint_label(wanted, "resource");
}

/* Besides owner and resource: does this label stand in the text? */
static bool is_other_label(const struct endpoint_prop *l)
{
	switch (l->name[0]) {
	case ' ':
		return false;
	case 'o':
		return strcmp(l->name, "owner") != 0 && strcmp(l->name, "ownedRecord") != 0;
	case 'r':
		return strcmp(l->name, "resource") != 0;
	case 't':
		return strcmp(l->name, "txt-encryption-nonce") != 0;
	default:
		return true;
	}
}

/* Do the labels in T say what they would if written anew, but for RESOURCE those of LABELS? */
static bool says_the_same(const struct txt_registry *r, const struct endpoint *t,
			  const struct endpoint *labels, const char *resource)
{
	const char *owner = NULL, *said = NULL;
	size_t have = 0, want = 0;

	for (size_t i = 0; i < t->nlabels; i++) {
		const struct endpoint_prop *l = &t->labels[i];

		if (is_other_label(l))
			have++;
		else if (strcmp(l->name, "owner") == 0)
			owner = l->value;
		else if (strcmp(l->name, "resource") == 0)
			said = l->value;
	}
	if (owner == NULL || strcmp(owner, r->owner) != 0 ||
	    strcmp(said ? said : "", resource ? resource : "") != 0)
		return false;
	if (r->encrypt && endpoint_label(t, LABEL_SEALED) == NULL)
		return false;
	for (size_t i = 0; i < labels->nlabels; i++) {
		const struct endpoint_prop *l = &labels->labels[i];
		const char *v;

		if (!is_other_label(l) || *l->value == '\0')
			continue;
		v = endpoint_label(t, l->name);
		if (v == NULL || strcmp(v, l->value) != 0)
			return false;
		want++;
	}
	return have == want;
}

/* Properties that the provider gave back with the TXT record must be those of its record. */
static bool props_agree(const struct endpoint *t, const struct endpoint *record)
{
	if (*record->set_identifier == '\0')
		return true;
	for (size_t i = 0; i < t->nprovider_specific; i++) {
		const char *v = endpoint_prop(record, t->provider_specific[i].name);

		if (v && strcmp(v, t->provider_specific[i].value) != 0)
			return false;
	}
	return true;
}

static const struct txt_key *writing_key(const struct txt_registry *r)
{
	return r->encrypt ? &r->key : NULL;
}

/* Put CONTENT in place of what T says, other values of the set stay as they are. */
static void update_txt(struct expand *x, const struct endpoint *t, const char *content,
		       const struct endpoint *record)
{
	struct endpoint *after = new_txt(x, t->dns_name, record);
	const char *at = endpoint_label(t, LABEL_AT);
	size_t ours = at ? (size_t)strtoul(at, NULL, 10) : SIZE_MAX;

	strv_add(&after->targets, content); /* first: ExternalDNS looks at no other */
	for (size_t i = 0; i < t->targets.n; i++)
		if (i != ours)
			strv_add(&after->targets, t->targets.s[i]);
	if (after->targets.n > 1)
		after->record_ttl = t->record_ttl;
	change_list_add(x->out, CHANGE_UPDATE, t, after, record, true);
}

/*
 * See that RECORD (as it will be) has its TXT, with the labels of WANTED.
 * False if another owner's stands there; nothing is changed then.
 */
static bool write_txt(struct expand *x, const struct endpoint *record,
		      const struct endpoint *wanted)
{
	struct txt_registry *r = x->r;
	char name[TXT_NAME_MAX];

	owner_name(r, record->dns_name, record->record_type, name);
	struct endpoint *t = view_find(x->v, name, "TXT", record->set_identifier);
	bool is_ownership = t && endpoint_label(t, LABEL_HERITAGE);

	if (is_ownership && !is_our_txt(r, t))
		return false;
	const char *resource = resource_for(wanted, is_ownership ? t : find_typed(r, x->v, record));
	if ((is_ownership && says_the_same(r, t, wanted, resource) && props_agree(t, record)) ||
	    !touch(x, name, record->set_identifier))
		return true;
	struct endpoint *labels = endpoint_copy(wanted);
	endpoint_set_label(labels, "resource", resource);
	char *content = txt_content_write(labels, TXT_HERITAGE, r->owner, writing_key(r));
	if (t == NULL) {
		t = new_txt(x, name, record);
		strv_add(&t->targets, content);
		change_list_add(x->out, CHANGE_CREATE, NULL, t, record, true);
	} else {
		update_txt(x, t, content, record);
	}
	free(content);
	endpoint_free(labels);
	return true;
}

/* A migrated owner's legacy TXT must not speak for the old one for ever. */
static void migrate_legacy(struct expand *x, const struct endpoint *record)
{
	struct txt_registry *r = x->r;
	struct endpoint *t = r->old_owner ? find_legacy(r, x->v, record) : NULL;
	const char *owner = t ? endpoint_label(t, "owner") : NULL;

	if (owner == NULL || strcmp(owner, r->old_owner) != 0 ||
	    !touch(x, t->dns_name, t->set_identifier))
		return;
	char *content = txt_content_write(t, TXT_HERITAGE, r->owner, writing_key(r));
	update_txt(x, t, content, record);
	free(content);
}

static bool is_going(struct expand *x, const struct endpoint *e)
{
	if (!x->going_known) {
		for (size_t i = 0; i < x->p->nchanges; i++) {
			const struct endpoint *b = x->p->changes[i].before.e;

			if (x->p->changes[i].kind != PLAN_DELETE)
				continue;
			char *key = mem_printf("%s %s %s", b->dns_name, b->record_type,
					       b->set_identifier);
			(void)map_put(&x->going, key, x); /* a set */
			free(key);
		}
		x->going_known = true;
	}
	char *key = mem_printf("%s %s %s", e->dns_name, e->record_type, e->set_identifier);
	bool yes = map_get(&x->going, key) != NULL;
	free(key);
	return yes;
}

/* Is there a record besides GONE that would lose its owner with T? */
static bool is_needed(struct expand *x, const struct endpoint *t, const struct endpoint *gone)
{
	struct strv readings = { 0 };
	bool needed = false;

	txt_name_readings(&x->r->name, t->dns_name, &readings);
	for (size_t i = 0; i < readings.n && !needed; i++) {
		char *name = strchr(readings.s[i], ' ');

		*name++ = '\0';
		const struct view_row *row = view_row(x->v, name);
		for (size_t k = 0; row && k < row->n && !needed; k++) {
			struct endpoint *e = row->e[k];

			if (e == gone || registry_is_ours(e) ||
			    strcmp(e->set_identifier, t->set_identifier) != 0)
				continue;
			if (strcmp(readings.s[i], "-") == 0)
				needed = find_typed(x->r, x->v, e) == NULL &&
					 find_legacy(x->r, x->v, e) == t;
			else
				needed = strcmp(e->record_type, readings.s[i]) == 0 &&
					 find_typed(x->r, x->v, e) == t;
			needed = needed && !is_going(x, e);
		}
	}
	strv_fini(&readings);
	return needed;
}

/* Remove T (may be NULL) with the record that is deleted, if it is ours and nothing else needs it.
 */
static void delete_txt(struct expand *x, struct endpoint *t, const struct endpoint *record)
{
	const char *at = t ? endpoint_label(t, LABEL_AT) : NULL;

	if (t == NULL || !is_our_txt(x->r, t) || is_needed(x, t, record) ||
	    !touch(x, t->dns_name, t->set_identifier))
		return;
	endpoint_set_label(t, "ownedRecord", record->dns_name);
	if (t->targets.n == 1) {
		change_list_add(x->out, CHANGE_DELETE, t, NULL, record, true);
		return;
	}
	/* somebody else's values share the set */
	struct endpoint *rest = change_list_keep(x->out, endpoint_copy(t));
	strv_remove(&rest->targets, at ? (size_t)strtoul(at, NULL, 10) : 0);
	change_list_add(x->out, CHANGE_UPDATE, t, rest, record, true);
}

static void delete_all_txt(struct expand *x, const struct endpoint *record)
{
	const struct txt_registry *r = x->r;
	const char *set = record->set_identifier;

	delete_txt(x, find_typed(r, x->v, record), record);
	/* twins that versions and flags of before left */
	if (is_alias(record))
		delete_txt(x,
			   find_txt(x->v, txt_name_typed(&r->name, record->dns_name, "CNAME"), set),
			   record);
	if (*r->name.wildcard && strncmp(record->dns_name, "*.", 2) == 0)
		delete_txt(x,
			   find_txt(x->v, with_asterisk(r, record->dns_name, record->record_type),
				    set),
			   record);
	delete_txt(x, find_legacy(r, x->v, record), record);
}

/* --- claims on shared sets ------------------------------------------------------- */

static struct endpoint *our_claim(const struct txt_registry *r, const struct view *v,
				  const struct endpoint *e)
{
	const struct view_row *claims = view_claims(v, e->dns_name, e->record_type);

	for (size_t i = 0; claims && i < claims->n; i++)
		if (is_our_claim(r, claims->e[i]) &&
		    strcmp(claims->e[i]->set_identifier, e->set_identifier) == 0)
			return claims->e[i];
	return NULL;
}

static char *claim_content(const struct txt_registry *r, const char *owner, const char *cluster,
			   const struct endpoint *record, const char *target)
{
	struct endpoint *l = endpoint_new("", "", 0);

	endpoint_set_label(l, "cluster", cluster);
	endpoint_set_label(l, "record", record->dns_name);
	endpoint_set_label(l, "type", record->record_type);
	endpoint_set_label(l, "target", target);
	char *content = txt_content_write(l, TXT_HERITAGE_SHARED, owner, writing_key(r));
	endpoint_free(l);
	return content;
}

static struct endpoint *new_claim(struct expand *x, const char *name, const char *owner,
				  const char *cluster, const struct endpoint *record,
				  const struct strv *targets)
{
	struct endpoint *t = endpoint_new(name, "TXT", 0);

	mem_strset(&t->set_identifier, record->set_identifier);
	endpoint_set_label(t, "ownedRecord", record->dns_name);
	for (size_t i = 0; i < targets->n; i++)
		strv_take(&t->targets, claim_content(x->r, owner, cluster, record, targets->s[i]));
	return change_list_keep(x->out, t);
}

/* Set the targets of the claim HAVE (NULL: ours, a new one) to TARGETS. */
static void set_claim(struct expand *x, struct endpoint *have, const struct endpoint *record,
		      const struct strv *targets)
{
	struct txt_registry *r = x->r;
	struct strv old = { 0 };

	if (have)
		strv_split(&old, endpoint_label(have, LABEL_TARGETS), " ");
	if (have ? target_set_equal(&old, targets) : targets->n == 0)
		goto out;
	if (have && targets->n == 0) {
		change_list_add(x->out, CHANGE_DELETE, have, NULL, record, true);
		goto out;
	}
	char *kind = lower_type(record->record_type);
	char *with_id = mem_printf("%s-%s", kind, r->claim_id);
	char *name =
		have ? mem_strdup(have->dns_name) : fallback_name(r, record->dns_name, with_id);
	const char *owner = have ? endpoint_label(have, "owner") : r->owner;
	const char *cluster = have ? endpoint_label(have, "cluster") : r->cluster;
	struct endpoint *t = new_claim(x, name, owner, cluster ? cluster : "", record, targets);

	change_list_add(x->out, have ? CHANGE_UPDATE : CHANGE_CREATE, have, t, record, true);
	free(kind);
	free(with_id);
	free(name);
out:
	strv_fini(&old);
}

/* Targets of a dead cluster leave its claim as they leave the set. */
static void withdraw_claims(struct expand *x, const struct endpoint *record, const char *dead)
{
	const struct view_row *claims = view_claims(x->v, record->dns_name, record->record_type);
	struct strv gone = { 0 };

	strv_split(&gone, dead ? dead : "", ",");
	for (size_t i = 0; gone.n && claims && i < claims->n; i++) {
		struct strv keep = { 0 }, old = { 0 };

		if (is_our_claim(x->r, claims->e[i]))
			continue;
		strv_split(&old, endpoint_label(claims->e[i], LABEL_TARGETS), " ");
		for (size_t k = 0; k < old.n; k++)
			if (!target_set_has(&gone, old.s[k]))
				strv_add(&keep, old.s[k]);
		set_claim(x, claims->e[i], record, &keep);
		strv_fini(&keep);
		strv_fini(&old);
	}
	strv_fini(&gone);
}

static void expand_shared(struct expand *x, const struct plan_change *c)
{
	const struct endpoint *record = c->after ? c->after : c->before.e;
	struct endpoint *claim = our_claim(x->r, x->v, record);
	static const struct strv nothing;

	if (c->wanted)
		set_claim(x, claim, record, &c->wanted->targets);
	if (c->kind == PLAN_DELETE)
		change_list_add(x->out, CHANGE_DELETE, c->before.e, NULL, record, false);
	else if (c->kind == PLAN_UPDATE)
		change_list_add(x->out, CHANGE_UPDATE, c->before.e, c->after, record, false);
	else if (c->kind == PLAN_CREATE)
		change_list_add(x->out, CHANGE_CREATE, NULL, c->after, record, false);
	if (c->wanted)
		withdraw_claims(x, record, endpoint_prop(c->wanted, PLAN_WITHDRAW));
	else
		set_claim(x, claim, record, &nothing);
	if (c->kind == PLAN_DELETE)
		delete_all_txt(x, c->before.e);
}

/* --- the whole -------------------------------------------------------------------- */

static void expand_one(struct expand *x, struct plan_change *c)
{
	struct endpoint *typed;

	switch (c->kind) {
	case PLAN_KEEP:
		(void)write_txt(x, c->before.e, c->wanted); /* it is ours, or there is none */
		migrate_legacy(x, c->before.e);
		return;
	case PLAN_UPDATE:
		(void)write_txt(x, c->after, c->wanted);
		migrate_legacy(x, c->before.e);
		change_list_add(x->out, CHANGE_UPDATE, c->before.e, c->after, c->after, false);
		return;
	case PLAN_CREATE:
		if (write_txt(x, c->after, c->wanted)) {
			change_list_add(x->out, CHANGE_CREATE, NULL, c->after, c->after, false);
			return;
		}
		typed = find_typed(x->r, x->v, c->after);
		plan_skip(x->p, PLAN_SKIP_FOREIGN, c->after, typed,
			  typed ? owner_in(x->r, typed) : NULL);
		x->p->creates--;
		return;
	case PLAN_DELETE:
		change_list_add(x->out, CHANGE_DELETE, c->before.e, NULL, c->before.e, false);
		delete_all_txt(x, c->before.e);
		return;
	}
}

static void release_scratch(struct txt_registry *r)
{
	for (size_t i = 0; i < r->nscratch; i++) {
		strv_fini(r->scratch[i]);
		free(r->scratch[i]);
	}
	r->nscratch = 0;
}

/* Nothing at all to write for this record, which stays?  The usual case. */
static bool is_at_rest(const struct txt_registry *r, const struct plan_change *c)
{
	const struct endpoint *t = c->before.proof;

	if (c->is_shared)
		return false;
	if (c->wanted == NULL)
		return true;
	return t && r->old_owner == NULL &&
	       says_the_same(r, t, c->wanted, resource_for(c->wanted, t)) &&
	       props_agree(t, c->before.e);
}

static void expand_any(struct expand *x, struct plan_change *c)
{
	if (c->is_shared)
		expand_shared(x, c);
	else
		expand_one(x, c);
}

static void expand(struct registry *base, const struct view *v, struct plan *p,
		   struct change_list *out)
{
	struct expand x = { .r = self(base), .v = v, .p = p, .out = out };
	struct plan_change *keeps = p->n ? p->changes + p->nchanges : NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->nchanges; i++)
		expand_any(&x, &p->changes[i]);
	/* those of the others that are not as they should be, in order */
	for (size_t i = 0; i < p->n - p->nchanges; i++) {
		struct plan_change c = keeps[i];

		if (is_at_rest(x.r, &c))
			continue;
		keeps[i] = keeps[n];
		keeps[n++] = c;
	}
	plan_sort_range(keeps, n);
	for (size_t i = 0; i < n; i++)
		expand_any(&x, &keeps[i]);
	map_fini(&x.touched, NULL);
	map_fini(&x.going, NULL);
	release_scratch(x.r);
}

static void txt_registry_free(struct registry *base)
{
	struct txt_registry *r = self(base);

	release_scratch(r);
	free(r->scratch);
	txt_name_fini(&r->name);
	txt_key_fini(&r->key);
	free(r->owner);
	free(r->old_owner);
	free(r->cluster);
	free(r->claim_id);
	free(r);
}

static const struct registry_ops txt = {
	.name = "txt", .note = note, .lookup = lookup, .expand = expand, .free = txt_registry_free
};

static char *claim_id(const char *owner, const char *cluster)
{
	char *text = mem_printf("%s/%s", owner, cluster);
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	(void)EVP_Digest(text, strlen(text), hash, &len, EVP_sha256(), NULL);
	free(text);
	return mem_printf("%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3]);
}

int txt_registry_new(const struct config *c, struct registry **ret, char **ret_why)
{
	struct txt_registry *r = MEM_NEW(struct txt_registry);
	const char *old = config_text(c, OPT_MIGRATE_FROM_TXT_OWNER);
	int err;

	r->base.ops = &txt;
	r->owner = mem_strdup(config_text(c, OPT_TXT_OWNER_ID));
	r->base.owner = r->owner;
	r->old_owner = *old ? mem_strdup(old) : NULL;
	r->cluster = mem_strdup(config_text(c, OPT_CLUSTER_GEO_TAG));
	r->claim_id = claim_id(r->owner, r->cluster);
	r->encrypt = config_bool(c, OPT_TXT_ENCRYPT_ENABLED);
	err = txt_name_init(&r->name, config_text(c, OPT_TXT_PREFIX),
			    config_text(c, OPT_TXT_SUFFIX),
			    config_text(c, OPT_TXT_WILDCARD_REPLACEMENT), ret_why);
	if (err)
		goto fail;
	err = ERR_INVALID;
	if (*r->owner == '\0') {
		*ret_why = mem_strdup("--txt-owner-id must not be empty");
		goto fail;
	}
	if (txt_key_init(&r->key, config_text(c, OPT_TXT_ENCRYPT_AES_KEY)) < 0) {
		*ret_why = mem_strdup("--txt-encrypt-aes-key: 32 bytes are needed, as they are "
				      "or in base64");
		goto fail;
	}
	if (r->encrypt && !r->key.is_set) {
		*ret_why = mem_strdup("--txt-encrypt-enabled needs --txt-encrypt-aes-key");
		goto fail;
	}
	*ret = &r->base;
	return 0;
fail:
	txt_registry_free(&r->base);
	return err;
}
