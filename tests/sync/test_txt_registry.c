/*
 * txt_registry: zones as ExternalDNS's versions leave them, and what we do
 * there.  The plan is the real one.
 */
#include "lib/config.h"
#include "lib/error.h"
#include "sync/registry.h"
#include "tests/sync/words.h"

#define MANY     14
#define T(o)     "'\"heritage=external-dns,external-dns/owner=" o "\"'"
#define TR(o, r) "'\"heritage=external-dns,external-dns/owner=" o ",external-dns/resource=" r "\"'"
#define OURS(r)  TR("me", r)
#define SHARED(o, c, n, t)                                                       \
	"\"heritage=gslbd,gslbd/cluster=" c ",gslbd/owner=" o ",gslbd/record=" n \
	",gslbd/target=" t ",gslbd/type=NS\""

struct row {
	const char *what;
	const char *flags[6]; /* besides txt-owner-id=me txt-prefix=_x. */
	const char *zone[MANY];
	const char *desired[MANY];
	const char *changes[MANY];
};

static const struct row rows[] = {
	{ .what = "a new record and its TXT, the TXT first",
	  .desired = { "a.e.org A 1.1.1.1 resource=ingress/d/a" },
	  .changes = { "+ _x.a-a.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me,external-dns/"
		       "resource=ingress/d/a\"",
		       "+ a.e.org A 1.1.1.1" } },
	{ .what = "typed TXT: at rest",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " OURS("ingress/d/a") },
	  .desired = { "a.e.org A 1.1.1.1 resource=ingress/d/a" } },
	{ .what = "both forms (0.12 to 0.17): at rest",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " OURS("ingress/d/a"),
		    "_x.a.e.org TXT " OURS("ingress/d/a"), "a.e.org AAAA ::1",
		    "_x.aaaa-a.e.org TXT " OURS("ingress/d/a") },
	  .desired = { "a.e.org A 1.1.1.1 resource=ingress/d/a",
		       "a.e.org AAAA ::1 resource=ingress/d/a" } },
	{ .what = "legacy TXT only (up to 0.11): the typed one is created, nothing deleted",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a.e.org TXT " OURS("ingress/d/a") },
	  .desired = { "a.e.org A 1.1.1.1 resource=ingress/d/a" },
	  .changes = { "+ _x.a-a.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me,external-dns/"
		       "resource=ingress/d/a\"" } },
	{ .what = "a record goes with its TXT in both forms",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " OURS("ingress/d/a"),
		    "_x.a.e.org TXT " OURS("ingress/d/a") },
	  .changes = { "- a.e.org A 1.1.1.1",
		       "- _x.a-a.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me,external-dns/"
		       "resource=ingress/d/a\"",
		       "- _x.a.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me,external-dns/"
		       "resource=ingress/d/a\"" } },
	{ .what = "a TXT that is not there is not deleted, nor one of another owner",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " T("me"), "_x.a.e.org TXT " T("you") },
	  .changes = { "- a.e.org A 1.1.1.1",
		       "- _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "a foreign TXT makes a record foreign",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " T("you"), "b.e.org A 1.1.1.1" },
	  .desired = { "a.e.org A 2.2.2.2", "b.e.org A 2.2.2.2" },
	  .changes = { "! a.e.org A 2.2.2.2", "! b.e.org A 2.2.2.2" } },
	{ .what = "legacy TXT speaks for no AAAA",
	  .zone = { "a.e.org AAAA ::1", "_x.a.e.org TXT " T("me") },
	  .desired = { "a.e.org AAAA ::2" },
	  .changes = { "! a.e.org AAAA ::2" } },
	{ .what = "an owner of the A does not own the AAAA",
	  .zone = { "a.e.org A 1.1.1.1", "a.e.org AAAA ::1", "_x.a-a.e.org TXT " T("me"),
		    "_x.aaaa-a.e.org TXT " T("you") },
	  .changes = { "- a.e.org A 1.1.1.1",
		       "- _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "a hand-made A beside our orphan legacy TXT is not deleted",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a.e.org TXT " T("me") },
	  .changes = { "! a.e.org A 1.1.1.1" } },
	{ .what = "an orphan TXT of ours is used, not created again",
	  .zone = { "_x.a-a.e.org TXT " T("me") },
	  .desired = { "a.e.org A 1.1.1.1" },
	  .changes = { "+ a.e.org A 1.1.1.1" } },
	{ .what = "an orphan TXT of another owner stops us",
	  .zone = { "_x.a-a.e.org TXT " T("you") },
	  .desired = { "a.e.org A 1.1.1.1" },
	  .changes = { "! a.e.org A 1.1.1.1" } },
	{ .what = "values of others in our TXT's set stay byte for byte",
	  .zone = { "a.e.org A 1.1.1.1",
		    "_x.a-a.e.org TXT '\"v=spf1 "
		    "-all\"|\"heritage=external-dns,external-dns/owner=me\"'" },
	  .changes = { "- a.e.org A 1.1.1.1", "~ _x.a-a.e.org TXT \"v=spf1 -all\"" } },
	{ .what = "and a TXT of others at our TXT's name is joined",
	  .zone = { "_x.a-a.e.org TXT '\"hello\"' ttl=60" },
	  .desired = { "a.e.org A 1.1.1.1" },
	  .changes = { "~ _x.a-a.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me\",\"hello\" "
		       "ttl=60",
		       "+ a.e.org A 1.1.1.1" } },
	{ .what = "a changed resource label is written though the targets stay",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " OURS("ingress/d/old") },
	  .desired = { "a.e.org A 1.1.1.1 resource=ingress/d/new" },
	  .changes = { "~ _x.a-a.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me,external-dns/"
		       "resource=ingress/d/new\"" } },
	{ .what = "the order of the labels does not matter",
	  .zone = { "a.e.org A 1.1.1.1",
		    "_x.a-a.e.org TXT '\"external-dns/resource=i/d/a,heritage=external-dns,"
		    "external-dns/owner=me\"'" },
	  .desired = { "a.e.org A 1.1.1.1 resource=i/d/a" } },
	{ .what = "an updated record updates nothing else",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " OURS("i/d/a") },
	  .desired = { "a.e.org A 2.2.2.2 resource=i/d/a" },
	  .changes = { "~ a.e.org A 2.2.2.2" } },
	{ .what = "hosts api and a-api in both forms: deleting one leaves the other's",
	  .zone = { "api.e.org A 1.1.1.1", "a-api.e.org A 1.1.1.2",
		    "_x.a-api.e.org TXT " OURS("i/d/api"), "_x.api.e.org TXT " OURS("i/d/api"),
		    "_x.a-a-api.e.org TXT " OURS("i/d/a-api") },
	  .desired = { "api.e.org A 1.1.1.1 resource=i/d/api" },
	  .changes = { "- a-api.e.org A 1.1.1.2",
		       "- _x.a-a-api.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me,external-dns/"
		       "resource=i/d/a-api\"" } },
	{ .what = "and the legacy TXT of a-api, if there is no api, speaks for it",
	  .zone = { "a-api.e.org A 1.1.1.2", "_x.a-api.e.org TXT " OURS("i/d/x") },
	  .desired = { "a-api.e.org A 1.1.1.2 resource=i/d/x" },
	  .changes = { "+ _x.a-a-api.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me,external-dns/"
		       "resource=i/d/x\"" } },
	{ .what = "A becomes CNAME: all of the A goes, all of the CNAME comes",
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " T("me") },
	  .desired = { "a.e.org CNAME lb.y" },
	  .changes = { "- a.e.org A 1.1.1.1",
		       "- _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"",
		       "+ _x.cname-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"",
		       "+ a.e.org CNAME lb.y" } },
	{ .what = "the apex: a name in the zone is chosen",
	  .flags = { "zones=e.org" },
	  .desired = { "e.org A 1.1.1.1" },
	  .changes = { "+ _x.gslbd-a-17a2605452.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me\"",
		       "+ e.org A 1.1.1.1" } },
	{ .what = "and read back",
	  .flags = { "zones=e.org" },
	  .zone = { "e.org A 1.1.1.1", "_x.gslbd-a-17a2605452.e.org TXT " T("me") },
	  .desired = { "e.org A 2.2.2.2" },
	  .changes = { "~ e.org A 2.2.2.2" } },
	{ .what = "and deleted",
	  .flags = { "zones=e.org" },
	  .zone = { "e.org A 1.1.1.1", "_x.gslbd-a-17a2605452.e.org TXT " T("me") },
	  .changes = { "- e.org A 1.1.1.1",
		       "- _x.gslbd-a-17a2605452.e.org TXT \"heritage=external-dns,external-dns/"
		       "owner=me\"" } },
	{ .what = "the apex of a zone within another: the typed name lies in the outer one",
	  .flags = { "zones=e.org,in.e.org" },
	  .desired = { "in.e.org A 1.1.1.1" },
	  .changes = { "+ _x.a-in.e.org TXT \"heritage=external-dns,external-dns/owner=me\"",
		       "+ in.e.org A 1.1.1.1" } },
	{ .what = "the apex with legacy TXT (0.14): taken over",
	  .flags = { "zones=e.org" },
	  .zone = { "e.org A 1.1.1.1", "_x.e.org TXT " T("me") },
	  .desired = { "e.org A 1.1.1.1" },
	  .changes = { "+ _x.gslbd-a-17a2605452.e.org TXT "
		       "\"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "the apex with a template",
	  .flags = { "zones=e.org", "txt-prefix=%{record_type}." },
	  .desired = { "e.org A 1.1.1.1" },
	  .changes = { "+ a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"",
		       "+ e.org A 1.1.1.1" } },
	{ .what = "a template reads the plain form of before as well",
	  .flags = { "txt-prefix=%{record_type}-" },
	  .zone = { "a.e.org A 1.1.1.1", "a-a.e.org TXT " T("me") },
	  .desired = { "a.e.org A 1.1.1.1" } },
	{ .what = "alias records of AWS up to 0.21: cname- is read, a- written",
	  .zone = { "a.e.org A lb.aws alias=true", "_x.cname-a.e.org TXT " T("me") },
	  .desired = { "a.e.org A lb.aws alias=true" },
	  .changes = { "+ _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "both go with the record",
	  .zone = { "a.e.org A lb.aws alias=true", "_x.cname-a.e.org TXT " T("me"),
		    "_x.a-a.e.org TXT " T("me") },
	  .changes = { "- a.e.org A lb.aws",
		       "- _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"",
		       "- _x.cname-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "cname- speaks for no plain A",
	  .zone = { "a.e.org A 1.1.1.1", "_x.cname-a.e.org TXT " T("me") },
	  .desired = { "a.e.org A 2.2.2.2" },
	  .changes = { "! a.e.org A 2.2.2.2" } },
	{ .what = "wildcards with a replacement",
	  .flags = { "txt-wildcard-replacement=any" },
	  .zone = { "*.e.org A 1.1.1.1", "_x.a-any.e.org TXT " T("me") },
	  .changes = { "- *.e.org A 1.1.1.1",
		       "- _x.a-any.e.org TXT \"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "a TXT from before the replacement is read and leaves with the record",
	  .flags = { "txt-wildcard-replacement=any" },
	  .zone = { "*.e.org A 1.1.1.1", "_x.a-*.e.org TXT " T("me") },
	  .changes = { "- *.e.org A 1.1.1.1",
		       "- _x.a-*.e.org TXT \"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "host any beside the wildcard keeps the TXT that both use",
	  .flags = { "txt-wildcard-replacement=any" },
	  .zone = { "*.e.org A 1.1.1.1", "any.e.org A 1.1.1.1", "_x.a-any.e.org TXT " T("me") },
	  .desired = { "any.e.org A 1.1.1.1" },
	  .changes = { "- *.e.org A 1.1.1.1" } },
	{ .what = "weighted sets have a TXT each, weighted alike",
	  .zone = { "a.e.org A 1.1.1.1 set=eu aws/weight=1",
		    "_x.a-a.e.org TXT " T("me") " set=eu aws/weight=1" },
	  .desired = { "a.e.org A 1.1.1.1 set=eu aws/weight=2",
		       "a.e.org A 2.2.2.2 set=us aws/weight=1" },
	  .changes = { "~ _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\" set=eu",
		       "~ a.e.org A 1.1.1.1 set=eu",
		       "+ _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\" set=us",
		       "+ a.e.org A 2.2.2.2 set=us" } },
	{ .what = "migration of the owner rewrites every TXT, once",
	  .flags = { "migrate-from-txt-owner=old" },
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " T("old"), "_x.a.e.org TXT " T("old"),
		    "b.e.org A 1.1.1.1", "_x.a-b.e.org TXT " T("me"), "c.e.org A 1.1.1.1",
		    "_x.a-c.e.org TXT " T("you") },
	  .desired = { "a.e.org A 1.1.1.1", "b.e.org A 1.1.1.1" },
	  .changes = { "~ _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"",
		       "~ _x.a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "what the old owner had and nobody wants is deleted",
	  .flags = { "migrate-from-txt-owner=old" },
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " T("old") },
	  .changes = { "- a.e.org A 1.1.1.1",
		       "- _x.a-a.e.org TXT \"heritage=external-dns,external-dns/owner=old\"" } },
	{ .what = "suffixes",
	  .flags = { "txt-prefix=", "txt-suffix=-txt" },
	  .zone = { "a.e.org A 1.1.1.1", "a-a-txt.e.org TXT " T("me") },
	  .desired = { "a.e.org A 1.1.1.1", "b.e.org AAAA ::1" },
	  .changes = { "+ aaaa-b-txt.e.org TXT \"heritage=external-dns,external-dns/owner=me\"",
		       "+ b.e.org AAAA ::1" } },
	{ .what = "no affix at all",
	  .flags = { "txt-prefix=" },
	  .zone = { "a.e.org A 1.1.1.1", "a.e.org TXT " T("me") },
	  .desired = { "a.e.org A 1.1.1.1" },
	  .changes = { "+ a-a.e.org TXT \"heritage=external-dns,external-dns/owner=me\"" } },
	{ .what = "a key that opens old plain TXT: it is sealed in place, once",
	  .flags = { "txt-encrypt-enabled=true",
		     "txt-encrypt-aes-key=12345678901234567890123456789012" },
	  .zone = { "a.e.org A 1.1.1.1", "_x.a-a.e.org TXT " T("me") },
	  .desired = { "a.e.org A 1.1.1.1" },
	  .changes = { "~ _x.a-a.e.org TXT *" } },
	{ .what = "shared: a claim of our own that ExternalDNS does not know",
	  .flags = { "cluster-geo-tag=eu" },
	  .desired = { "g.e.org NS ns-eu.e.org ttl=30 shared" },
	  .changes = { "+ _x.gslbd-ns-7c3843e2-d22c69a470.e.org TXT " SHARED("me", "eu", "g.e.org",
									     "ns-eu.e.org"),
		       "+ g.e.org NS ns-eu.e.org ttl=30" } },
	{ .what = "shared: at rest",
	  .flags = { "cluster-geo-tag=eu" },
	  .zone = { "g.e.org NS ns-us.e.org,ns-eu.e.org ttl=30",
		    "_x.one.e.org TXT '" SHARED("me", "us", "g.e.org", "ns-us.e.org") "'",
		    "_x.two.e.org TXT '" SHARED("me", "eu", "g.e.org", "ns-eu.e.org") "'" },
	  .desired = { "g.e.org NS ns-eu.e.org ttl=30 shared" } },
	{ .what = "shared: we leave, the others stay",
	  .flags = { "cluster-geo-tag=eu" },
	  .zone = { "g.e.org NS ns-us.e.org,ns-eu.e.org ttl=30",
		    "_x.one.e.org TXT '" SHARED("me", "us", "g.e.org", "ns-us.e.org") "'",
		    "_x.two.e.org TXT '" SHARED("me", "eu", "g.e.org", "ns-eu.e.org") "'" },
	  .changes = { "~ g.e.org NS ns-us.e.org ttl=30",
		       "- _x.two.e.org TXT " SHARED("me", "eu", "g.e.org", "ns-eu.e.org") } },
	{ .what = "shared: a dead cluster is withdrawn with its claim",
	  .flags = { "cluster-geo-tag=eu" },
	  .zone = { "g.e.org NS ns-us.e.org,ns-eu.e.org ttl=30",
		    "_x.one.e.org TXT '" SHARED("me", "us", "g.e.org", "ns-us.e.org") "'",
		    "_x.two.e.org TXT '" SHARED("me", "eu", "g.e.org", "ns-eu.e.org") "'" },
	  .desired = { "g.e.org NS ns-eu.e.org ttl=30 shared gslbd/withdraw=ns-us.e.org" },
	  .changes = { "~ g.e.org NS ns-eu.e.org ttl=30",
		       "- _x.one.e.org TXT " SHARED("me", "us", "g.e.org", "ns-us.e.org") } },
	{ .what = "shared: a delegation of ExternalDNS's with our owner is joined, and stays its",
	  .flags = { "cluster-geo-tag=eu" },
	  .zone = { "g.e.org NS ns-us.e.org,ns-eu.e.org ttl=30", "_x.ns-g.e.org TXT " T("me") },
	  .desired = { "g.e.org NS ns-eu.e.org ttl=30 shared" },
	  .changes = { "+ _x.gslbd-ns-7c3843e2-d22c69a470.e.org TXT " SHARED("me", "eu", "g.e.org",
									     "ns-eu.e.org") } },
	{ .what = "shared: another owner's is not",
	  .flags = { "cluster-geo-tag=eu" },
	  .zone = { "g.e.org NS ns-us.e.org ttl=30", "_x.ns-g.e.org TXT " T("you") },
	  .desired = { "g.e.org NS ns-eu.e.org ttl=30 shared" },
	  .changes = { "! g.e.org NS ns-eu.e.org ttl=30" } },
};

static struct config *config_of(const struct row *r)
{
	const char *pairs[10] = { "txt-owner-id=me", NULL };
	size_t n = 1;
	bool prefix = false;

	for (size_t i = 0; i < ARRAY_SIZE(r->flags) && r->flags[i]; i++) {
		prefix = prefix || strncmp(r->flags[i], "txt-prefix=", 11) == 0;
		if (strncmp(r->flags[i], "zones=", 6) != 0)
			pairs[n++] = r->flags[i];
	}
	if (!prefix)
		pairs[n++] = "txt-prefix=_x.";
	pairs[n] = NULL;
	return config_for_test(pairs);
}

static void set_zones(struct registry *reg, const struct row *r)
{
	struct strv zones = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(r->flags) && r->flags[i]; i++)
		if (strncmp(r->flags[i], "zones=", 6) == 0)
			strv_split(&zones, r->flags[i] + 6, ",");
	registry_set_zones(reg, &zones);
	strv_fini(&zones);
}

static void print_changes(const struct change_list *l, const struct plan *p, struct strv *out)
{
	static const char marks[] = {
		[CHANGE_CREATE] = '+', [CHANGE_UPDATE] = '~', [CHANGE_DELETE] = '-'
	};

	for (size_t i = 0; i < l->n; i++) {
		const struct change *c = &l->c[i];
		char *text = words_print(c->after ? c->after : c->before);

		strv_take(out, mem_printf("%c %s", marks[c->kind], text));
		free(text);
	}
	for (size_t i = 0; i < p->nskips; i++) {
		char *text = words_print(p->skips[i].e);

		strv_take(out, mem_printf("! %s", text));
		free(text);
	}
}

/* '*' at the end of WANT stands for anything. */
static bool alike(const struct strv *got, const struct strv *want)
{
	if (got->n != want->n)
		return false;
	for (size_t i = 0; i < got->n; i++) {
		size_t n = strlen(want->s[i]);
		bool open = n && want->s[i][n - 1] == '*';

		if (open ? strncmp(got->s[i], want->s[i], n - 1) != 0
			 : strcmp(got->s[i], want->s[i]) != 0)
			return false;
	}
	return true;
}

static void apply(struct registry *reg, struct view *v, const struct change_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct change *c = &l->c[i];
		const struct endpoint *e = change_endpoint(c);

		if (c->kind == CHANGE_DELETE)
			view_remove(v, e->dns_name, e->record_type, e->set_identifier);
		else
			registry_put(reg, v, endpoint_copy(e));
	}
}

static void pass(struct registry *reg, struct view *v, const struct endpoint_list *desired,
		 struct plan *p, struct change_list *l)
{
	struct plan_rules rules = { .policy = PLAN_SYNC, .owner = reg->owner };
	struct strv managed = { 0 };
	struct plan_record *records = mem_calloc(v->n + 1, sizeof(*records));
	size_t n = 0;

	strv_split(&managed, "A,AAAA,CNAME,NS", ",");
	rules.managed = &managed;
	for (struct map_item *it = map_first(&v->rows); it; it = map_next(&v->rows, it)) {
		const struct view_row *row = it->value;

		for (size_t i = 0; i < row->n; i++)
			reg->ops->lookup(reg, v, row->e[i], &records[n++]);
	}
	plan_calculate(&rules, records, n, (const struct endpoint *const *)desired->e, desired->n,
		       p);
	registry_expand(reg, v, p, l);
	free(records);
	strv_fini(&managed);
}

static void zones_are_left_as_in_the_table_and_then_at_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct config *c = config_of(r);
		struct registry *reg = NULL;
		struct view v = { 0 };
		struct endpoint_list desired = { 0 };
		struct strv want = { 0 };
		char *why = NULL;

		assert_int_equal(registry_new(c, &reg, &why), 0);
		set_zones(reg, r);
		for (size_t k = 0; k < MANY && r->zone[k]; k++)
			registry_put(reg, &v, words_endpoint(r->zone[k]));
		for (size_t k = 0; k < MANY && r->desired[k]; k++)
			endpoint_list_take(&desired, words_endpoint(r->desired[k]));
		for (size_t k = 0; k < MANY && r->changes[k]; k++)
			strv_add(&want, r->changes[k]);
		for (int round = 0; round < 2; round++) {
			struct plan p = { 0 };
			struct change_list l = { 0 };
			struct strv got = { 0 };

			pass(reg, &v, &desired, &p, &l);
			print_changes(&l, &p, &got);
			if (round == 0 ? !alike(&got, &want) : l.n != 0) {
				char *text = strv_join(&got, "\n  ");

				fail_msg("%s (pass %d): got\n  %s", r->what, round, text);
			}
			apply(reg, &v, &l);
			strv_fini(&got);
			change_list_fini(&l);
			plan_fini(&p);
		}
		view_fini(&v);
		endpoint_list_fini(&desired);
		strv_fini(&want);
		registry_free(reg);
		config_free(c);
	}
}

static void bad_settings_are_named(void **state)
{
	static const struct {
		const char *pairs[3], *word;
	} bad[] = {
		{ { "registry=dynamodb" }, "dynamodb" },
		{ { "txt-prefix=a", "txt-suffix=b" }, "--txt-suffix" },
		{ { "txt-owner-id=" }, "--txt-owner-id" },
		{ { "txt-encrypt-enabled=true" }, "--txt-encrypt-aes-key" },
		{ { "txt-encrypt-aes-key=short" }, "--txt-encrypt-aes-key" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config *c = config_for_test(bad[i].pairs);
		struct registry *reg = NULL;
		char *why = NULL;

		assert_int_equal(registry_new(c, &reg, &why), ERR_INVALID);
		assert_non_null(strstr(why, bad[i].word));
		assert_null(strstr(why, "short"));
		free(why);
		config_free(c);
	}
}

static void noop_holds_deletes_without_a_domain_filter(void **state)
{
	static const char *const open[] = { "registry=noop", NULL };
	static const char *const bound[] = { "registry=noop", "domain-filter=e.org", NULL };
	struct registry *reg = NULL;
	char *why = NULL;

	(void)state;
	struct config *c = config_for_test(open);
	assert_int_equal(registry_new(c, &reg, &why), 0);
	assert_non_null(reg->hold_deletes);
	assert_null(reg->owner);
	registry_free(reg);
	config_free(c);
	c = config_for_test(bound);
	assert_int_equal(registry_new(c, &reg, &why), 0);
	assert_null(reg->hold_deletes);
	struct strv zones = { 0 };
	strv_add(&zones, "e.org");
	registry_set_zones(reg, &zones);
	strv_fini(&zones);
	struct view v = { 0 };
	registry_put(reg, &v, words_endpoint("e.org NS ns.y"));
	registry_put(reg, &v, words_endpoint("a.e.org A 1.1.1.1"));
	struct endpoint_list none = { 0 };
	struct plan p = { 0 };
	struct change_list l = { 0 };
	pass(reg, &v, &none, &p, &l);
	assert_int_equal(l.n, 1); /* never the name servers of the zone itself */
	assert_string_equal(l.c[0].before->dns_name, "a.e.org");
	change_list_fini(&l);
	plan_fini(&p);
	view_fini(&v);
	registry_free(reg);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_are_left_as_in_the_table_and_then_at_rest),
		cmocka_unit_test(bad_settings_are_named),
		cmocka_unit_test(noop_holds_deletes_without_a_domain_filter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
