#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/object.h"
#include "lib/error.h"
#include "lib/mem.h"

/* Control thread; the table changes only while the flags are read and when discovery answers. */
static struct kind table[KIND_COUNT] = {
#define KIND(id, name, group, versions, plural, namespaced) \
	[KIND_##id] = { name, group, versions, plural, namespaced },
#include "k8s/kinds.def"
#undef KIND
};

const struct kind *const kinds = table;
enum kind_id kind_unstructured[KIND_LIST_MAX + 1] = { KIND_COUNT };
enum kind_id kind_crd[2] = { KIND_DNS_ENDPOINT, KIND_COUNT };
enum kind_id kind_route_group[2] = { KIND_ROUTE_GROUP, KIND_COUNT };
enum kind_id kind_traefik[7] = { KIND_COUNT };

#define SLOTS 8 /* rows KIND_CUSTOM_… */

static bool is_slot(enum kind_id id)
{
	return id >= KIND_CUSTOM_1 && id < KIND_CUSTOM_1 + SLOTS;
}

static bool has_version(const char *versions, const char *version, size_t n)
{
	for (const char *p = versions; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, version, n) == 0)
			return true;
		p += len;
	}
	return false;
}

/* The plural that a kind's name would have; CRDs may choose another. */
static bool is_plural_of(const char *plural, const char *name)
{
	size_t n = strlen(name);
	char *low = mem_alloc(n + 3);
	bool same, longer = false;

	for (size_t i = 0; i <= n; i++)
		low[i] = (char)tolower((unsigned char)name[i]);
	if (n && low[n - 1] == 'y')
		memcpy(low + n - 1, "ies", 4);
	else if ((longer = n && strchr("sxh", low[n - 1])))
		memcpy(low + n, "es", 3);
	else
		memcpy(low + n, "s", 2);
	same = strcmp(low, plural) == 0;
	if (!same && longer) { /* some leave it at that */
		memcpy(low + n, "s", 2);
		same = strcmp(low, plural) == 0;
	}
	free(low);
	return same;
}

static bool is_named(const struct kind *k, const char *name)
{
	return *k->name ? strcmp(k->name, name) == 0 : *k->plural && is_plural_of(k->plural, name);
}

enum kind_id kind_find(const char *api_version, const char *kind)
{
	if (api_version == NULL || kind == NULL)
		return KIND_COUNT;
	const char *slash = strchr(api_version, '/');
	size_t group_len = slash ? (size_t)(slash - api_version) : 0;
	const char *version = slash ? slash + 1 : api_version;
	for (int i = 0; i < KIND_COUNT; i++) {
		const struct kind *k = &table[i];

		if (strlen(k->group) != group_len ||
		    strncmp(k->group, api_version, group_len) != 0 ||
		    !has_version(k->versions, version, strlen(version)) || !is_named(k, kind))
			continue;
		if (*k->name == '\0')
			kind_learn((enum kind_id)i, kind, k->namespaced);
		return (enum kind_id)i;
	}
	return KIND_COUNT;
}

static enum kind_id find_resource(const char *plural, size_t plural_len, const char *version,
				  size_t version_len, const char *group)
{
	for (int i = 0; i < KIND_COUNT; i++)
		if (strlen(table[i].plural) == plural_len &&
		    strncmp(table[i].plural, plural, plural_len) == 0 &&
		    strcmp(table[i].group, group) == 0 &&
		    has_version(table[i].versions, version, version_len))
			return (enum kind_id)i;
	return KIND_COUNT;
}

int kind_define(const char *resource, enum kind_id *ret)
{
	const char *version = strchr(resource, '.');
	size_t plural_len, version_len;
	const char *group;
	enum kind_id id;

	if (version == NULL || version == resource || version[1] == '\0' || version[1] == '.')
		return ERR_SYNTAX;
	plural_len = (size_t)(version - resource);
	version++;
	version_len = strcspn(version, ".");
	group = version[version_len] ? version + version_len + 1 : "";
	id = find_resource(resource, plural_len, version, version_len, group);
	if (id == KIND_COUNT) {
		for (id = KIND_CUSTOM_1; is_slot(id) && *table[id].plural; id++)
			;
		if (!is_slot(id))
			return ERR_LIMIT;
		table[id].plural = mem_strndup(resource, plural_len);
		table[id].versions = mem_strndup(version, version_len);
		table[id].group = *group ? mem_strdup(group) : ""; /* "" is not freed */
	}
	*ret = id;
	return 0;
}

void kind_learn(enum kind_id id, const char *name, bool namespaced)
{
	struct kind *k = &table[id];

	if (!is_slot(id))
		return;
	if (strcmp(k->name, name) != 0) {
		if (*k->name)
			free((void *)(uintptr_t)k->name); /* ours, as every text in a slot */
		k->name = mem_strdup(name);
	}
	k->namespaced = namespaced;
}

void kind_forget_custom(void)
{
	for (enum kind_id id = KIND_CUSTOM_1; is_slot(id); id++) {
		const char *const texts[] = { table[id].name, table[id].plural, table[id].versions,
					      table[id].group };

		for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
			if (*texts[i])
				free((void *)(uintptr_t)texts[i]);
		table[id] = (struct kind){ "", "", "", "", true };
	}
	kind_unstructured[0] = KIND_COUNT;
	kind_crd[0] = KIND_DNS_ENDPOINT;
	kind_route_group[0] = KIND_ROUTE_GROUP;
}
