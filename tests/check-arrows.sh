#!/bin/bash
# check-arrows: includes point down only (the rules of the house), and headers do not go in circles.
# usage: tests/check-arrows.sh; prints what breaks a rule and ends with "N passed, M failed".
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
passed=0 failed=0

# Rooms that a room may include from, besides itself.
declare -A below=(
	[lib]="" [zonedb]="lib" [k8s]="lib" [sync]="lib" [gslb]="zonedb lib" [server]="zonedb lib" [doc]="lib"
)

# may_include FILE ROOM OTHER
may_include()
{
	case $1 in
	server/main.c) return 0 ;;                           # plugs the rooms together
	server/ctl_check.c) [ "$3" = k8s ] && return 0 ;;      # gslbctl checks manifests without a daemon
	sync/provider_zonedb.c) [ "$3" = zonedb ] && return 0 ;; # a zone of our own as a provider
	esac
	[ "$2" = "$3" ] || [[ " ${below[$2]} " == *" $3 "* ]]
}

for room in "${!below[@]}"; do
	while IFS= read -r file; do
		bad=0
		while IFS= read -r include; do
			other=${include%%/*}
			if [ "$other" = "$include" ]; then
				echo "$file: includes \"$include\" without its room"
				bad=1
			elif ! may_include "$file" "$room" "$other"; then
				echo "$file: includes \"$include\", which is not below $room"
				bad=1
			fi
		done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file")
		if grep -qE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<(lib|zonedb|k8s|sync|gslb|server)/' "$file"; then
			echo "$file: includes a file of ours with <>"
			bad=1
		fi
		case $file in
		*.h)
			if ! grep -q '^#pragma once$' "$file"; then
				echo "$file: no #pragma once"
				bad=1
			fi
			;;
		esac
		if [ $bad = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	done < <(find "$room" -name '*.[ch]' | sort)
done

# A header that includes itself by way of others.
circle=$(find lib zonedb k8s sync gslb server -name '*.h' | while IFS= read -r h; do
	sed -n "s|^#include \"\([^\"]*\.h\)\".*|$h \1|p" "$h"
done | tsort 2>&1 >/dev/null)
if [ -n "$circle" ]; then
	echo "headers go in a circle:"
	echo "$circle"
	failed=$((failed + 1))
else
	passed=$((passed + 1))
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
