#!/bin/sh
# gen-text.sh NAME FILE: prints a C string constant NAME with the text of FILE.
echo "/* Generated from $(basename "$2"); do not edit. */"
echo "static const char $1[] ="
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' -e 's/^/	"/' -e 's/$/\\n"/' "$2"
echo "	\"\";"
