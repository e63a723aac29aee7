#!/bin/bash
# check-docs: documents made from the table of options are fresh, and the man pages are clean.
# TAP on standard output; run by `make check`.
set -u
top=${top_srcdir:-.}
build=${top_builddir:-build}
n=0 failed=0

# ok STATUS WORDS…
ok()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - ${*:2}"
	else
		echo "not ok $n - ${*:2}"
		failed=1
	fi
}

"$build"/doc/gen_doc markdown "$top"/doc/configuration.md.in | diff - "$top"/doc/configuration.md >/dev/null
ok $? "doc/configuration.md is fresh (else: make doc/configuration.md, and commit it)"
for page in gslbd.8 gslbctl.1; do
	[ -s "$build/doc/$page" ]
	ok $? "$page is made"
	if command -v mandoc >/dev/null; then
		! mandoc -Tlint "$build/doc/$page" | grep -v 'referenced manual not found' >&2
		ok $? "mandoc finds nothing in $page"
	fi
done
for command in $("$build"/gslbctl --help | sed -n '/^Commands/,/^Options/s/^  \([a-z][a-z-]*\).*/\1/p'); do
	grep -q "^\.It Cm $command\b" "$top"/doc/gslbctl.1.in
	ok $? "gslbctl.1 has the command $command"
done
echo "1..$n"
exit $failed
