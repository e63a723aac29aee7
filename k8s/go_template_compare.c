#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/go_template_tree.h"
#include "lib/error.h"
#include "lib/mem.h"

/* eq, ne, lt, le, gt, ge as Go has them: numbers with numbers, texts with texts. */

static double as_number(const struct value *v)
{
	return v->type == VALUE_INT ? (double)v->i : v->type == VALUE_FLOAT ? v->f : 0;
}

static bool is_number(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_FLOAT;
}

/* 0 and *ret_order (<0, 0, >0), or ERR_INVALID if the two cannot be compared. */
static int compare(struct run *r, const char *function, const struct value *a,
		   const struct value *b, int *ret_order)
{
	if (is_number(a) || is_number(b)) {
		if ((!is_number(a) && a->type != VALUE_MISSING) ||
		    (!is_number(b) && b->type != VALUE_MISSING))
			goto bad;
		double x = as_number(a), y = as_number(b);
		*ret_order = (x > y) - (x < y);
		return 0;
	}
	if (a->type == VALUE_BOOL || b->type == VALUE_BOOL) {
		if ((a->type != VALUE_BOOL && a->type != VALUE_MISSING) ||
		    (b->type != VALUE_BOOL && b->type != VALUE_MISSING))
			goto bad;
		*ret_order = (int)a->b - (int)b->b;
		return 0;
	}
	const char *x = "", *y = "";
	if (value_want_string(r, function, a, &x) == 0 &&
	    value_want_string(r, function, b, &y) == 0) {
		*ret_order = strcmp(x, y);
		return 0;
	}
	return ERR_INVALID;
bad:
	return run_fail(r, "error calling %s: incompatible types for comparison: %s and %s",
			function, value_type_name(a), value_type_name(b));
}

/* Equality, where no value equals only no value. */
static int equals(struct run *r, const char *function, const struct value *a, const struct value *b,
		  bool *ret)
{
	int order, err;

	if (a->type == VALUE_NONE || b->type == VALUE_NONE) {
		*ret = a->type == b->type;
		return 0;
	}
	err = compare(r, function, a, b, &order);
	*ret = err == 0 && order == 0;
	return err;
}

int go_call_eq(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	bool same = false;

	for (size_t i = 1; i < n && !same; i++) {
		int err = equals(r, "eq", &args[0], &args[i], &same);

		if (err < 0)
			return err;
	}
	*ret = value_bool(same);
	return 0;
}

int go_call_ne(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	bool same = false;
	int err = equals(r, "ne", &args[0], &args[1], &same);

	(void)n;
	*ret = value_bool(!same);
	return err;
}

#define ORDER_FUNCTION(name, op)                                                                 \
	int go_call_##name(struct run *r, const struct value *args, size_t n, struct value *ret) \
	{                                                                                        \
		int order = 0, err = compare(r, #name, &args[0], &args[1], &order);              \
                                                                                                 \
		(void)n;                                                                         \
		*ret = value_bool(order op 0);                                                   \
		return err;                                                                      \
	}
ORDER_FUNCTION(lt, <)
ORDER_FUNCTION(le, <=)
ORDER_FUNCTION(gt, >)
ORDER_FUNCTION(ge, >=)
