#!/bin/bash
# "One file and one line adds a thing": a copy of the tree gets a source, a provider, a strategy, a
# probe kind (each a file and a line), an option, a metric, an annotation and an error (each a line),
# builds, and shows each of them.
set -u
cd "$(dirname "$0")/../.." || exit
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# ok STATUS WORDS…
ok()
{
	if [ "$1" = 0 ]; then
		echo "ok - ${*:2}"
	else
		echo "not ok - ${*:2}"
		failed=1
	fi
}

if [ -d .git ] || [ -f .git ]; then
	git ls-files -z | xargs -0 cp -a --parents -t "$dir" || exit
else
	tar -c --exclude='./build*' --exclude=./autom4te.cache . | tar -x -C "$dir" || exit
fi
cd "$dir" || exit

# add_file ROOM LIST KIND LIKE: a copy of KIND_LIKE.c named KIND_addone.c, and its line.
add_file()
{
	local room=$1 list=$2 kind=$3 like=$4
	sed -E "s/${kind}_$like/${kind}_addone/g; s/\"$like\"/\"addone\"/g" "$room/${kind}_$like.c" >"$room/${kind}_addone.c"
	cp "$room/Makefile.inc" "$dir/before"
	# the lists are written "list += file", a line each, or "list = \" with the files below
	awk -v file="$room/${kind}_addone.c" -v list="$list" '
		!done && index($0, list " += ") == 1 { print list " += " file; done = 1 }
		{ print }
		!done && $0 == list " = \\" { print "\t" file " \\"; done = 1 }' "$dir/before" >"$room/Makefile.inc"
	git diff --no-index --numstat "$dir/before" "$room/Makefile.inc" |
		awk '$1 == 1 && $2 == 0 { good = 1 } END { exit !good }'
	ok $? "$kind: one file and one line"
}

# add_row FILE ROW
add_row()
{
	printf '%s\n' "$2" >>"$1"
}

add_file k8s k8s_sources source empty
add_file sync sync_providers provider inmemory
add_file gslb gslb_probes probe tcp
add_file gslb gslb_strategies strategy failover
add_row lib/options.def 'OPTION(ADD_ONE, "add-one", DURATION, "7s", NULL, "TIME", GENERAL, ACTIVE, "an option that was added")'
add_row lib/metrics.def 'METRIC(ADD_ONE, "gslbd_add_one", GAUGE, "", "A metric that was added.")'
add_row lib/errors.def 'ERROR(ADD_ONE, "an error that was added")'
add_row k8s/annotations.def 'ANNOTATION(ADD_ONE, "add-one", "all", "an annotation that was added")'

{ autoreconf -fi && mkdir build && cd build && ../configure CC="${CC:-$(command -v ccache >/dev/null && echo "ccache ")gcc}" --enable-werror &&
	make -j"$(nproc)" all; } >"$dir/build.log" 2>&1
status=$?
ok $status "the tree builds with one of each"
if [ $status != 0 ]; then
	grep -E 'error|Error' "$dir/build.log" | head -20
	exit 1
fi
cd "$dir/build" || exit

./gslbd --help | grep -q -- '--add-one=TIME .*an option that was added (default 7s)'
ok $? "the option is in --help"
grep -q 'an option that was added' doc/gslbd.8
ok $? "the option is in the man page"
for table in k8s/source sync/provider gslb/probe gslb/strategy; do
	grep -q "&${table#*/}_addone," "${table}_table.h"
	ok $? "the ${table#*/} is in its table"
done
timeout 10 ./gslbd --source=nosuch --manifests="$dir" --listen=127.0.0.1:0 2>&1 | grep -q '\baddone\b'
ok $? "gslbd names the source among those that it has"
timeout 10 ./gslbd --provider=nosuch --manifests="$dir" --listen=127.0.0.1:0 2>&1 | grep -q '\baddone\b'
ok $? "gslbd names the provider among those that it has"

cat >"$dir/t.c" <<'PROGRAM'
#include <stdio.h>
#include "k8s/annotation.h"
#include "lib/error.h"
int main(void)
{
	printf("%s %d\n", error_text(ERR_ADD_ONE), ANNOTATION_ADD_ONE < ANNOTATION_COUNT);
	return 0;
}
PROGRAM
libs=$(sed -n 's/^\(LDNS\|CURL\|CJSON\|LIBEVENT\|OPENSSL\|URCU\|YAML\|LMDB\|MAXMINDDB\)_LIBS = //p' Makefile | tr '\n' ' ')
# shellcheck disable=SC2086
gcc -std=gnu11 -include config.h -I.. -I. "$dir/t.c" libgslbd.a $libs -lm -pthread -o "$dir/t" && "$dir/t" >"$dir/t.out"
ok $? "error and annotation have their names in C"
grep -q '^an error that was added 1$' "$dir/t.out"
ok $? "the error has its words"

mkdir "$dir/manifests"
./gslbd --manifests="$dir/manifests" --listen=127.0.0.1:0 --admin="unix:$dir/ctl.sock" >"$dir/run.log" 2>&1 &
pid=$!
for _ in $(seq 100); do
	./gslbctl --server="unix:$dir/ctl.sock" metrics gslbd_add_one >"$dir/metrics" 2>/dev/null && break
	kill -0 $pid 2>/dev/null || break
	sleep 0.1
done
grep -q '^gslbd_add_one 0$' "$dir/metrics" && grep -q '^# HELP gslbd_add_one A metric that was added.$' "$dir/metrics"
ok $? "the metric is in /metrics"
kill $pid
wait $pid
ok $? "gslbd with one of each stops cleanly"
exit $failed
