#include "sync/route53_record.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "sync/route53_alias.h"
#include "sync/xml.h"

/* Elements of a routing policy and the endpoint property that carries each. */
static const struct {
	const char *path, *prop;
} policies[] = {
	{ "Weight", "aws/weight" },
	{ "Region", "aws/region" },
	{ "GeoLocation/ContinentCode", "aws/geolocation-continent-code" },
	{ "GeoLocation/CountryCode", "aws/geolocation-country-code" },
	{ "GeoLocation/SubdivisionCode", "aws/geolocation-subdivision-code" },
	{ "Failover", "aws/failover" },
	{ "MultiValueAnswer", "aws/multi-value-answer" },
	{ "HealthCheckId", "aws/health-check-id" },
	{ "GeoProximityLocation/AWSRegion", "aws/geoproximity-region" },
	{ "GeoProximityLocation/LocalZoneGroup", "aws/geoproximity-local-zone-group" },
	{ "GeoProximityLocation/Bias", "aws/geoproximity-bias" },
};

char *route53_name(const char *text)
{
	struct buf b = { 0 };

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    isdigit((unsigned char)text[2]) && isdigit((unsigned char)text[3])) {
			buf_putc(&b, (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] -
					    '0'));
			text += 3;
		} else {
			buf_putc(&b, *text);
		}
	}
	char *name = dname_text_normal(buf_str(&b));
	buf_fini(&b);
	return name;
}

static char *without_dot(const char *text)
{
	size_t len = strlen(text);

	return mem_strndup(text, len > 1 && text[len - 1] == '.' ? len - 1 : len);
}

static void read_alias(struct endpoint *e, const struct xml *alias)
{
	const char *health = xml_text(alias, "EvaluateTargetHealth");
	char *target = route53_name(xml_text(alias, "DNSName"));

	strv_take(&e->targets, target);
	e->record_ttl = ROUTE53_DEFAULT_TTL; /* an alias has none; ExternalDNS reads it so */
	endpoint_set_prop(e, "aws/evaluate-target-health", health ? health : "false");
	endpoint_set_prop(e, "alias", "true");
}

static void read_values(struct endpoint *e, const struct xml *records)
{
	bool is_name = strcmp(e->record_type, "TXT") != 0;

	for (const struct xml *r = xml_child(records, "ResourceRecord"); r; r = xml_next(r)) {
		const char *value = xml_text(r, "Value");

		if (value)
			strv_take(&e->targets, is_name ? without_dot(value) : mem_strdup(value));
	}
	/* said so that a wish for "no alias" is no difference */
	if (strcmp(e->record_type, "CNAME") == 0)
		endpoint_set_prop(e, "alias", "false");
}

struct endpoint *route53_record_read(const struct xml *set)
{
	const char *name = xml_text(set, "Name"), *type = xml_text(set, "Type");
	const char *ttl = xml_text(set, "TTL"), *id = xml_text(set, "SetIdentifier");
	const struct xml *alias = xml_child(set, "AliasTarget");

	if (!name || !type || (alias && !xml_text(alias, "DNSName")))
		return NULL;
	char *plain = route53_name(name);
	struct endpoint *e = endpoint_new(plain, type, ttl ? strtoll(ttl, NULL, 10) : 0);
	free(plain);
	if (alias)
		read_alias(e, alias);
	else
		read_values(e, xml_child(set, "ResourceRecords"));
	if (id)
		mem_strset(&e->set_identifier, id);
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		const char *value = xml_text(set, policies[i].path);

		if (value)
			endpoint_set_prop(e, policies[i].prop, value);
	}
	const char *lat = xml_text(set, "GeoProximityLocation/Coordinates/Latitude");
	const char *lon = xml_text(set, "GeoProximityLocation/Coordinates/Longitude");
	if (lat && lon) {
		char *both = mem_printf("%s,%s", lat, lon);

		endpoint_set_prop(e, "aws/geoproximity-coordinates", both);
		free(both);
	}
	return e;
}

static void copy_node(const struct xml *x, struct buf *out)
{
	buf_printf(out, "<%s>", x->name);
	if (x->first == NULL)
		xml_escape(out, buf_str(&x->text));
	for (const struct xml *c = x->first; c; c = c->next)
		copy_node(c, out);
	buf_printf(out, "</%s>", x->name);
}

char *route53_record_copy(const struct xml *set)
{
	struct buf b = { 0 };

	copy_node(set, &b);
	return buf_take(&b);
}

/* One string of at most 255 octets, quoted, what is not printable as octal. */
static void put_txt_string(struct buf *b, const char *s, size_t n)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c > 0x7e)
			buf_printf(b, "\\%03o", c);
		else
			buf_putc(b, s[i]);
	}
	buf_putc(b, '"');
}

/* A TXT target as Route 53 wants it; what is quoted already stays unless it is too long. */
static char *txt_value(const char *target)
{
	struct buf b = { 0 };
	size_t len = strlen(target);
	bool is_quoted = len >= 2 && target[0] == '"' && target[len - 1] == '"';

	if (is_quoted && (len <= 257 || strstr(target, "\" \"")))
		return mem_strdup(target);
	const char *s = is_quoted ? target + 1 : target;
	size_t left = is_quoted ? len - 2 : len;
	struct buf plain = { 0 };
	for (size_t i = 0; i < left; i++) {
		if (!is_quoted && (s[i] == '"' || s[i] == '\\'))
			buf_putc(&plain, '\\');
		buf_putc(&plain, s[i]);
	}
	s = buf_str(&plain);
	left = plain.len;
	do {
		size_t n = left > 255 ? 255 : left;

		if (n < left && s[n - 1] == '\\')
			n--; /* an escape stays whole */
		if (b.len)
			buf_putc(&b, ' ');
		put_txt_string(&b, s, n);
		s += n;
		left -= n;
	} while (left);
	buf_fini(&plain);
	return buf_take(&b);
}

/* The elements of one parent ("GeoLocation", or "" for the plain ones), in the schema's order. */
static void write_group(const struct endpoint *e, const char *group, struct buf *out)
{
	struct buf inner = { 0 };
	size_t n = strlen(group);

	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		const char *path = policies[i].path, *slash = strchr(path, '/');
		const char *value = endpoint_prop(e, policies[i].prop);

		if (value == NULL || slash == NULL || (size_t)(slash - path) != n ||
		    strncmp(path, group, n) != 0)
			continue;
		xml_element(&inner, slash + 1, value);
	}
	const char *at = endpoint_prop(e, "aws/geoproximity-coordinates");
	const char *comma =
		at && strcmp(group, "GeoProximityLocation") == 0 ? strchr(at, ',') : NULL;
	if (comma) {
		char *lat = mem_strndup(at, (size_t)(comma - at));

		buf_puts(&inner, "<Coordinates>");
		xml_element(&inner, "Latitude", lat);
		xml_element(&inner, "Longitude", comma + 1 + strspn(comma + 1, " "));
		buf_puts(&inner, "</Coordinates>");
		free(lat);
	}
	if (inner.len)
		buf_printf(out, "<%s>%s</%s>", group, buf_str(&inner), group);
	buf_fini(&inner);
}

static void write_plain(const struct endpoint *e, const char *name, const char *prop,
			struct buf *out)
{
	const char *value = endpoint_prop(e, prop);

	if (value)
		xml_element(out, name, value);
}

/* A registry's TXT carries the properties of its record: only addresses are aliases. */
static bool is_alias(const struct endpoint *e)
{
	const char *alias = endpoint_prop(e, "alias");

	return alias && strcmp(alias, "true") == 0 &&
	       (strcmp(e->record_type, "A") == 0 || strcmp(e->record_type, "AAAA") == 0);
}

static bool write_alias(const struct endpoint *e, const char *zone_id, struct buf *out)
{
	const char *zone = endpoint_prop(e, "aws/target-hosted-zone");
	const char *health = endpoint_prop(e, "aws/evaluate-target-health");

	if (e->targets.n != 1)
		return false;
	if (zone == NULL)
		zone = route53_alias_zone(e->targets.s[0]);
	buf_puts(out, "<AliasTarget>");
	xml_element(out, "HostedZoneId", zone ? zone : zone_id); /* else a name of the same zone */
	xml_element(out, "DNSName", e->targets.s[0]);
	xml_element(out, "EvaluateTargetHealth",
		    health && strcmp(health, "true") == 0 ? "true" : "false");
	buf_puts(out, "</AliasTarget>");
	return true;
}

bool route53_record_write(const struct endpoint *e, const char *zone_id, struct buf *out)
{
	const char *health = endpoint_prop(e, "aws/health-check-id");
	char ttl[24];

	if (e->targets.n == 0)
		return false;
	buf_puts(out, "<ResourceRecordSet>");
	xml_element(out, "Name", e->dns_name);
	xml_element(out, "Type", e->record_type);
	if (*e->set_identifier) {
		xml_element(out, "SetIdentifier", e->set_identifier);
		write_plain(e, "Weight", "aws/weight", out);
		write_plain(e, "Region", "aws/region", out);
		write_group(e, "GeoLocation", out);
		write_plain(e, "Failover", "aws/failover", out);
		write_plain(e, "MultiValueAnswer", "aws/multi-value-answer", out);
	}
	if (is_alias(e)) {
		if (!write_alias(e, zone_id, out))
			return false;
	} else {
		(void)snprintf(
			ttl, sizeof(ttl), "%lld",
			(long long)(e->record_ttl > 0 ? e->record_ttl : ROUTE53_DEFAULT_TTL));
		xml_element(out, "TTL", ttl);
		buf_puts(out, "<ResourceRecords>");
		for (size_t i = 0; i < e->targets.n; i++) {
			bool is_txt = strcmp(e->record_type, "TXT") == 0;
			char *value =
				is_txt ? txt_value(e->targets.s[i]) : mem_strdup(e->targets.s[i]);

			buf_puts(out, "<ResourceRecord>");
			xml_element(out, "Value", value);
			buf_puts(out, "</ResourceRecord>");
			free(value);
		}
		buf_puts(out, "</ResourceRecords>");
	}
	if (health && *health)
		xml_element(out, "HealthCheckId", health);
	if (*e->set_identifier)
		write_group(e, "GeoProximityLocation", out);
	buf_puts(out, "</ResourceRecordSet>");
	return true;
}

void route53_record_adjust(struct endpoint *e)
{
	const char *weight = endpoint_prop(e, "aws/weight");
	struct strv out = { 0 };
	char *end;

	if (strcmp(e->record_type, "TXT") == 0) {
		for (size_t i = 0; i < e->targets.n; i++)
			strv_take(&out, txt_value(e->targets.s[i]));
		strv_fini(&e->targets);
		e->targets = out;
	}

	if (*e->set_identifier == '\0') { /* a policy tells sets of one name apart */
		for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
			if (strcmp(policies[i].prop, "aws/health-check-id") != 0)
				endpoint_set_prop(e, policies[i].prop, NULL);
		endpoint_set_prop(e, "aws/geoproximity-coordinates", NULL);
		return;
	}
	if (weight) {
		long long w = strtoll(weight, &end, 10);
		char *text = mem_printf("%lld", *weight && *end == '\0' && w > 0 ? w : 0);

		endpoint_set_prop(e, "aws/weight", text);
		free(text);
	}
	if (endpoint_prop(e, "aws/multi-value-answer"))
		endpoint_set_prop(e, "aws/multi-value-answer", "true");
	if (endpoint_prop(e, "aws/geolocation-continent-code")) { /* the wider place wins */
		endpoint_set_prop(e, "aws/geolocation-country-code", NULL);
		endpoint_set_prop(e, "aws/geolocation-subdivision-code", NULL);
	}
}
