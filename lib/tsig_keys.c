#include "lib/tsig_keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"

enum { FILE_MAX = 1 << 20 };

void tsig_keys_fini(struct tsig_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		tsig_key_free(k->keys[i]);
	free(k->keys);
	*k = (struct tsig_keys){ 0 };
}

int tsig_keys_add(struct tsig_keys *k, struct tsig_key *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (dname_equal(k->keys[i]->name, key->name) &&
		    strcmp(k->keys[i]->algorithm, key->algorithm) == 0) {
			tsig_key_free(key);
			return ERR_EXISTS;
		}
	k->keys = mem_array(k->keys, k->n + 1, sizeof(struct tsig_key *));
	k->keys[k->n++] = key;
	return 0;
}

const struct tsig_key *tsig_keys_find(const struct tsig_keys *k, const char *name)
{
	uint8_t wire[DNAME_MAX];

	if (dname_from_text(name, wire))
		return NULL;
	for (size_t i = 0; i < k->n; i++)
		if (dname_equal(k->keys[i]->name, wire))
			return k->keys[i];
	return NULL;
}

/* --- BIND's statements --------------------------------------------------------------- */

struct scan {
	const char *p;
	unsigned line;
	char token[1024]; /* one character of {};, a word, or a quoted text */
};

/* Blanks and comments. */
static void skip(struct scan *s)
{
	for (;; s->p++) {
		if (*s->p == '#' || (s->p[0] == '/' && s->p[1] == '/')) {
			s->p += strcspn(s->p, "\n");
		} else if (s->p[0] == '/' && s->p[1] == '*') {
			const char *end = strstr(s->p + 2, "*/");

			for (; *s->p && s->p != end; s->p++)
				s->line += *s->p == '\n';
			if (*s->p == '\0')
				return;
			s->p++; /* at the slash */
			continue;
		}
		if (*s->p == '\n')
			s->line++;
		else if (!isspace((unsigned char)*s->p))
			return;
	}
}

/* False at the end of the text, or if the token is too long. */
static bool next(struct scan *s)
{
	size_t n;

	skip(s);
	if (*s->p == '\0')
		return false;
	if (strchr("{};", *s->p)) {
		n = 1;
	} else if (*s->p == '"') {
		s->p++;
		n = strcspn(s->p, "\"\n");
		if (s->p[n] != '"')
			return false;
	} else {
		n = strcspn(s->p, " \t\r\n{};\"");
	}
	if (n >= sizeof(s->token))
		return false;
	memcpy(s->token, s->p, n);
	s->token[n] = '\0';
	s->p += n;
	if (*s->p == '"')
		s->p++;
	return true;
}

static bool next_is(struct scan *s, const char *want)
{
	return next(s) && strcmp(s->token, want) == 0;
}

/* Behind the word "key". */
static int statement(struct scan *s, struct tsig_keys *k)
{
	char *name = NULL, *algorithm = NULL, *secret = NULL;
	struct tsig_key *key;
	int err = ERR_SYNTAX;

	if (!next(s))
		return ERR_SYNTAX;
	name = mem_strdup(s->token);
	if (!next_is(s, "{"))
		goto out;
	while (next(s) && strcmp(s->token, "}") != 0) {
		char **to = strcmp(s->token, "algorithm") == 0 ? &algorithm
			    : strcmp(s->token, "secret") == 0  ? &secret
							       : NULL;
		if (to == NULL || !next(s))
			goto out;
		mem_strset(to, s->token);
		if (!next_is(s, ";"))
			goto out;
	}
	if (strcmp(s->token, "}") != 0 || secret == NULL || !next_is(s, ";"))
		goto out;
	err = tsig_key_new(name, algorithm ? algorithm : "hmac-sha256", secret, &key);
	if (err == 0)
		err = tsig_keys_add(k, key);
out:
	mem_wipe(secret, secret ? strlen(secret) : 0);
	free(name);
	free(algorithm);
	free(secret);
	return err;
}

static bool is_statement(const struct scan *s)
{
	return strcmp(s->token, "key") == 0 && (*s->p == ' ' || *s->p == '\t' || *s->p == '"');
}

int tsig_keys_parse(struct tsig_keys *k, const char *text, char **ret_why)
{
	struct scan s = { .p = text, .line = 1 };
	struct tsig_key *key;
	int err = 0;

	while (err == 0 && (skip(&s), *s.p)) {
		if (!next(&s))
			err = ERR_SYNTAX;
		else if (is_statement(&s))
			err = statement(&s, k);
		else if ((err = tsig_key_from_text(s.token, &key)) == 0)
			err = tsig_keys_add(k, key);
	}
	mem_wipe(s.token, sizeof(s.token));
	if (err)
		*ret_why = mem_printf("line %u: wrong TSIG key: %s", s.line, error_text(err));
	return err;
}

/* --- configuration -------------------------------------------------------------------- */

static int load_file(struct tsig_keys *k, const char *path, char **ret_why)
{
	FILE *f = fopen(path, "re");
	char *text, *why = NULL;

	if (f == NULL) {
		*ret_why = mem_printf("--tsig-key-file=%s: cannot read the file", path);
		return ERR_IO;
	}
	text = mem_alloc(FILE_MAX + 1);
	size_t n = fread(text, 1, FILE_MAX, f);
	bool bad = ferror(f) != 0;
	(void)fclose(f); /* only read */
	text[n] = '\0';
	int err = bad ? ERR_IO : tsig_keys_parse(k, text, &why);
	if (err)
		*ret_why = mem_printf("--tsig-key-file=%s: %s", path, why ? why : error_text(err));
	mem_wipe(text, n);
	free(text);
	free(why);
	return err;
}

int tsig_keys_load(const struct config *c, struct tsig_keys *k, char **ret_why)
{
	const struct strv *texts = config_list(c, OPT_TSIG_KEY);
	const struct strv *files = config_list(c, OPT_TSIG_KEY_FILE);
	int err = 0;

	for (size_t i = 0; i < texts->n && err == 0; i++) {
		struct tsig_key *key;

		err = tsig_key_from_text(texts->s[i], &key);
		if (err == 0)
			err = tsig_keys_add(k, key);
		if (err)
			*ret_why = mem_printf("--tsig-key: key %zu: %s (want [ALG:]NAME:BASE64)",
					      i + 1, error_text(err));
	}
	for (size_t i = 0; i < files->n && err == 0; i++)
		err = load_file(k, files->s[i], ret_why);
	return err;
}
