/*
 * config_doc - the table of options as text; see config_doc.h.
 */
#include "lib/config_doc.h"

#include <string.h>

#include "lib/config_table.h"

static bool has_rows(enum option_group g)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (option_rows[i].group == g && option_rows[i].state != STATE_IGNORED)
			return true;
	}
	return false;
}

/* "(default 30s, repeat, CLUSTER_GEO_TAG)" of a row, to OUT; nothing if there is nothing to say. */
static void remarks(FILE *out, const struct option_row *row)
{
	const char *sep = " (";

	if (*row->def && !(row->type == OPTION_BOOL && !strcmp(row->def, "false"))) {
		fprintf(out, "%sdefault %s", sep, row->def);
		sep = "; ";
	}
	if (option_is_list(row->type)) {
		fprintf(out, "%srepeatable", sep);
		sep = "; ";
	}
	if (row->env) {
		fprintf(out, "%s%s", sep, row->env);
		sep = "; ";
	}
	if (row->state == STATE_DEPRECATED) {
		fprintf(out, "%sdeprecated", sep);
		sep = "; ";
	}
	if (*sep == ';')
		fputc(')', out);
}

/* Characters of UTF-8 that are not the first octet of theirs: they take no column. */
static int continuations(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) == 0x80;
	return n;
}

/* Words of TEXT from column COL on, broken before column 100, indented to INDENT. */
static void wrap(FILE *out, const char *text, int col, int indent)
{
	const char *sep = "";

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (col + len + 1 > 100) {
			fprintf(out, "\n%*s", indent, "");
			col = indent;
			sep = "";
		}
		col += fprintf(out, "%s%.*s", sep, len, text);
		sep = " ";
		text += len;
		text += *text == ' ';
	}
	fputc('\n', out);
}

static void help_row(FILE *out, const struct option_row *row)
{
	char words[1024];
	FILE *w = fmemopen(words, sizeof(words), "w");
	int col;

	if (row->type == OPTION_BOOL)
		col = fprintf(out, "  --[no-]%s", row->name);
	else
		col = fprintf(out, "  --%s=%s", row->name, row->arg) - continuations(row->arg);
	if (!w)
		return;
	fputs(row->help, w);
	remarks(w, row);
	fclose(w);
	words[sizeof(words) - 1] = '\0';
	if (col > 34) {
		fprintf(out, "\n%36s", "");
		col = 36;
	} else {
		col += fprintf(out, "%*s", 36 - col, "");
	}
	wrap(out, words, col, 36);
}

void config_doc_help(FILE *out)
{
	int col = 1;

	fputs("usage: gslbd [flags]\n\n"
	      "Answers DNS for load-balanced zones from Kubernetes objects, health and peers, and "
	      "keeps\n"
	      "delegation and public records at DNS providers.  Every flag can be given as "
	      "environment\n"
	      "variable GSLBD_<FLAG> or EXTERNAL_DNS_<FLAG>, and as key in the file of --config.\n",
	      out);
	for (unsigned g = 0; g < GROUP_COUNT; g++) {
		if (!has_rows((enum option_group)g))
			continue;
		fprintf(out, "\n%s\n", option_group_title((enum option_group)g));
		for (size_t i = 0; i < OPT_COUNT; i++) {
			if (option_rows[i].group == g && option_rows[i].state != STATE_IGNORED)
				help_row(out, &option_rows[i]);
		}
	}
	fputs("\n  --help                            print this\n"
	      "  --version                         print the version\n"
	      "\nAccepted for those who move over, without a meaning here\n ",
	      out);
	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (option_rows[i].state != STATE_IGNORED)
			continue;
		if (col + (int)strlen(option_rows[i].name) + 3 > 100) {
			fputs("\n ", out);
			col = 1;
		}
		col += fprintf(out, " --%s", option_rows[i].name);
	}
	fputc('\n', out);
}

/* Text for mdoc: a backslash and a control character at a line's begin are special. */
static void man_text(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (!strncmp(text, "…", strlen("…"))) {
			fputs("...", out);
			text += strlen("…") - 1;
		} else
			fputc(*text, out);
	}
}

/* A paragraph in lines of at most 78 octets, which mandoc asks for. */
static void man_paragraph(FILE *out, char *text)
{
	size_t col = 0;

	for (char *save = NULL, *word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		size_t len = strlen(word);

		if (col && col + len + 1 > 78) {
			fputc('\n', out);
			col = 0;
		} else if (col) {
			fputc(' ', out);
			col++;
		}
		man_text(out, word);
		col += len;
	}
	fputc('\n', out);
}

static void man_row(FILE *out, const struct option_row *row)
{
	char words[1024];
	FILE *w = fmemopen(words, sizeof(words), "w");

	if (!w)
		return;
	fputs(row->help, w);
	remarks(w, row);
	fputc('.', w);
	fclose(w);
	words[sizeof(words) - 1] = '\0';
	if (row->type == OPTION_BOOL) {
		fprintf(out, ".It Fl Fl [no-]%s\n", row->name);
	} else {
		fprintf(out, ".It Fl Fl %s Ns = Ns Ar ", row->name);
		man_text(out, row->arg);
		fputc('\n', out);
	}
	man_paragraph(out, words);
}

void config_doc_man(FILE *out)
{
	fputs(".Sh OPTIONS\n", out);
	for (unsigned g = 0; g < GROUP_COUNT; g++) {
		if (!has_rows((enum option_group)g))
			continue;
		fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n",
			option_group_title((enum option_group)g));
		for (size_t i = 0; i < OPT_COUNT; i++) {
			if (option_rows[i].group == g && option_rows[i].state != STATE_IGNORED)
				man_row(out, &option_rows[i]);
		}
		fputs(".El\n", out);
	}
	fputs(".Ss Accepted without a meaning\n"
	      "These flags of ExternalDNS and variables of k8gb are accepted with a warning:\n",
	      out);
	const char *before = NULL;

	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (option_rows[i].state != STATE_IGNORED)
			continue;
		if (before)
			fprintf(out, ".Fl Fl %s ,\n", before);
		before = option_rows[i].name;
	}
	if (before)
		fprintf(out, ".Fl Fl %s .\n", before);
}

/* Text in a cell of a Markdown table. */
static void cell(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|' || *text == '*' || *text == '<')
			fputc('\\', out);
		fputc(*text, out);
	}
}

/* Text between back ticks in a cell; only the bar needs care there. */
static void code(FILE *out, const char *text)
{
	fputc('`', out);
	for (; *text; text++) {
		if (*text == '|')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('`', out);
}

static void markdown_row(FILE *out, const struct option_row *row)
{
	char flag[256];

	if (row->type == OPTION_BOOL)
		snprintf(flag, sizeof(flag), "--[no-]%s", row->name);
	else
		snprintf(flag, sizeof(flag), "--%s=%s", row->name, row->arg);
	fputs("| ", out);
	code(out, flag);
	fputs(" | ", out);
	if (*row->def)
		code(out, row->def);
	fputs(" | ", out);
	if (row->env)
		code(out, row->env);
	fputs(" | ", out);
	cell(out, row->help);
	if (option_is_list(row->type))
		fputs("; repeatable", out);
	if (row->state == STATE_DEPRECATED)
		fputs(" (deprecated)", out);
	fputs(" |\n", out);
}

void config_doc_markdown(FILE *out)
{
	for (unsigned g = 0; g < GROUP_COUNT; g++) {
		if (!has_rows((enum option_group)g))
			continue;
		fprintf(out,
			"\n## %s\n\n| flag | default | environment | meaning "
			"|\n|---|---|---|---|\n",
			option_group_title((enum option_group)g));
		for (size_t i = 0; i < OPT_COUNT; i++) {
			if (option_rows[i].group == g && option_rows[i].state != STATE_IGNORED)
				markdown_row(out, &option_rows[i]);
		}
	}
	fputs("\n## Accepted without a meaning\n\n", out);
	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (option_rows[i].state == STATE_IGNORED)
			fprintf(out, "`--%s`\n", option_rows[i].name);
	}
}
