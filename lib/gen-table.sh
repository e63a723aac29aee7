#!/bin/sh
# gen-table.sh TYPE TABLE FILE... : prints a C table of the objects that the files define.
# A file room/noun_verb.c defines `const TYPE noun_verb`; the table ends with NULL.
type=$1
table=$2
shift 2
echo "/* Generated from the list in Makefile.inc; do not edit. */"
for f in "$@"; do
	name=$(basename "$f" .c)
	echo "extern const $type $name;"
done
echo "static const $type *const ${table}[] = {"
for f in "$@"; do
	name=$(basename "$f" .c)
	echo "	&$name,"
done
echo "	NULL,"
echo "};"
