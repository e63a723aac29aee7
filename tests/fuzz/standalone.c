/*
 * standalone - runs a fuzz target over its seeds without libFuzzer, as a plain test:
 * every line of tests/fuzz/NAME.seeds is one input in hex ("#" begins a comment), and is also run
 * with each octet in turn changed and with its end cut off.  NAME is the program's name.
 */
#include <assert.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t unhex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned v;

	while (*text && *text != '#' && *text != '\n') {
		if (*text == ' ' || *text == '\t') {
			text++;
			continue;
		}
		if (sscanf(text, "%2x", &v) != 1)
			break;
		out[n++] = (uint8_t)v;
		text += 2;
	}
	return n;
}

/* In memory of exactly its size, so that sanitizers see every octet too far. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert(copy);
	memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_around(uint8_t *data, size_t size)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff };

	run(data, size);
	for (size_t i = 0; i < size; i++) {
		uint8_t was = data[i];

		for (size_t k = 0; k < sizeof(values); k++) {
			data[i] = values[k];
			run(data, size);
		}
		data[i] = was;
		run(data, i);
	}
}

int main(int argc, char **argv)
{
	static char line[200000];
	static uint8_t data[100000];
	const char *top = getenv("top_srcdir");
	char path[1000];
	unsigned n = 0;

	(void)argc;
	snprintf(path, sizeof(path), "%s/tests/fuzz/%s.seeds", top ? top : ".", basename(argv[0]));
	FILE *f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		size_t size = unhex(line, data);

		if (size == 0)
			continue;
		run_around(data, size);
		n++;
	}
	fclose(f);
	printf("%u seeds\n", n);
	return n ? 0 : 1;
}
