#include "sync/spelling.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/endpoint.h"
#include "lib/mem.h"

static bool ends_with_name(const char *type)
{
	static const char *const types[] = { "CNAME", "NS",  "PTR",   "DNAME",
					     "MX",    "SRV", "NAPTR", "ALIAS" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

char *spelling_absolute(const char *type, const char *target)
{
	size_t len = strlen(target);

	if (!ends_with_name(type) || (len && target[len - 1] == '.'))
		return mem_strdup(target);
	return mem_printf("%s.", target);
}

char *spelling_plain(const char *type, const char *target)
{
	size_t len = strlen(target);

	if (ends_with_name(type) && len > 1 && target[len - 1] == '.' && target[len - 2] != ' ')
		len--;
	return mem_strndup(target, len);
}

char *spelling_unquoted(const char *target)
{
	struct buf b = { 0 };
	bool quoted = *target == '"', in = false;

	if (!quoted)
		return mem_strdup(target);
	for (; *target; target++) {
		if (*target == '"') {
			in = !in;
			continue;
		}
		if (!in)
			continue; /* between two strings */
		if (*target == '\\' && target[1])
			target++;
		buf_putc(&b, *target);
	}
	return buf_take(&b);
}

char *spelling_quoted(const char *target)
{
	char *plain = spelling_unquoted(target);
	struct buf b = { 0 };
	size_t left = strlen(plain);
	const char *s = plain;

	do {
		size_t n = left > 255 ? 255 : left;

		buf_puts(&b, b.len ? " \"" : "\"");
		for (size_t i = 0; i < n; i++) {
			if (s[i] == '"' || s[i] == '\\')
				buf_putc(&b, '\\');
			buf_putc(&b, s[i]);
		}
		buf_putc(&b, '"');
		s += n;
		left -= n;
	} while (left);
	free(plain);
	return buf_take(&b);
}

void spelling_quote_txt(struct endpoint *e)
{
	struct strv out = { 0 };

	if (strcmp(e->record_type, "TXT") != 0)
		return;
	for (size_t i = 0; i < e->targets.n; i++)
		strv_take(&out, spelling_quoted(e->targets.s[i]));
	strv_fini(&e->targets);
	e->targets = out;
}

char *spelling_relative(const char *dns_name, const char *zone)
{
	size_t n = strlen(dns_name), z = strlen(zone);

	if (!dname_text_is_below(dns_name, zone))
		return NULL;
	return n == z ? mem_strdup("@") : mem_strndup(dns_name, n - z - 1);
}

char *spelling_full_name(const char *name, const char *zone)
{
	char *full = strcmp(name, "@") == 0 || *name == '\0' ? mem_strdup(zone)
							     : mem_printf("%s.%s", name, zone);
	char *normal = dname_text_normal(full);

	free(full);
	return normal;
}
