#include "lib/secret_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define LEN_MAX (1024 * 1024)
#define BLANKS  " \t\r\n"

char *secret_file_read(const char *path)
{
	FILE *f = path && *path ? fopen(path, "re") : NULL;
	struct buf b = { 0 };
	char part[4096];
	size_t n;

	if (f == NULL)
		return NULL;
	(void)setvbuf(f, NULL, _IONBF, 0); /* no copy of it stays in a buffer of stdio */
	while ((n = fread(part, 1, sizeof(part), f)) > 0 && b.len + n <= LEN_MAX)
		buf_add(&b, part, n);
	bool good = !ferror(f) && n == 0;
	(void)fclose(f); /* read only */
	mem_wipe(part, sizeof(part));
	const char *text = buf_str(&b);
	text += strspn(text, BLANKS);
	size_t len = strlen(text);
	while (len && strchr(BLANKS, text[len - 1]))
		len--;
	char *secret = good ? mem_strndup(text, len) : NULL;
	mem_wipe(b.data, b.len);
	buf_fini(&b);
	return secret;
}

void secret_file_free(char *text)
{
	mem_wipe(text, text ? strlen(text) : 0);
	free(text);
}
