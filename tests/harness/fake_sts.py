"""An OpenID Connect provider that answers whatever a test wants: right tokens, and wrong ones of every kind."""
import base64
import json
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from . import certificates
from .raw_origin import raw_origin


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(value):
    return base64url(json.dumps(value).encode())


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
    """Listens on loopback with a certificate of its own. `answer(claims, key) -> token` makes the ID token of the next code."""

    def __init__(self, folder):
        self.certificate, key = certificates.self_signed(folder, "issuer")
        self.server = raw_origin(certificates.server_context(self.certificate, key))
        self.issuer = self.server.url.rstrip("/")
        self.key = signing_key("first")
        self.published = [self.key]
        self.tokens = {}
        self.token_requests = []
        self.server.on("/.well-known/openid-configuration", self._discovery)
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

    def _json(self, one, value, status=200):
        one.answer(status, json.dumps(value).encode(), [("Content-Type", "application/json")])

    def _discovery(self, one):
        self._json(one, {
            "issuer": self.issuer, "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token", "jwks_uri": self.issuer + "/jwks",
            "end_session_endpoint": self.issuer + "/logout", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"]})

    def _jwks(self, one):
        self._json(one, {"keys": [key.jwk() for key in self.published]})

    def _token(self, one):
        fields = dict(urllib.parse.parse_qsl(one.content().decode()))
        self.token_requests.append(fields)
        token = self.tokens.pop(fields.get("code"), None)
        if token is None:
            self._json(one, {"error": "invalid_grant"}, 400)
        else:
            self._json(one, {"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600, "id_token": token})
