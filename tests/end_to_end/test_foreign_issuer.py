"""A node without the built-in STS: users, administrators and connectors sign in at the issuer that its configuration names."""
import base64
import types

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.fake_sts import DEVICE_GRANT, foreign_sts, signing_key
from harness.processes import approve_printed, connector, control, node, process, wait_until
from harness.published import application_toml, group_toml
from harness.raw_origin import raw_origin
from harness.refusal import page, problem
from harness.sign_in import session_cookies
from harness.world import refusing_port

# The issuer's own names for people and groups. Gina has the group that administers unless the configuration says otherwise.
PEOPLE = {
    "dora": {"display_name": "Dora Drew", "email": "dora@example.org", "groups": ["operators"], "password": "dora-there"},
    "ernie": {"display_name": "Ernie Ems", "email": "ernie@example.org", "password": "ernie-there",
              "groups": ["readers", "night, shift", "choir"]},
    "gina": {"display_name": "Gina Grey", "email": "gina@example.org", "groups": ["administrators"], "password": "gina-there"},
}
# What the service asks of the issuer: one audience for all of administration, one for enrolment only.
AUDIENCES = {"posternctl": "postern-admin", "postern-connector": "postern-enrolment"}
SHOWN = ("User", "Email", "Name", "Groups")


class relying_node(node):
    """A node that leaves all sign-in to an issuer. Its tools and browsers trust that issuer, too."""

    def __init__(self, folder, sts):
        self.sts = sts
        super().__init__(folder, users=sts.users, extra='administrators = "operators"', sections={
            "sts": f'enabled = false\nissuer = "{sts.issuer}"\nissuer_ca_file = "{sts.certificate}"'})

    def write_config(self, shards, extra, sections):
        """Without the users of the node's own, whom it has no use for."""
        super().write_config(shards, extra, sections)
        text = self.config.read_text(encoding="utf-8")
        assert 'users_file = "users.toml"\n' in text
        self.config.write_text(text.replace('users_file = "users.toml"\n', ""), encoding="utf-8")
        (self.folder / "users.toml").unlink()

    @property
    def ca(self):
        both = self.folder / "authorities.pem"
        if not both.exists():
            both.write_bytes(super().ca.read_bytes() + self.sts.certificate.read_bytes())
        return both


def signed_in_already(own, folder, user="dora"):
    """posternctl with the token that a sign-in would have given it."""
    one = control(own, folder, user)
    one.token_file.touch(0o600)
    one.token_file.write_text(own.sts.access_token("posternctl", user) + "\n", encoding="utf-8")
    return one


@pytest.fixture(scope="module")
def site(tmp_path_factory, process_logs):
    """Such a node with its issuer, a connector, and `app`, for those whom the issuer calls readers. The issuer's URL has a path
    and a slash at its end, as those of some providers."""
    folder = tmp_path_factory.mktemp("foreign")
    process_logs.append(folder)
    sts, raw = foreign_sts(folder, PEOPLE, AUDIENCES, "/tenant/"), raw_origin()
    raw.on("/who", lambda e: e.answer(200, "\n".join(e.head.get("X-Postern-" + name, "") for name in SHOWN).encode()))
    raw.on("/hello", lambda e: e.answer(200, b"hello"))
    own = relying_node(folder / "node", sts).start()
    sts.redirects["app"] = own.url("app") + ".postern/callback"
    administrator = signed_in_already(own, folder / "control")
    administrator.apply(group_toml("main") + group_toml("annex") + application_toml(
        "app", own.url("app"), raw.url, "main", assigned=["group:readers", "group:night, shift"]) + application_toml(
            "annexed", own.url("annexed"), raw.url, "annex", preauthentication="passthrough", connect_timeout="1s"))
    inside = connector(own, folder / "connector")
    inside.enroll("main", administrator.enrolment_token("main")).start()
    yield types.SimpleNamespace(folder=folder, sts=sts, raw=raw, node=own, control=administrator)
    codes = inside.stop(), own.stop()
    for one in (raw, sts.server):
        one.close()
    process_logs.remove(folder)
    assert codes == (0, 0), f"{codes}; {folder}"
    assert not raw.problems and not sts.server.problems, (raw.problems, sts.server.problems)


def enrol_at_the_issuer(site, folder, user, name="by-hand"):
    """`postern-connector enroll` for the group annex, with the sign-in of a person; (connector, finished process)."""
    one = connector(site.node, folder, name)
    enrolling = process(one.enroll_arguments("annex"), folder / "enroll.log")
    approve_printed(enrolling, site.node, user)
    enrolling.wait(60)
    return one, enrolling


def enrolment_answer(site, token):
    """What the service answers to a right request for a certificate with this token."""
    csr = (x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "any")]))
           .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()))
    with site.node.browser() as client:
        return client.request("POST", site.node.url("connectors") + ".well-known/est/annex/simpleenroll", base={},
                              content=base64.encodebytes(csr.public_bytes(serialization.Encoding.DER)),
                              headers={"Content-Type": "application/pkcs10", "Authorization": "Bearer " + token})


def test_the_service_names_its_issuer(site):
    with site.node.browser() as client:
        for name in ("connectors", "admin"):
            assert client.get(site.node.url(name) + ".well-known/postern").json()["issuer"] == site.sts.issuer


def test_an_administrator_signs_in_there_and_publishes(site, tmp_path):
    dora = control(site.node, tmp_path, "dora").login()
    asked = site.sts.token_requests[-1]
    assert asked["grant_type"] == DEVICE_GRANT and asked["client_id"] == "posternctl" and "client_secret" not in asked
    dora.apply(group_toml("main") + application_toml("noticeboard", site.node.url("noticeboard"), site.raw.url, "main",
                                                     preauthentication="passthrough"))
    with site.node.browser() as client:
        wait_until(lambda: client.get(site.node.url("noticeboard") + "hello").text == "hello", "what was published to be there")


def test_a_connector_enrols_by_an_administrators_sign_in_there(site, tmp_path):
    one, enrolling = enrol_at_the_issuer(site, tmp_path, "dora")
    assert enrolling.popen.returncode == 0, enrolling.text()
    asked = site.sts.token_requests[-1]
    assert asked["grant_type"] == DEVICE_GRANT and asked["client_id"] == "postern-connector" and "client_secret" not in asked
    one.start()
    try:
        assert "by-hand" in site.control.expect("get", "connectors")
        with site.node.browser() as client:
            wait_until(lambda: client.get(site.node.url("annexed") + "hello").text == "hello", "the connector to serve")
    finally:
        assert one.stop() == 0


def test_a_user_signs_in_there_and_the_application_learns_who_it_is(site):
    with site.node.browser() as client:
        answer = client.sign_in(site.node.url("app") + "who", "ernie", PEOPLE["ernie"]["password"])
        assert answer.status_code == 200, answer.text
        # Of the groups, those that assignments name. A comma within a name is encoded, for it is what stands between two.
        assert answer.text.split("\n") == ["ernie", "ernie@example.org", "Ernie Ems", "readers,night%2C shift"]
        assert any(one.url.port == site.sts.server.port for one in client.visited)
        assert client.fetch(site.node.url("app") + "who").status_code == 200


def test_the_issuers_groups_decide_who_may_use_an_application(site):
    with site.node.browser() as client:
        page(client.sign_in(site.node.url("app") + "who", "dora", PEOPLE["dora"]["password"]), 403)
        assert client.fetch(site.node.url("app") + "who").status_code in (401, 403)


def test_a_wrong_password_there_opens_nothing(site):
    with site.node.browser() as client:
        answer = client.sign_in(site.node.url("app") + "who", "ernie", "another")
        assert answer.url.port == site.sts.server.port
        assert not session_cookies(client, "app")
        assert client.fetch(site.node.url("app") + "who").status_code == 401


@pytest.mark.parametrize("user", ["ernie", "gina"])
def test_who_is_no_administrator_there_may_not_administer(site, tmp_path, user):
    other = control(site.node, tmp_path, user).login()
    file = tmp_path / "published.toml"
    file.write_text(group_toml("main") + application_toml(f"by{user}", site.node.url(f"by{user}"), site.raw.url, "main"),
                    encoding="utf-8")
    for words in (("apply", "-f", file), ("get", "connectors"), ("create", "token", "--group", "main")):
        done = other.run(*words)
        assert done.returncode != 0 and "administrator" in done.stderr, (words, done.stdout, done.stderr)
    refused = other.api("GET", "/connectors")
    assert problem(refused, 403)["cause"] == "not_administrator"
    assert f"by{user}" not in site.control.expect("get", "applications")


@pytest.mark.parametrize("user", ["ernie", "gina"])
def test_who_is_no_administrator_there_may_not_enrol(site, tmp_path, user):
    one, enrolling = enrol_at_the_issuer(site, tmp_path, user, f"of-{user}")
    assert enrolling.popen.returncode != 0 and "administrator" in enrolling.text()
    assert not list(one.state.rglob("*.pem"))
    assert f"of-{user}" not in site.control.expect("get", "connectors")
    # Nor with a token that would administer if its owner might.
    assert enrolment_answer(site, site.sts.access_token("posternctl", user)).status_code == 403


def test_an_administrator_who_says_no_there_is_believed(site, tmp_path):
    before = set(site.sts.devices)
    login = process(control(site.node, tmp_path, "dora").arguments("login"), tmp_path / "login.log")
    device = wait_until(lambda: next(iter(set(site.sts.devices) - before), None), "posternctl to ask for a code")
    with site.node.browser() as client:
        entry = client.sign_in(site.sts.base + "/device", "dora", PEOPLE["dora"]["password"])
        question = client.submit(entry, {"user_code": site.sts.devices[device]["user_code"]})
        assert client.submit(question, {}, button=("decision", "deny")).text.endswith("Done.")
    assert login.wait() != 0 and "access_denied" in login.text()
    assert not (tmp_path / "token").exists()


def test_the_issuers_token_for_administration_opens_it(site):
    token = site.sts.access_token("posternctl", "dora")
    assert site.control.api("GET", "/connectors", token=token).status_code == 200
    assert enrolment_answer(site, token).status_code == 200


def test_the_issuers_token_for_enrolment_opens_nothing_else(site):
    token = site.sts.access_token("postern-connector", "dora")
    assert problem(site.control.api("GET", "/connectors", token=token), 401)["cause"] == "token_audience"
    assert enrolment_answer(site, token).status_code == 200


@pytest.mark.parametrize("make, cause", [
    (lambda sts: sts.id_token("posternctl", "dora"), "token_malformed"),
    (lambda sts: sts.id_token("posternctl", "dora", aud="postern-admin"), "token_malformed"),
    (lambda sts: sts.id_token("app", "dora"), "token_malformed"),
    (lambda sts: sts.access_token("posternctl", "dora", {"typ": "JWT"}), "token_malformed"),
    (lambda sts: sts.access_token("app", "dora"), "token_audience"),
    (lambda sts: sts.access_token("posternctl", "dora", aud="posternctl"), "token_audience"),
    (lambda sts: sts.access_token("posternctl", "dora", aud=None), "token_audience"),
    (lambda sts: sts.access_token("posternctl", "dora", iss=sts.issuer.rstrip("/")), "token_issuer"),
    (lambda sts: sts.access_token("posternctl", "dora", exp=1_000_000_000), "token_expired"),
], ids=["id token", "id token with the audience", "id token of an application", "another type", "of an application",
        "for posternctl itself", "no audience", "of another issuer", "expired"])
def test_other_tokens_of_the_issuer_neither_administer_nor_enrol(site, make, cause):
    token = make(site.sts)
    assert problem(site.control.api("GET", "/connectors", token=token), 401)["cause"] == cause
    assert problem(enrolment_answer(site, token), 401)["cause"] == cause


def test_a_token_that_somebody_else_signed_neither_administers_nor_enrols(site):
    claims = site.sts.access_claims("posternctl", "dora")
    token = signing_key(site.sts.key.kid).sign(claims, {"typ": "at+jwt"})
    for answer in (site.control.api("GET", "/connectors", token=token), enrolment_answer(site, token)):
        assert problem(answer, 401)["cause"] == "token_signature"


def test_the_built_in_sts_is_not_there(site):
    # The node's certificate is for what is published.
    with site.node.browser(check_name=False) as client:
        for path in (".well-known/openid-configuration", "jwks", "device", "authorize", "token"):
            refused = problem(client.fetch(site.node.url("sts") + path), 404)
            assert refused["cause"] == "application_unknown", path
        for grant in ({"grant_type": DEVICE_GRANT, "device_code": "any"}, {"grant_type": "authorization_code", "code": "any"}):
            sent = client.fetch(site.node.url("sts") + "token", "POST", data={"client_id": "posternctl", **grant})
            assert sent.status_code == 404
    # So its name is anybody's.
    site.control.apply(group_toml("main") + application_toml("sts", site.node.url("sts"), site.raw.url, "main",
                                                             preauthentication="passthrough"))
    try:
        with site.node.browser() as client:
            wait_until(lambda: client.get(site.node.url("sts") + "hello").text == "hello", "the application of this name")
    finally:
        site.control.expect("delete", "application", "sts")


def test_a_node_starts_without_its_issuer_and_without_a_name_for_an_sts_of_its_own(tmp_path, process_logs, cleanup):
    process_logs.append(tmp_path)
    cleanup(lambda: process_logs.remove(tmp_path))
    sts, nobody = foreign_sts(tmp_path, PEOPLE, AUDIENCES), refusing_port()
    cleanup(nobody.close)
    cleanup(sts.server.close)
    sts.issuer = f"https://127.0.0.1:{nobody.getsockname()[1]}"
    own = relying_node(tmp_path / "node", sts)
    text = own.config.read_text(encoding="utf-8")
    assert 'sts = "sts.localhost"\n' in text
    own.config.write_text(text.replace('sts = "sts.localhost"\n', ""), encoding="utf-8")
    own.start()
    try:
        with own.browser() as client:
            assert client.get(own.url("connectors") + ".well-known/postern").json()["issuer"] == sts.issuer
        refused = problem(signed_in_already(own, tmp_path / "control").api("GET", "/connectors"), 503)
        assert (refused["source"], refused["cause"]) == ("sts", "sts_unreachable")
    finally:
        assert own.stop() == 0
