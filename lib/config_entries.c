/*
 * config_entries - the file's list "providers": a set of options for each
 * provider, laid over those of the whole.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config_store.h"
#include "lib/error.h"
#include "lib/mem.h"

static struct config *copy(const struct config *from)
{
	struct config *c = MEM_NEW(struct config);

	for (size_t i = 0; i < OPT_COUNT; i++) {
		c->v[i] = from->v[i];
		c->v[i].text = mem_strdup(from->v[i].text);
		c->v[i].list = (struct strv){ 0 };
		strv_copy(&c->v[i].list, &from->v[i].list);
	}
	return c;
}

static int put_environment(struct config_entry *e, const cJSON *map, char **ret_why)
{
	const cJSON *v;

	if (!cJSON_IsObject(map)) {
		*ret_why = mem_strdup("environment: a mapping of names is expected");
		return ERR_SYNTAX;
	}
	cJSON_ArrayForEach(v, map) {
		if (!cJSON_IsString(v)) {
			*ret_why = mem_printf("environment: %s: a text is expected; quote it",
					      v->string);
			return ERR_SYNTAX;
		}
		strv_take(&e->environment, mem_printf("%s=%s", v->string, v->valuestring));
	}
	return 0;
}

static int put_item(struct config_entry *e, const cJSON *item, char **ret_why)
{
	if (strcmp(item->string, "environment") == 0)
		return put_environment(e, item, ret_why);
	if (strcmp(item->string, "name") != 0)
		return config_file_put_key(e->config, item, FROM_ENTRY, ret_why);
	if (!cJSON_IsString(item) || *item->valuestring == '\0') {
		*ret_why = mem_strdup("name: a text is expected");
		return ERR_SYNTAX;
	}
	mem_strset(&e->name, item->valuestring);
	return 0;
}

static int make_entry(struct config *c, const cJSON *map, char **ret_why)
{
	struct config_entry *e;
	const cJSON *item;
	int err = 0;

	c->entries = mem_array(c->entries, c->nentries + 1, sizeof(*c->entries));
	e = &c->entries[c->nentries++];
	*e = (struct config_entry){ .config = copy(c) };
	/* the entry names its own provider; those of the flags are others */
	strv_fini(&e->config->v[OPT_PROVIDER].list);
	for (item = map->child; item && !err; item = item->next)
		err = put_item(e, item, ret_why);
	const struct strv *named = &e->config->v[OPT_PROVIDER].list;
	if (!err && named->n != 1) {
		*ret_why = mem_strdup("provider: one is expected");
		err = ERR_SYNTAX;
	}
	if (!err && e->name == NULL)
		e->name = mem_strdup(named->s[0]);
	for (size_t i = 0; !err && i + 1 < c->nentries; i++) {
		if (strcmp(c->entries[i].name, e->name) == 0) {
			*ret_why = mem_printf("name: there is a \"%s\" already", e->name);
			err = ERR_EXISTS;
		}
	}
	if (!err)
		err = config_check(e->config, ret_why);
	return err;
}

int config_entries_make(struct config *c, char **ret_why)
{
	const cJSON *map;
	size_t n = 0;

	if (c->providers == NULL)
		return 0;
	if (!cJSON_IsArray(c->providers)) {
		*ret_why = mem_strdup("providers: a list of mappings is expected");
		return ERR_SYNTAX;
	}
	cJSON_ArrayForEach(map, c->providers) {
		char *why = NULL;
		int err = ERR_SYNTAX;

		n++;
		if (cJSON_IsObject(map))
			err = make_entry(c, map, &why);
		if (err) {
			*ret_why = mem_printf("providers: entry %zu: %s", n,
					      why ? why : "a mapping is expected");
			free(why);
			return err;
		}
	}
	return 0;
}

void config_entries_fini(struct config *c)
{
	for (size_t i = 0; i < c->nentries; i++) {
		struct config_entry *e = &c->entries[i];

		for (size_t k = 0; k < e->environment.n; k++)
			mem_wipe(e->environment.s[k], strlen(e->environment.s[k]));
		strv_fini(&e->environment);
		free(e->name);
		config_free(e->config);
	}
	free(c->entries);
}

size_t config_providers(const struct config *c)
{
	return c->nentries;
}

const struct config *config_provider(const struct config *c, size_t i)
{
	assert(i < c->nentries);
	return c->entries[i].config;
}

const char *config_provider_name(const struct config *c, size_t i)
{
	assert(i < c->nentries);
	return c->entries[i].name;
}

const struct strv *config_provider_environment(const struct config *c, size_t i)
{
	assert(i < c->nentries);
	return &c->entries[i].environment;
}
