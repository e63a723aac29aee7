/*
 * gen_doc - documents made from the table of options, at build time.
 *
 *	gen_doc man|markdown TEMPLATE > document
 *
 * The template is copied; a line "@OPTIONS@" becomes the options, "@VERSION@" within a
 * line the version.
 */
#include <stdio.h>
#include <string.h>

#include "lib/config_doc.h"

static void copy_line(const char *line)
{
	const char *v = strstr(line, "@VERSION@");

	if (v)
		printf("%.*s%s%s", (int)(v - line), line, PACKAGE_VERSION, v + strlen("@VERSION@"));
	else
		fputs(line, stdout);
}

int main(int argc, char **argv)
{
	char line[4096];
	FILE *f;

	if (argc != 3 || (strcmp(argv[1], "man") != 0 && strcmp(argv[1], "markdown") != 0)) {
		fputs("usage: gen_doc man|markdown TEMPLATE\n", stderr);
		return 2;
	}
	f = fopen(argv[2], "re");
	if (!f) {
		perror(argv[2]);
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		if (strcmp(line, "@OPTIONS@\n") != 0)
			copy_line(line);
		else if (!strcmp(argv[1], "man"))
			config_doc_man(stdout);
		else
			config_doc_markdown(stdout);
	}
	fclose(f);
	return fflush(stdout) ? 1 : 0;
}
