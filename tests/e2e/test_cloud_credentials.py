"""Where credentials come from, each source against a small fake of its token endpoint: AWS profiles, web
identity, pod identity, IMDSv2, assumed roles; Google service account, federation, metadata server; Azure
secret, workload identity, managed identity; tokens in files that rotate; sessions that end early."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import clouds  # noqa: E402
import lib  # noqa: E402
from clouds import Case  # noqa: E402
from fakes.base import Fake, ok as answer  # noqa: E402


class Tokens(Fake):
    """Answers by PATHS: path -> f(method, query, headers, body) -> (status, headers, text)."""

    def __init__(self, paths):
        super().__init__()
        self.paths, self.seen = paths, []

    def handle(self, method, path, query, headers, body):
        self.seen.append((method, path, dict(headers), body))
        f = self.paths.get(path)
        return f(method, query, headers, body) if f else (404, {}, "not here")


def text(c):
    return "%s\nstatus %s\n%s" % (c.fake.dump(), c.status, c.log[-2500:])


def works(c, sentence, *flags, more=True, env=None):
    c.put("web", "192.0.2.1")
    c.once(*flags, env=env)
    lib.ok(c.status == 0 and c.records("A") == {("A", "web.example.test"): {"192.0.2.1"}} and more, sentence, text(c))
    c.fake.stop()


# --- AWS -------------------------------------------------------------------------------------------

NONE = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere"}


def aws(**env):
    c = Case("aws")
    c.env.update({**NONE, **env})
    real = c.fake.handle

    def handle(method, path, query, headers, body):
        key = headers.get("Authorization", "").split("Credential=")[-1].split("/")[0]
        c.key, c.session = key, headers.get("X-Amz-Security-Token")
        if c.key in c.refused:
            return c.fake.error("ExpiredToken", "The security token included in the request is expired", 403)
        headers = {**headers, "Authorization": headers["Authorization"].replace(key, "AKIDEXAMPLE")}
        return real(method, path, query, headers, body)
    c.fake.handle, c.refused = handle, set()
    return c


def sts(action, key="ASIASTS"):
    return 200, {"Content-Type": "text/xml"}, (
        '<%sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%sResult><Credentials><AccessKeyId>%s</AccessKeyId>'
        "<SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
        "</Credentials></%sResult></%sResponse>" % (action, action, key, action, action))


def file(c, name, content):
    path = os.path.join(c.dir, name)
    lib.write(path, content)
    return path


def aws_chain():
    c = aws()
    c.env["AWS_SHARED_CREDENTIALS_FILE"] = file(c, "credentials", "[default]\naws_access_key_id = AKDEFAULT\n"
                                                "aws_secret_access_key = d\n[web]\naws_access_key_id=AKWEB\naws_secret_access_key=w\n")
    works(c, "aws: a profile by AWS_PROFILE", env={"AWS_PROFILE": "web"})
    lib.ok(c.key == "AKWEB", "aws: the profile's own key signs", c.key)
    c = aws()
    c.env["AWS_SHARED_CREDENTIALS_FILE"] = file(c, "credentials", "[web]\naws_access_key_id=AKWEB\naws_secret_access_key=w\n")
    works(c, "aws: a profile by --aws-profile", "--aws-profile=web")
    t = Tokens({"/": lambda m, q, h, b: sts("AssumeRole", "ASIAROLE")})
    c = aws(AWS_ENDPOINT_URL_STS=t.url)
    c.env["AWS_CONFIG_FILE"] = file(c, "config", "[profile base]\naws_access_key_id=AKBASE\naws_secret_access_key=b\n"
                                    "[profile web]\nrole_arn = arn:aws:iam::1:role/web\nsource_profile = base\nexternal_id = x9\n")
    works(c, "aws: a profile that takes a role", env={"AWS_PROFILE": "web"})
    lib.ok(c.key == "ASIAROLE" and "Credential=AKBASE/" in t.seen[0][2]["Authorization"] and "ExternalId=x9" in t.seen[0][3],
           "aws: by the keys of its source profile", t.seen)
    t.stop()
    t = Tokens({"/": lambda m, q, h, b: sts("AssumeRole", "ASIAROLE")})
    c = aws(AWS_ENDPOINT_URL_STS=t.url, AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="e")
    works(c, "aws: --aws-assume-role", "--aws-assume-role=arn:aws:iam::1:role/dns", "--aws-assume-role-external-id=ex 1")
    lib.ok(c.key == "ASIAROLE" and c.session == "session" and "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fdns" in t.seen[0][3] and
           "ExternalId=ex%201" in t.seen[0][3], "aws: with its external id", t.seen)
    t.stop()
    t = Tokens({"/": lambda m, q, h, b: sts("AssumeRoleWithWebIdentity", "ASIAWEB")})
    c = aws(AWS_ENDPOINT_URL_STS=t.url, AWS_ROLE_ARN="arn:aws:iam::1:role/irsa")
    c.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = file(c, "token", "jwt.of.pod\n")
    works(c, "aws: web identity (IRSA)")
    lib.ok(c.key == "ASIAWEB" and "WebIdentityToken=jwt.of.pod" in t.seen[0][3] and "Authorization" not in t.seen[0][2],
           "aws: the pod's token is given to STS, unsigned", t.seen)
    t.stop()

    def container(m, q, h, b):
        return answer({"AccessKeyId": "ASIAPOD", "SecretAccessKey": "s", "Token": "session", "Expiration": "2099-01-01T00:00:00Z"})
    t = Tokens({"/v1/credentials": container})
    c = aws(AWS_CONTAINER_CREDENTIALS_FULL_URI=t.url + "/v1/credentials")
    c.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = file(c, "pod", "pod-token")
    works(c, "aws: EKS pod identity")
    lib.ok(c.key == "ASIAPOD" and t.seen[0][2].get("Authorization") == "pod-token", "aws: with the pod's token", t.seen)
    t.stop()
    count = {"n": 0}

    def role(m, q, h, b):
        if h.get("X-aws-ec2-metadata-token") != "imds-token":
            return 401, {}, ""
        count["n"] += 1
        return answer({"Code": "Success", "AccessKeyId": "ASIAIMDS%d" % count["n"], "SecretAccessKey": "s", "Token": "t",
                       "Expiration": "2099-01-01T00:00:00Z"})
    base = "/latest/meta-data/iam/security-credentials/"
    paths = {"/latest/api/token": lambda m, q, h, b: (200, {}, "imds-token") if m == "PUT" else (405, {}, ""),
             base: lambda m, q, h, b: (200, {}, "node-role\n"), base + "node-role": role}
    t = Tokens(paths)
    c = aws(AWS_EC2_METADATA_SERVICE_ENDPOINT=t.url, AWS_EC2_METADATA_DISABLED="")
    c.refused.add("ASIAIMDS1")  # ended before its time
    works(c, "aws: IMDSv2, and a session that ended early is renewed once")
    lib.ok(c.key == "ASIAIMDS2", "aws: by asking the instance again", c.key)
    t.stop()
    c = aws()
    c.put("web", "192.0.2.1")
    c.once()
    lib.ok(c.status == 1 and "no credentials" in c.log, "aws: without any, a clear word and no exit by accident", text(c))
    c.fake.stop()
    c = aws()
    c.fake.stop()


# --- Google ----------------------------------------------------------------------------------------

def google_chain():
    t = Tokens({"/computeMetadata/v1/instance/service-accounts/default/token":
                lambda m, q, h, b: answer({"access_token": "good-token", "expires_in": 3599, "token_type": "Bearer"})
                if h.get("Metadata-Flavor") == "Google" else (403, {}, ""),
                "/computeMetadata/v1/project/project-id": lambda m, q, h, b: (200, {}, "p1")})
    c = Case("google")
    c.env.update({"GOOGLE_APPLICATION_CREDENTIALS": "", "HOME": "/nowhere", "GCE_METADATA_HOST": t.url[7:]})
    works(c, "google: the metadata server gives token and project")
    t.stop()
    for kind in ("text", "json", "url"):
        t = Tokens({"/sts": lambda m, q, h, b: answer({"access_token": "federated", "expires_in": 3600, "token_type": "Bearer"}),
                    "/iam": lambda m, q, h, b: answer({"accessToken": "good-token", "expireTime": "2099-01-01T00:00:00Z"})
                    if h.get("Authorization") == "Bearer federated" else (401, {}, ""),
                    "/subject": lambda m, q, h, b: (200, {}, "pod.jwt") if h.get("X-Me") == "1" else (403, {}, "")})
        c = Case("google")
        source = {"url": t.url + "/subject", "headers": {"X-Me": "1"}} if kind == "url" else {
            "file": file(c, "subject", "pod.jwt" if kind == "text" else '{"id_token": "pod.jwt"}')}
        if kind == "json":
            source["format"] = {"type": "json", "subject_token_field_name": "id_token"}
        c.env["GOOGLE_APPLICATION_CREDENTIALS"] = file(c, "fed.json", json.dumps({
            "type": "external_account", "audience": "//iam/pool", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": t.url + "/sts", "service_account_impersonation_url": t.url + "/iam", "credential_source": source}))
        works(c, "google: workload identity federation, subject from %s" % kind, "--google-project=p1")
        lib.ok(any("subject_token=pod.jwt" in s[3] for s in t.seen), "google: the subject is exchanged", t.seen)
        t.stop()
    # a token that ended before its time
    c = Case("google")
    real, state = c.fake.handle, {"n": 0}

    def once_refused(method, path, query, headers, body):
        state["n"] += path != "/token"
        return c.fake.error(401, "expired") if path != "/token" and state["n"] == 2 else real(method, path, query, headers, body)
    c.fake.handle = once_refused
    works(c, "google: a token that ended early is asked for anew")


# --- Azure -----------------------------------------------------------------------------------------

def azure_chain():
    def config(c, **more):
        file(c, "azure.json", json.dumps({"tenantId": "t1", "subscriptionId": "s1", "resourceGroup": "rg1",
                                          "activeDirectoryAuthorityHost": c.fake.url, **more}))
    c = Case("azure")
    config(c, aadClientId="c1", useWorkloadIdentityExtension=True)
    c.env["AZURE_FEDERATED_TOKEN_FILE"] = file(c, "token", "pod.jwt\n")
    works(c, "azure: workload identity")
    form = [r[2] for r in c.fake.requests if r[1].endswith("/token")][0]
    lib.ok("client_assertion=pod.jwt" in form and "client_id=c1" in form and "jwt-bearer" in form, "azure: the pod's token is the assertion", form)
    t = Tokens({"/metadata/identity/oauth2/token": lambda m, q, h, b: answer({"access_token": "good-token", "expires_in": "3599"})
                if h.get("Metadata") == "true" and q.get("client_id") == "uid" else (400, {}, "")})
    c = Case("azure")
    config(c, useManagedIdentityExtension=True, userAssignedIdentityID="uid")
    c.env["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = t.url
    works(c, "azure: managed identity of the user's choice")
    t.stop()
    c = Case("azure")
    config(c)
    c.put("web", "192.0.2.1")
    c.once()
    lib.ok(c.status == 1 and "no credentials" in c.log, "azure: without any, a clear word", text(c))
    c.fake.stop()
    c = Case("azure")
    file(c, "azure.json", "{")
    c.once()
    lib.ok(c.status == 2 and "azure.json" in c.log, "azure: a broken file is named", text(c))
    c.fake.stop()


# --- tokens in files -------------------------------------------------------------------------------

def files_rotate():
    for kind, name in (("cloudflare", "CF_API_TOKEN"), ("hetzner", "HCLOUD_TOKEN")):
        c = Case(kind)
        token = file(c, "secret", " old-token\n")
        c.env[name] = "file:" + token
        c.put("web", "192.0.2.1")
        p = c.start("--source=service", "--provider=" + kind, "--txt-owner-id=me", "--interval=200ms", "--domain-filter=example.test")
        lib.wait_for(lambda: "uthenticat" in p.text() or "not accepted" in p.text(), 20)
        lib.write(token, "good-token\n")
        good = lib.wait_for(lambda: c.records("A"), 40)
        lib.ok(good and p.alive(), "%s: a token file that changes is read again" % kind, p.text()[-2000:])
        lib.ok("old-token" not in p.text() and "good-token" not in p.text(), "%s: no token is logged" % kind)
        p.stop()
        c.fake.stop()
    c = Case("cloudflare")
    c.env.update({"CF_API_TOKEN": "", "CF_API_KEY": "k", "CF_API_EMAIL": "me@example.test"})
    c.put("web", "192.0.2.1")
    real = c.fake.handle
    c.fake.handle = lambda m, p, q, h, b: real(m, p, q, {**h, "Authorization": "Bearer good-token"} if (
        h.get("X-Auth-Key"), h.get("X-Auth-Email")) == ("k", "me@example.test") else h, b)
    works(c, "cloudflare: key and address")
    c = Case("cloudflare")
    c.env["CF_API_TOKEN"] = ""
    c.once()
    lib.ok(c.status == 2 and "CF_API_TOKEN" in c.log, "cloudflare: without a token it does not start, and says what to set", text(c))
    c.fake.stop()


for f in (aws_chain, google_chain, azure_chain, files_rotate):
    if len(sys.argv) < 2 or f.__name__.split("_")[0] in sys.argv[1:]:
        f()
lib.done()
