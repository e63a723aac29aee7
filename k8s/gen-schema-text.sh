#!/bin/sh
# gen-schema-text.sh FILE... : prints a C table of the texts of YAML files, comments left out.
echo "/* Generated from k8s/schemas.yaml and k8s/crds; do not edit. */"
echo "static const char *const schema_texts[] = {"
for f in "$@"; do
	sed -e '/^ *#/d' -e '/^ *description: [^>|]*$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' \
		-e 's/.*/	"&\\n"/' "$f"
	echo "	,"
done
echo "	0,"
echo "};"
