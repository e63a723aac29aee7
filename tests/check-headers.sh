#!/bin/bash
# check-headers: each header compiles alone.
# usage: tests/check-headers.sh [BUILD-FOLDER]  (configured; the generated headers are made)
# Ends with "N passed, M failed".
set -uo pipefail
build=$(cd "${1:-build}" && pwd) || exit 2
cd "$(dirname "$0")/.." || exit 2
cc=${CC:-gcc}
passed=0 failed=0
flags=$(sed -n 's/^\(LIBEVENT\|LDNS\|CURL\|CJSON\|OPENSSL\|URCU\|YAML\|LMDB\|MAXMINDDB\|CMOCKA\)_CFLAGS = //p' \
	"$build/Makefile" | tr '\n' ' ')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

while IFS= read -r h; do
	# twice, so that a header without a guard shows
	printf '#include "%s"\n#include "%s"\nextern int unused;\n' "$h" "$h" >"$dir/t.c"
	# shellcheck disable=SC2086
	if $cc -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -include "$build/config.h" -I. -I"$build" \
		$flags -fsyntax-only "$dir/t.c" 2>"$dir/err"; then
		passed=$((passed + 1))
	else
		echo "$h does not compile alone:"
		head -5 "$dir/err"
		failed=$((failed + 1))
	fi
done < <(find lib zonedb k8s sync gslb server -name '*.h' | sort)
echo "$passed passed, $failed failed"
[ $failed = 0 ]
