"""OpenID Connect providers of the tests: one that answers whatever a test wants, right tokens and wrong ones of every kind,
and one that users and tools really sign in at."""
import base64
import hashlib
import html
import http.cookies
import json
import secrets
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from . import certificates
from .raw_origin import raw_origin

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(value):
    return base64url(json.dumps(value).encode())


def form_of(one):
    """The fields of a form that was sent."""
    return dict(urllib.parse.parse_qsl(one.content().decode()))


class signing_key:
    """A P-256 key with its id."""

    def __init__(self, kid):
        self.kid = kid
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
                "x": base64url(numbers.x.to_bytes(32, "big")), "y": base64url(numbers.y.to_bytes(32, "big"))}

    def sign(self, claims, header=None):
        """A token; `header` overrides header fields."""
        head = {"alg": "ES256", "typ": "JWT", "kid": self.kid, **(header or {})}
        text = f"{encoded(head)}.{encoded(claims)}"
        if head["alg"] == "none":
            return text + "."
        first, second = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{base64url(first.to_bytes(32, 'big') + second.to_bytes(32, 'big'))}"


class fake_sts:
    """Listens on loopback with a certificate of its own; `grant` says which ID token a code gives. `path` is the part of the
    issuer's URL behind its host."""

    def __init__(self, folder, path=""):
        self.certificate, key = certificates.self_signed(folder, "issuer")
        self.server = raw_origin(certificates.server_context(self.certificate, key))
        self.base = self.server.url.rstrip("/")
        self.issuer = self.base + path
        self.key = signing_key("first")
        self.published = [self.key]
        self.tokens = {}
        self.token_requests = []
        self.server.on(path.rstrip("/") + "/.well-known/openid-configuration", lambda one: self._json(one, self.metadata()))
        self.server.on("/jwks", self._jwks)
        self.server.on("/token", self._token)

    def claims(self, request, **changes):
        """Right claims for an authorization request (its query as a dict), changed as wanted; None removes one."""
        now = int(time.time())
        right = {"iss": self.issuer, "sub": "42", "aud": request["client_id"], "iat": now, "nbf": now, "exp": now + 3600,
                 "auth_time": now, "nonce": request["nonce"], "preferred_username": "bob", "name": "Bob Brown",
                 "email": "bob@example.com", "groups": ["staff"]}
        right.update(changes)
        return {name: value for name, value in right.items() if value is not None}

    def grant(self, code, token):
        """The ID token that the code will be exchanged for."""
        self.tokens[code] = token

    def rotate(self):
        """A new key; the old one is published no longer."""
        self.key = signing_key(f"key-{time.time_ns()}")
        self.published = [self.key]

    def metadata(self):
        """The discovery document (OpenID Connect Discovery 1.0, section 3)."""
        return {
            "issuer": self.issuer, "authorization_endpoint": self.base + "/authorize",
            "token_endpoint": self.base + "/token", "jwks_uri": self.base + "/jwks",
            "end_session_endpoint": self.base + "/logout", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"]}

    def _json(self, one, value, status=200):
        one.answer(status, json.dumps(value).encode(), [("Content-Type", "application/json")])

    def _jwks(self, one):
        self._json(one, {"keys": [key.jwk() for key in self.published]})

    def _token(self, one):
        fields = form_of(one)
        self.token_requests.append(fields)
        token = self.tokens.pop(fields.get("code"), None)
        if token is None:
            self._json(one, {"error": "invalid_grant"}, 400)
        else:
            self._json(one, {"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600, "id_token": token})


class foreign_sts(fake_sts):
    """The same with users who sign in: codes with PKCE (RFC 7636) for applications, the device grant (RFC 8628) for tools, and
    access tokens that are JWTs (RFC 9068). All clients are public. `users` are as in processes.USERS; `audiences` holds the
    "aud" of each tool's access tokens by client_id, `redirects` the one redirect URI of each application."""

    def __init__(self, folder, users, audiences, path=""):
        super().__init__(folder, path)
        self.users, self.audiences, self.redirects = users, audiences, {}
        self.sessions, self.codes, self.devices = {}, {}, {}
        self.server.on("/authorize", lambda one: self._for_user(one, self._authorize))
        self.server.on("/device", lambda one: self._for_user(one, self._device))
        self.server.on("/device_authorization", self._device_authorization)

    def metadata(self):
        return {**super().metadata(), "device_authorization_endpoint": self.base + "/device_authorization",
                "grant_types_supported": ["authorization_code", DEVICE_GRANT],
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": ["openid", "profile", "email", "groups"]}

    def id_token(self, client_id, user, nonce=None, **changes):
        """What tells a client who has signed in; `changes` as in `claims`."""
        return self.key.sign(self._claims_of(user, {"aud": client_id, "nonce": nonce, **changes}))

    def access_claims(self, client_id, user, **changes):
        """What an access token says."""
        right = {"aud": self.audiences.get(client_id, self.issuer), "client_id": client_id, "nonce": None, "nbf": None,
                 "jti": secrets.token_urlsafe(), "scope": "openid profile email groups"}
        return self._claims_of(user, {**right, **changes})

    def access_token(self, client_id, user, header=None, **changes):
        """What a client shows to others; `header` overrides header fields, `changes` claims."""
        return self.key.sign(self.access_claims(client_id, user, **changes), {"typ": "at+jwt", **(header or {})})

    def _claims_of(self, user, changes):
        who = self.users[user]
        person = {"sub": "subject-of-" + user, "preferred_username": user, "name": who["display_name"],
                  "email": who["email"], "groups": who["groups"]}
        return self.claims({"client_id": None, "nonce": None}, **{**person, **changes})

    def _page(self, one, content, status=200):
        text = f"<!DOCTYPE html><title>The issuer of the tests</title>{content}"
        one.answer(status, text.encode(), [("Content-Type", "text/html; charset=utf-8")])

    def _for_user(self, one, show):
        """Calls show(one, fields, user) for somebody who is signed in; anybody else has to sign in first."""
        fields = form_of(one)
        user = fields.get("user")
        if user in self.users and fields.get("password") == self.users[user]["password"]:
            session = secrets.token_urlsafe()
            self.sessions[session] = user
            one.answer(303, fields=[("Location", one.head.target),
                                    ("Set-Cookie", f"issuer-session={session}; Path=/; Secure; HttpOnly")])
            return
        cookie = http.cookies.SimpleCookie(one.head.get("Cookie", "")).get("issuer-session")
        known = self.sessions.get(cookie.value) if cookie else None
        if known:
            show(one, fields, known)
        else:
            self._page(one, '<form method="post"><input name="user"><input name="password" type="password">'
                            "<button>Sign in</button></form>", 403 if user else 200)

    def _authorize(self, one, _, user):
        request = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(one.head.target).query))
        to = self.redirects.get(request.get("client_id"))
        if not to or request.get("redirect_uri") != to or request.get("code_challenge_method") != "S256":
            self._page(one, "No such client, or not like this.", 400)
            return
        code = secrets.token_urlsafe()
        self.codes[code] = (request, user)
        one.answer(303, fields=[("Location", to + "?" + urllib.parse.urlencode({"code": code, "state": request["state"]}))])

    def _device_authorization(self, one):
        client_id = form_of(one).get("client_id")
        if client_id not in self.audiences:
            self._json(one, {"error": "unauthorized_client"}, 400)
            return
        device_code = secrets.token_urlsafe()
        user_code = "-".join("".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(4)) for _ in range(2))
        self.devices[device_code] = {"client_id": client_id, "user_code": user_code, "decision": None, "user": None}
        self._json(one, {"device_code": device_code, "user_code": user_code, "verification_uri": self.base + "/device",
                         "expires_in": 600, "interval": 1})

    def _device(self, one, fields, user):
        code = fields.get("user_code", "")
        waiting = next((each for each in list(self.devices.values()) if each["user_code"] == code), None)
        if waiting is None:
            self._page(one, '<form method="post"><input name="user_code"><button>Next</button></form>', 404 if code else 200)
        elif fields.get("decision") in ("allow", "deny"):
            waiting.update(user=user, decision=fields["decision"])
            self._page(one, "Done.")
        else:
            self._page(one, f'{html.escape(waiting["client_id"])} asks for your sign-in.<form method="post">'
                            f'<input name="user_code" type="hidden" value="{html.escape(code)}">'
                            '<button name="decision" value="allow">Allow</button>'
                            '<button name="decision" value="deny">Deny</button></form>')

    def _token(self, one):
        fields = form_of(one)
        self.token_requests.append(fields)
        redeem = {"authorization_code": self._redeem_code, DEVICE_GRANT: self._redeem_device}.get(fields.get("grant_type"))
        status, answer = redeem(fields) if redeem else (400, {"error": "unsupported_grant_type"})
        self._json(one, answer, status)

    def _redeem_code(self, fields):
        request, user = self.codes.pop(fields.get("code"), ({}, None))
        challenge = base64url(hashlib.sha256(fields.get("code_verifier", "").encode()).digest())
        if request.get("code_challenge") != challenge or any(
                request[name] != fields.get(name) for name in ("client_id", "redirect_uri")):
            return 400, {"error": "invalid_grant"}
        return self._granted(request["client_id"], user, request["nonce"])

    def _redeem_device(self, fields):
        waiting = self.devices.get(fields.get("device_code"))
        if waiting is None or waiting["client_id"] != fields.get("client_id"):
            return 400, {"error": "invalid_grant"}
        if waiting["decision"] is None:
            return 400, {"error": "authorization_pending"}
        del self.devices[fields["device_code"]]
        if waiting["decision"] == "deny":
            return 400, {"error": "access_denied"}
        return self._granted(waiting["client_id"], waiting["user"])

    def _granted(self, client_id, user, nonce=None):
        return 200, {"access_token": self.access_token(client_id, user), "token_type": "Bearer", "expires_in": 3600,
                     "id_token": self.id_token(client_id, user, nonce)}
