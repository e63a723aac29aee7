/* Go templates: the language over one Service, and what is refused at start-up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/go_template.h"
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

static const char service[] =
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"web\","
	"\"namespace\":\"Shop\",\"labels\":{\"app\":\"Front\",\"env\":\"prod\",\"mark\":\"\"},"
	"\"annotations\":{\"dns.company.com/"
	"label\":\"my-org\",\"list\":\"[{\\\"dns\\\":\\\"a.b\\\"},"
	"{\\\"dns\\\":\\\"c.d\\\"}]\"}},"
	"\"spec\":{\"type\":\"ExternalName\",\"clusterIP\":\"10.0.0.7\",\"selector\":{\"app\":"
	"\"x\"},"
	"\"ports\":[{\"name\":\"http\",\"port\":80},{\"name\":\"https\",\"port\":443}],"
	"\"externalIPs\":[\"1.2.3.4\",\"2001:db8::1\"]},"
	"\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"9.9.9.9\"}]}}}";

static char *run(const char *text, bool raw, char **why)
{
	struct go_template *t = NULL;
	struct buf out = { 0 };
	cJSON *object = cJSON_Parse(service);
	struct go_template_data data = { .object = object, .raw = raw, .source = "service" };

	if (go_template_parse(text, &t, why) < 0 || go_template_run(t, &data, &out, why) < 0) {
		buf_fini(&out);
	}
	go_template_free(t);
	cJSON_Delete(object);
	return *why ? NULL : buf_take(&out);
}

static void templates_give_what_go_gives(void **state)
{
	static const struct {
		const char *template, *text;
	} cases[] = {
		{ "plain.example.org", "plain.example.org" },
		{ "{{.Name}}.{{.Namespace}}.org", "web.Shop.org" },
		{ "{{ .Name | printf \"%s-%s\" \"x\" }}", "x-web" },
		{ "{{.ObjectMeta.Name}}/{{.Kind}}/{{.APIVersion}}", "web/Service/v1" },
		{ "{{.GetName}}", "web" },
		{ "a {{- .Name -}}  b", "awebb" },
		{ "{{/* nothing */}}x{{- /* trimmed */ -}} y", "xy" },
		{ "{{toLower .Namespace}}", "shop" },
		{ "{{.Namespace | toLower}}", "shop" },
		{ "{{trimPrefix .Name \"w\"}}{{trimSuffix .Name \"b\"}}{{trim \"  q \"}}",
		  "ebweq" },
		{ "{{replace \"e\" \"oo\" .Name}}", "woob" },
		{ "{{contains .Name \"eb\"}}{{contains .Name \"x\"}}", "truefalse" },
		{ "{{isIPv4 .Spec.ClusterIP}}{{isIPv6 .Spec.ClusterIP}}", "truefalse" },
		{ "{{isIPv6 \"::FFFF:192.168.1.1\"}}", "true" },
		{ "{{isSource \"service\"}}{{isSource \"node\"}}", "truefalse" },
		{ "{{hasKey .Labels \"mark\"}}{{hasKey .Labels \"none\"}}", "truefalse" },
		{ "{{.Labels.app}}", "Front" },
		{ "{{.Labels.none}}.x", "<no value>.x" },
		{ "{{index .Labels \"none\"}}.x", ".x" },
		{ "{{index .Annotations \"dns.company.com/label\"}}", "my-org" },
		{ "{{index .ObjectMeta.Annotations \"dns.company.com/label\"}}", "my-org" },
		{ "{{or .Annotations.dns \"invalid\"}}.x", "invalid.x" },
		{ "{{or .Labels.env (fail)}}", NULL },
		{ "{{and .Labels.env .Labels.app}}", "Front" },
		{ "{{if eq .Spec.Type \"ExternalName\"}}yes{{end}}", "yes" },
		{ "{{if eq .Kind \"Pod\"}}pod{{else if eq .Kind \"Service\"}}svc{{else}}?{{end}}",
		  "svc" },
		{ "{{if and (contains .Name \"w\") (not .Spec.Nothing)}}ok{{end}}", "ok" },
		{ "{{if eq .Labels.none \"prod\"}}a{{else}}b{{end}}", "b" },
		{ "{{if eq .Labels.env \"test\" \"prod\"}}in{{end}}", "in" },
		{ "{{if ne .Labels.env \"test\"}}ne{{end}}{{if lt 1 2}}lt{{end}}{{if ge 1 "
		  "2}}ge{{end}}",
		  "nelt" },
		{ "{{range $k, $v := .Labels}}{{$k}}={{$v}},{{end}}", "app=Front,env=prod,mark=," },
		{ "{{range $k, $v := .Labels}}{{if contains $k \"app\"}}{{$.Name}}.{{$v}}{{printf "
		  "\",\"}}"
		  "{{end}}{{end}}",
		  "web.Front," },
		{ "{{range .Spec.Ports}}{{.Name}}:{{.Port}} {{end}}", "http:80 https:443 " },
		{ "{{range $i, $p := .Spec.Ports}}{{$i}}{{$p.Name}}{{end}}", "0http1https" },
		{ "{{range .Spec.None}}x{{else}}none{{end}}", "none" },
		{ "{{range 3}}{{.}}{{end}}", "012" },
		{ "{{range .Spec.Ports}}{{if eq .Name \"https\"}}{{break}}{{end}}{{.Name}}{{end}}",
		  "http" },
		{ "{{range .Spec.Ports}}{{if eq .Name "
		  "\"http\"}}{{continue}}{{end}}{{.Name}}{{end}}",
		  "https" },
		{ "{{(index .Spec.Ports 1).Port}}", "443" },
		{ "{{index .Spec.Selector \"app\"}}{{.Spec.Selector.app}}", "xx" },
		{ "{{range .Status.LoadBalancer.Ingress}}{{.IP}}{{.Hostname}}{{end}}", "9.9.9.9" },
		{ "{{with .Labels.env}}{{.}}{{end}}{{with .Labels.none}}x{{else}}y{{end}}",
		  "prody" },
		{ "{{with $x := .Name}}{{$x}}{{end}}", "web" },
		{ "{{$x := \"a\"}}{{if true}}{{$x = \"b\"}}{{end}}{{$x}}", "b" },
		{ "{{len .Spec.Ports}}{{len .Name}}{{len .Spec.None}}", "230" },
		{ "{{slice .Name 1}}{{slice .Name 0 1}}", "ebw" },
		{ "{{print 1 2 \"a\" 3}}", "1 2a3" },
		{ "{{printf \"%5s|%-5s|%d|%q\" \"a\" \"b\" 7 \"c\"}}", "    a|b    |7|\"c\"" },
		{ "{{range $e := (index .Annotations \"list\" | fromJson)}}{{index $e "
		  "\"dns\"}},{{end}}",
		  "a.b,c.d," },
		{ "{{fromJson \"nonsense\"}}", "<no value>" },
		{ "{{define \"d\"}}<{{.}}>{{end}}{{template \"d\" .Name}}", "<web>" },
		{ "{{block \"d\" .Name}}[{{.}}]{{end}}", "[web]" },
		{ "{{`raw \\n`}}{{\"q\\\"\\u00e9\"}}", "raw \\nq\"\xc3\xa9" },
		{ "{{.Spec.ExternalIPs}}", "[1.2.3.4 2001:db8::1]" },
		{ "{{true}}{{1.5}}{{0x10}}", "true1.516" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *why = NULL;
		char *text = run(cases[i].template, false, &why);

		if (cases[i].text == NULL ? text != NULL : why || strcmp(text, cases[i].text) != 0)
			fail_msg("%s\n gives %s\n (%s)", cases[i].template,
				 text ? text : "an error", why ? why : "");
		free(text);
		free(why);
	}
}

static void raw_objects_are_maps_below_spec_and_status(void **state)
{
	static const char *const cases[][2] = {
		{ "{{.Spec.type}}", "ExternalName" },
		{ "{{.Spec.Type}}", "ExternalName" },
		{ "{{.Object.spec.type}}", "ExternalName" },
		{ "{{index .Object.spec \"clusterIP\"}}", "10.0.0.7" },
		{ "{{index .Status.loadBalancer.ingress 0 \"ip\"}}", "9.9.9.9" },
		{ "{{.Object.spec.none}}", "<no value>" },
		{ "{{.Metadata.name}}", "web" },
		{ "{{range $k, $v := .Spec.selector}}{{$k}}{{$v}}{{end}}", "appx" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *why = NULL;
		char *text = run(cases[i][0], true, &why);

		if (why || strcmp(text, cases[i][1]) != 0)
			fail_msg("%s gives %s (%s)", cases[i][0], text ? text : "-",
				 why ? why : "");
		free(text);
		free(why);
	}
}

static void bad_templates_say_where(void **state)
{
	static const struct {
		const char *template, *why;
	} cases[] = {
		{ "{{.Name", "line 1, column 8: unclosed action" },
		{ "{{.Name}", "line 1, column 8: unexpected" },
		{ "{{}}", "missing value for command" },
		{ "{{.Name | }}", "missing value for command" },
		{ "{{foo .Name}}", "line 1, column 3: function \"foo\" not defined" },
		{ "{{$x}}", "undefined variable \"$x\"" },
		{ "{{if .Name}}x", "missing {{end}}" },
		{ "{{end}}", "unexpected {{end}}" },
		{ "a\nb{{else}}", "line 2" },
		{ "{{\"abc}}", "unterminated quoted string" },
		{ "{{(.Name}}", "unclosed left parenthesis" },
		{ "{{/* a }}", "unclosed comment" },
		{ "{{break}}", "outside {{range}}" },
		{ "{{1 2}}", "cannot be given arguments" },
		{ "{{.Name | .Namespace}}", "cannot stand behind |" },
		{ "{{define \"a\"}}{{end}}{{define \"a\"}}{{end}}", "defined twice" },
		/* those are found only by running */
		{ "{{.name}}", "can't evaluate field name" },
		{ "{{.Name.Foo}}", "can't evaluate field Foo in type string" },
		{ "{{.Name 1}}", "has arguments" },
		{ "{{toLower .Labels.none}}", "expected string; found no value" },
		{ "{{toLower 1}}", "expected string; found int" },
		{ "{{toLower}}", "wrong number of args for toLower: want 1 got 0" },
		{ "{{index .Spec.Ports 9}}", "out of range" },
		{ "{{lt .Name 1}}", "incompatible types" },
		{ "{{template \"x\"}}", "not defined" },
		{ "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}", "too deep" },
		{ "{{range 3000}}{{range 3000}}{{end}}{{end}}", "too many steps" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *why = NULL;
		char *text = run(cases[i].template, false, &why);

		if (why == NULL || strstr(why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].template, why ? why : text);
		free(text);
		free(why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_give_what_go_gives),
		cmocka_unit_test(raw_objects_are_maps_below_spec_and_status),
		cmocka_unit_test(bad_templates_say_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
