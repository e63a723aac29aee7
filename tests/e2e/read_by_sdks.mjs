// Reads a zone by a vendor's own SDK: node read_by_sdks.mjs KIND URL; prints JSON [[name, type, values]].
// Called by test_sdks.py; NODE_PATH-like folder in SDKS.
import { createRequire } from "node:module";
const require = createRequire(process.env.SDKS + "/x.js");
const [kind, url] = process.argv.slice(2);
const out = [];

if (kind === "aws") {
	const { Route53Client, ListHostedZonesCommand, ListResourceRecordSetsCommand } = require("@aws-sdk/client-route-53");
	const c = new Route53Client({ endpoint: url, region: "us-east-1", credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "s" } });
	for (const z of (await c.send(new ListHostedZonesCommand({}))).HostedZones)
		for (let at = {}; at;) {
			const p = await c.send(new ListResourceRecordSetsCommand({ HostedZoneId: z.Id, ...at }));
			for (const s of p.ResourceRecordSets)
				out.push([s.Name.replaceAll("\\052", "*"), s.Type, (s.ResourceRecords ?? []).map((r) => r.Value)]);
			at = p.IsTruncated && { StartRecordName: p.NextRecordName, StartRecordType: p.NextRecordType };
		}
} else if (kind === "cloudflare") {
	const { Cloudflare } = require("cloudflare");
	const c = new Cloudflare({ apiToken: "good-token", baseURL: url });
	for await (const z of c.zones.list())
		for await (const r of c.dns.records.list({ zone_id: z.id }))
			out.push([r.name, r.type, [r.type === "MX" ? `${r.priority} ${r.content}` : r.content]]);
} else if (kind === "google") {
	const { DNS } = require("@google-cloud/dns");
	const { OAuth2Client } = require("google-auth-library");
	const authClient = new OAuth2Client();
	authClient.setCredentials({ access_token: "good-token", expiry_date: Date.now() + 3600000 });
	const c = new DNS({ projectId: "p1", authClient });
	c.baseUrl = url + "/dns/v1"; // its option makes https of it
	for (const z of (await c.getZones())[0])
		for (const r of (await z.getRecords())[0])
			out.push([r.metadata.name, r.type, r.data]);
} else if (kind === "azure") {
	const { DnsManagementClient } = require("@azure/arm-dns");
	const credential = { getToken: async () => ({ token: "good-token", expiresOnTimestamp: Date.now() + 3600000 }) };
	const c = new DnsManagementClient(credential, "s1", { endpoint: url, allowInsecureConnection: true });
	c.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" }); // it insists on TLS
	c.pipeline.addPolicy({ name: "token", sendRequest: (r, next) => (r.headers.set("Authorization", "Bearer good-token"), next(r)) });
	for await (const z of c.zones.listByResourceGroup("rg1"))
		for await (const r of c.recordSets.listAllByDnsZone("rg1", z.name))
			out.push([r.name + "." + z.name, r.type.split("/").pop(), (r.aRecords ?? []).map((x) => x.ipv4Address)
				.concat(r.cnameRecord ? [r.cnameRecord.cname] : [], (r.txtRecords ?? []).map((x) => x.value.join("")),
					(r.nsRecords ?? []).map((x) => x.nsdname), (r.mxRecords ?? []).map((x) => `${x.preference} ${x.exchange}`))]);
}
console.log(JSON.stringify(out));
