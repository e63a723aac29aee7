#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/go_template_tree.h"
#include "lib/error.h"
#include "lib/mem.h"

/* print, println and printf, as far as names of hosts need fmt. */

int go_call_print(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		/* fmt.Sprint: a blank between operands when neither is a string */
		if (i && args[i].type != VALUE_STRING && args[i - 1].type != VALUE_STRING)
			buf_putc(&b, ' ');
		value_print(&args[i], &b);
	}
	*ret = value_own(r, buf_take(&b));
	return 0;
}

int go_call_println(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(&b, ' ');
		value_print(&args[i], &b);
	}
	buf_putc(&b, '\n');
	*ret = value_own(r, buf_take(&b));
	return 0;
}

/* One verb of printf with its flags and width in SPEC ("%-5"). */
static void print_verb(struct buf *out, const char *spec, char verb, const struct value *v)
{
	struct buf text = { 0 };
	char format[40];

	if (strchr("dxXob", verb) && v->type == VALUE_INT) {
		(void)snprintf(format, sizeof(format), "%.30sl%c", spec, verb == 'b' ? 'd' : verb);
		char number[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(number, sizeof(number), format, (long)v->i);
#pragma GCC diagnostic pop
		buf_puts(out, number);
		return;
	}
	if (strchr("vsdtfg", verb)) {
		value_print(v, &text);
	} else if (verb == 'q') {
		buf_putc(&text, '"');
		value_print(v, &text);
		buf_putc(&text, '"');
	} else {
		buf_printf(&text, "%%!%c(", verb);
		value_print(v, &text);
		buf_putc(&text, ')');
	}
	int width = (int)strtol(spec + 1 + strspn(spec + 1, "-+# 0"), NULL, 10);
	int pad = width > (int)text.len ? width - (int)text.len : 0;
	if (strchr(spec, '-')) {
		buf_puts(out, buf_str(&text));
		buf_printf(out, "%*s", pad, "");
	} else {
		buf_printf(out, "%*s", pad, "");
		buf_puts(out, buf_str(&text));
	}
	buf_fini(&text);
}

int go_call_printf(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	struct buf b = { 0 };
	const char *format = "";
	size_t next = 1;
	int err = value_want_string(r, "printf", &args[0], &format);

	for (const char *f = format; err == 0 && *f; f++) {
		char spec[16];
		size_t len = 1;

		if (*f != '%') {
			buf_putc(&b, *f);
			continue;
		}
		len += strspn(f + 1, "-+# 0123456789.");
		if (len >= 8 || f[len] == '\0') {
			err = run_fail(r, "error calling printf: bad format \"%s\"", format);
			break;
		}
		memcpy(spec, f, len);
		spec[len] = '\0';
		f += len;
		if (*f == '%')
			buf_putc(&b, '%');
		else if (next < n)
			print_verb(&b, spec, *f, &args[next++]);
		else
			buf_printf(&b, "%%!%c(MISSING)", *f);
	}
	*ret = value_own(r, buf_take(&b));
	return err;
}
