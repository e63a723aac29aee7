#!/bin/bash
# check-contrib: what is shipped beside the programs is sound.  TAP.
set -u
top=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-build}" && pwd)
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

# have TOOL WORDS…
have()
{
	command -v "$1" >/dev/null && return 0
	echo "# not tried, $1 is not installed: ${*:2}"
	return 1
}

names=$(sed -n 's/^METRIC([A-Z0-9_]*, "\([a-z0-9_]*\)".*/\1/p' "$top"/lib/metrics.def)
for file in prometheus-rules.yaml grafana-dashboard.json; do
	unknown=""
	# shellcheck disable=SC2013
	for used in $(grep -oE '\b(gslbd|k8gb|external_dns|process)_[a-z0-9_]+' "$top/contrib/$file" | sort -u); do
		base=${used%_bucket}
		grep -qx "$base" <<<"$names" || unknown="$unknown $used"
	done
	[ -z "$unknown" ]
	ok $? "$file uses metrics that there are${unknown:+ (not:$unknown)}"
done

if have promtool "Prometheus accepts the rules"; then
	(cd "$top/contrib" && promtool check rules prometheus-rules.yaml && promtool test rules prometheus-rules.test.yaml) >&2
	ok $? "Prometheus accepts the rules, and they fire when they should"
fi

if have systemd-analyze "systemd accepts the unit"; then
	dir=$(mktemp -d)
	sed "s|^ExecStart=[^ ]*|ExecStart=$build/gslbd|" "$build/contrib/gslbd.service" >"$dir/gslbd.service"
	said=$(systemd-analyze verify --man=no "$dir/gslbd.service" 2>&1 | grep -F gslbd.service)
	[ -z "$said" ]
	ok $? "systemd accepts the unit${said:+ ($said)}"
	rm -rf "$dir"
fi

if have python3 "documents parse"; then
	python3 - "$top" <<'PYTHON' >&2
import glob, json, sys
top = sys.argv[1]
board = json.load(open(top + "/contrib/grafana-dashboard.json"))
assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
try:
    import yaml
except ImportError:
    sys.exit(0)
objects = [o for f in sorted(glob.glob(top + "/contrib/kubernetes/*.yaml")) + [top + "/k8s/rbac.yaml"]
           for o in yaml.safe_load_all(open(f)) if o]
for o in objects:
    assert o["apiVersion"] and o["kind"] and o["metadata"]["name"], o
by = {(o["kind"], o["metadata"]["name"]): o for o in objects}
pod = by["Deployment", "gslbd"]["spec"]["template"]
box = pod["spec"]["containers"][0]
assert pod["spec"]["serviceAccountName"] == by["ServiceAccount", "gslbd"]["metadata"]["name"]
assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
assert box["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                  "capabilities": {"drop": ["ALL"]}}
ports = {p["name"] for p in box["ports"]}
for o in objects:
    if o["kind"] == "Service":
        assert all(p["targetPort"] in ports for p in o["spec"]["ports"])
        assert o["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
for rule in by["ClusterRole", "gslbd"]["rules"]:
    assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"], rule
    assert "secrets" not in rule["resources"], rule
PYTHON
	ok $? "dashboard and Kubernetes manifests parse, fit together and are narrow"
fi

# The flags in the manifests and the unit are flags that there are.
# shellcheck disable=SC2013
for flag in $(grep -hoE -- '--[a-z0-9-]+=' "$top"/contrib/kubernetes/deployment.yaml "$top"/contrib/gslbd.service.in \
	"$top"/contrib/Dockerfile | grep -vE -- '--(prefix|sysconfdir|localstatedir|from)=' | sort -u); do
	name=${flag#--}
	grep -q "\"${name%=}\"" "$top"/lib/options.def
	ok $? "$flag is a flag"
done

# The image has the libraries that the program is linked with.
if have dpkg-query "the image has all libraries"; then
	missing=""
	for lib in $(ldd "$build/gslbd" | awk '$3 ~ "^/" && $1 ~ "event|ldns|curl.so|cjson|lmdb|maxmind|libssl|urcu|yaml" { print $3 }'); do
		package=$(dpkg-query -S "$(basename "$lib")" 2>/dev/null | grep -v -- '-dev' | head -1 | cut -d: -f1)
		[ -z "$package" ] || grep -q "$package" "$top/contrib/Dockerfile" || missing="$missing $package"
	done
	[ -z "$missing" ]
	ok $? "the image has all libraries${missing:+ (not:$missing)}"
fi
echo "1..$n"
exit $failed
