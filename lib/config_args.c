/*
 * config_args - the command line, by the rules of kingpin, which ExternalDNS
 * uses: --flag=value, --flag value, --flag and --no-flag for booleans; a flag that
 * takes one value may be given once.  More lenient in one point: a boolean may
 * have "=true" or "=false".
 */
#include <stdlib.h>
#include <string.h>

#include "lib/config_store.h"
#include "lib/error.h"
#include "lib/mem.h"

void config_args_fini(struct config_args *args)
{
	for (size_t i = 0; i < args->n; i++)
		free(args->a[i].text);
	free(args->a);
	*args = (struct config_args){ 0 };
}

static void add(struct config_args *args, enum option o, const char *text)
{
	args->a = mem_array(args->a, args->n + 1, sizeof(*args->a));
	args->a[args->n++] = (struct config_arg){ o, mem_strdup(text) };
}

static bool was_given(const struct config_args *args, enum option o)
{
	for (size_t i = 0; i < args->n; i++) {
		if (args->a[i].option == o)
			return true;
	}
	return false;
}

static int unknown(const char *name, size_t len, char **ret_why)
{
	const char *near = option_nearest(name, len);

	*ret_why =
		near ? mem_printf("unknown flag --%.*s; did you mean --%s?", (int)len, name, near)
		     : mem_printf("unknown flag --%.*s", (int)len, name);
	return ERR_SYNTAX;
}

/* One flag: NAME with LEN octets, VALUE behind "=" or NULL, NEXT the following word or NULL. */
static int parse_flag(struct config_args *args, const char *name, size_t len, const char *value,
		      const char *next, bool *ret_used_next, char **ret_why)
{
	enum option o = option_find(name, len);
	bool negated = false;

	if (o == OPT_COUNT && len > 3 && !memcmp(name, "no-", 3)) {
		o = option_find(name + 3, len - 3);
		negated = true;
	}
	if (o == OPT_COUNT || (negated && option_rows[o].type != OPTION_BOOL))
		return unknown(name, len, ret_why);
	if (!option_is_list(option_rows[o].type) && was_given(args, o)) {
		*ret_why = mem_printf("flag --%s cannot be repeated", option_rows[o].name);
		return ERR_SYNTAX;
	}
	if (option_rows[o].type == OPTION_BOOL) {
		if (negated && value) {
			*ret_why = mem_printf("--%.*s takes no value", (int)len, name);
			return ERR_SYNTAX;
		}
		add(args, o, value ? value : negated ? "false" : "true");
		return 0;
	}
	if (!value) {
		/* as kingpin: what begins with "-" is a flag, but "-" and negative numbers are not
		 */
		if (!next || (next[0] == '-' && next[1] && !(next[1] >= '0' && next[1] <= '9'))) {
			*ret_why = mem_printf("expected an argument for flag --%s %s",
					      option_rows[o].name, option_rows[o].arg);
			return ERR_SYNTAX;
		}
		value = next;
		*ret_used_next = true;
	}
	add(args, o, value);
	return 0;
}

int config_args_parse(int argc, char *const *argv, struct config_args *ret, char **ret_why)
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i], *eq = strchr(arg, '=');
		bool used_next = false;
		int err;

		if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
			ret->help = true;
			return 0;
		}
		if (!strcmp(arg, "--version")) {
			ret->version = true;
			return 0;
		}
		if (strncmp(arg, "--", 2) != 0 || !arg[2]) {
			*ret_why = mem_printf("unexpected argument '%s'", arg);
			return ERR_SYNTAX;
		}
		err = parse_flag(ret, arg + 2, eq ? (size_t)(eq - arg - 2) : strlen(arg + 2),
				 eq ? eq + 1 : NULL, argv[i + 1], &used_next, ret_why);
		if (err)
			return err;
		i += used_next;
	}
	return 0;
}

int config_args_put(struct config *c, const struct config_args *args, char **ret_why)
{
	for (size_t i = 0; i < args->n; i++) {
		int err = config_put(c, args->a[i].option, args->a[i].text, FROM_ARGS, ret_why);

		if (err)
			return err;
	}
	return 0;
}
