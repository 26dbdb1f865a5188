"""Tokens of an external issuer: right ones open, and wrong ones of every kind do not."""
import base64
import hashlib
import hmac
import json
import time
import types
import urllib.parse

import pytest

from harness.fake_sts import base64url, encoded, fake_sts, signing_key
from harness.processes import wait_until
from harness.published import application_toml
from harness.refusal import page
from harness.sign_in import start


class attempt:
    """A sign-in at the foreign issuer up to the point where it answers."""

    def __init__(self, world, application="foreign"):
        self.world, self.application = world, application
        world.raw.on("/foreign", lambda e: e.answer(200, e.head.get("X-Postern-User", "nobody").encode()))
        self.browser = world.browser()
        self.request, _ = start(self.browser, world.url(application, "foreign"))

    def answer_with(self, token):
        """The issuer's answer arrives; what the browser ends on."""
        code = f"code-{time.time_ns()}"
        self.world.sts.grant(code, token)
        back = self.request["redirect_uri"] + "?" + urllib.parse.urlencode({"code": code, "state": self.request["state"]})
        return self.browser.open(back)

    def refused(self, token, *causes):
        answer = self.answer_with(token)
        text = page(answer, (400, 401, 403, 502))
        assert not causes or any(cause in text for cause in causes), text
        assert self.browser.fetch(self.world.url(self.application, "foreign")).status_code == 401
        self.browser.client.close()


@pytest.fixture
def confidential(make_world, tmp_path):
    """A world of its own with an application "confidential" at the foreign issuer; `keep_secret` writes its secret."""
    sts, secret = fake_sts(tmp_path), tmp_path / "secret"
    own = make_world(sections={"sts": f'issuer_ca_file = "{sts.certificate}"'})
    own.control.apply(own.published + application_toml(
        "confidential", own.node.url("confidential"), own.raw.url, "main", assigned=["user:bob"], issuer=sts.issuer,
        client_secret_file=str(secret)) + application_toml(
            "probe", own.node.url("probe"), own.raw.url, "main", preauthentication="passthrough"))
    with own.node.browser() as client:
        wait_until(lambda: client.open(own.node.url("probe")).status_code != 503, "the connector to know of both")
    yield types.SimpleNamespace(raw=own.raw, sts=sts, keep_secret=secret.write_bytes, browser=own.node.browser,
                                url=lambda name, path="": own.node.url(name) + path)
    sts.server.close()


def test_any_issuer_will_do(world):
    way = attempt(world)
    assert way.request["client_id"] == "foreign"
    answer = way.answer_with(world.sts.key.sign(world.sts.claims(way.request)))
    assert answer.status_code == 200 and answer.text == "bob"
    exchanged = world.sts.token_requests[-1]
    assert exchanged["grant_type"] == "authorization_code" and exchanged["redirect_uri"] == way.request["redirect_uri"]
    assert len(exchanged["code_verifier"]) >= 43


@pytest.mark.parametrize("changes", [
    {"aud": "foreigntwo"}, {"aud": ["a", "b"]}, {"aud": None}, {"iss": "https://www.example.org"}, {"iss": None},
    {"exp": 1_000_000_000}, {"exp": None}, {"nbf": 4_000_000_000}, {"iat": 4_000_000_000}, {"nonce": "another"},
    {"nonce": None}, {"sub": None}, {"exp": "tomorrow"}])
def test_tokens_with_wrong_claims_are_refused(world, changes):
    way = attempt(world)
    way.refused(world.sts.key.sign(world.sts.claims(way.request, **changes)))


def test_clocks_may_differ_a_little(world):
    way = attempt(world)
    soon = int(time.time()) + 20
    assert way.answer_with(world.sts.key.sign(world.sts.claims(way.request, nbf=soon, iat=soon))).status_code == 200


def test_tokens_with_a_wrong_signature_are_refused(world):
    other = signing_key(world.sts.key.kid)
    way = attempt(world)
    way.refused(other.sign(world.sts.claims(way.request)))


def test_tokens_of_an_unknown_key_are_refused(world):
    way = attempt(world)
    way.refused(signing_key("unheard-of").sign(world.sts.claims(way.request)))


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "RS256"}, {"alg": ""}])
def test_tokens_with_another_algorithm_are_refused(world, header):
    way = attempt(world)
    way.refused(world.sts.key.sign(world.sts.claims(way.request), header))


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(world):
    way = attempt(world)
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': world.sts.key.kid})}.{encoded(world.sts.claims(way.request))}"
    secret = json.dumps(world.sts.key.jwk()).encode()
    way.refused(f"{text}.{base64url(hmac.new(secret, text.encode(), hashlib.sha256).digest())}")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "a.b.c.d.e", "e30.e30.", "A" * 100_000],
                         ids=["empty", "one part", "three parts", "dots", "five parts", "unsigned", "long"])
def test_what_is_no_token_is_refused(world, token):
    attempt(world).refused(token)


def test_a_token_is_good_for_one_sign_in(world):
    first = attempt(world)
    token = world.sts.key.sign(world.sts.claims(first.request))
    assert first.answer_with(token).status_code == 200
    attempt(world).refused(token)


def test_a_token_for_one_application_never_opens_another(world):
    way, other = attempt(world), attempt(world, "foreigntwo")
    token = world.sts.key.sign(world.sts.claims(way.request, nonce=other.request["nonce"]))
    other.refused(token)


def test_an_issuer_may_change_its_keys(world):
    def opens():
        way = attempt(world)
        answer = way.answer_with(world.sts.key.sign(world.sts.claims(way.request)))
        way.browser.client.close()
        return answer.status_code == 200 and answer.text == "bob"
    assert opens()
    world.sts.rotate()
    # Whatever tokens claim, keys are fetched again every ten seconds at most; earlier tests made the node fetch, too.
    wait_until(opens, "the new key to be known", 30, every=0.5)


def test_a_client_with_a_secret_proves_itself_by_basic(confidential):
    confidential.keep_secret(b"s3cret +/:%\n")
    way = attempt(confidential, "confidential")
    answer = way.answer_with(confidential.sts.key.sign(confidential.sts.claims(way.request)))
    assert answer.status_code == 200, answer.text
    assert "client_id" not in confidential.sts.token_requests[-1]
    pair = base64.b64decode(confidential.sts.server.last("/token").get("Authorization").removeprefix("Basic ")).decode()
    # RFC 6749, 2.3.1: both halves are form-encoded first.
    assert [urllib.parse.unquote_plus(half) for half in pair.split(":")] == ["confidential", "s3cret +/:%"]


def test_what_is_no_secret_is_sent_to_nobody(confidential):
    for content in (None, b"", b"-----BEGIN PRIVATE KEY-----\nabc\n", b"a\0b", b"s" * 5000):
        if content is not None:
            confidential.keep_secret(content)
        way = attempt(confidential, "confidential")
        answer = way.answer_with(confidential.sts.key.sign(confidential.sts.claims(way.request)))
        assert "client_secret_unreadable" in page(answer, 500)
    assert not confidential.sts.token_requests


def test_an_issuer_that_says_no_is_named(world):
    way = attempt(world)
    back = way.request["redirect_uri"] + "?" + urllib.parse.urlencode(
        {"error": "access_denied", "error_description": "<script>alert(1)</script>", "state": way.request["state"]})
    answer = way.browser.open(back)
    text = page(answer, (400, 401, 403, 502))
    assert "<script>alert" not in text


def test_an_issuer_that_refuses_the_code_is_named(world):
    way = attempt(world)
    back = way.request["redirect_uri"] + "?" + urllib.parse.urlencode({"code": "unknown", "state": way.request["state"]})
    page(way.browser.open(back), (400, 401, 403, 502))
