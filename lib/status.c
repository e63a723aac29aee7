#include "lib/status.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

#include "lib/error.h"
#include "lib/map.h"
#include "lib/mem.h"

struct section {
	status_cb cb;
	void *ctx;
};
struct command {
	command_cb cb;
	void *ctx;
	bool mutates;
};
struct input {
	bool ready;
	char *why_not;
};

/* The one registry of the process: rooms register at start, web and ctl read. */
static struct map sections, commands, inputs;
static unsigned long generation;

void status_section(const char *name, status_cb cb, void *ctx)
{
	struct section *s = MEM_NEW(struct section);

	*s = (struct section){ .cb = cb, .ctx = ctx };
	free(map_put(&sections, name, s));
}

void status_command(const char *name, bool mutates, command_cb cb, void *ctx)
{
	struct command *c = MEM_NEW(struct command);

	*c = (struct command){ .cb = cb, .ctx = ctx, .mutates = mutates };
	free(map_put(&commands, name, c));
}

void status_section_remove(const char *name)
{
	free(map_remove(&sections, name));
}

void status_commands(cJSON *out)
{
	for (struct map_item *it = map_first(&commands); it; it = map_next(&commands, it)) {
		const struct command *c = it->value;

		cJSON_AddBoolToObject(cJSON_AddObjectToObject(out, it->key), "mutates", c->mutates);
	}
}

struct cJSON *status_collect(const char *section)
{
	if (section) {
		struct section *s = map_get(&sections, section);

		if (s == NULL)
			return NULL;
		cJSON *out = cJSON_CreateObject();
		s->cb(s->ctx, out);
		return out;
	}
	cJSON *all = cJSON_CreateObject();
	for (struct map_item *it = map_first(&sections); it; it = map_next(&sections, it)) {
		struct section *s = it->value;
		cJSON *out = cJSON_AddObjectToObject(all, it->key);

		s->cb(s->ctx, out);
	}
	return all;
}

int status_run(const char *command, const cJSON *args, cJSON *out, bool may_mutate)
{
	struct command *c = map_get(&commands, command);

	if (c == NULL)
		return ERR_NOT_FOUND;
	if (c->mutates && !may_mutate)
		return ERR_DENIED;
	return c->cb(c->ctx, args, out);
}

static void input_free(void *p)
{
	struct input *in = p;

	free(in->why_not);
	free(in);
}

void status_clear(void)
{
	map_fini(&sections, free);
	map_fini(&commands, free);
	map_fini(&inputs, input_free);
}

void status_touch(void)
{
	generation++;
}

unsigned long status_generation(void)
{
	return generation;
}

static struct input *input_get(const char *what)
{
	struct input *in = map_get(&inputs, what);

	if (in == NULL) {
		in = MEM_NEW(struct input);
		(void)map_put(&inputs, what, in); /* was not there */
	}
	return in;
}

void status_ready_declare(const char *what)
{
	(void)input_get(what);
}

void status_ready_set(const char *what, bool ready, const char *why_not)
{
	struct input *in = input_get(what);

	if (in->ready != ready)
		status_touch();
	in->ready = ready;
	mem_strset(&in->why_not, ready ? NULL : why_not);
}

bool status_is_ready(cJSON *why_not)
{
	bool all = true;

	for (struct map_item *it = map_first(&inputs); it; it = map_next(&inputs, it)) {
		const struct input *in = it->value;

		if (in->ready)
			continue;
		all = false;
		if (why_not)
			(void)cJSON_AddStringToObject(why_not, it->key,
						      in->why_not ? in->why_not : "not yet");
	}
	return all;
}
