/*
 * config_doc - the table of options as text: --help, the man page's part, and
 * the tables of doc/configuration.md.  Any thread.
 */
#pragma once

#include <stdio.h>

void config_doc_help(FILE *out);
/* The OPTIONS and ENVIRONMENT sections in mdoc(7). */
void config_doc_man(FILE *out);
void config_doc_markdown(FILE *out);
