"""Enrolment over Secure Transport (RFC 7030) by clients that are not ours: openssl and curl."""
import subprocess

import pytest

def openssl(*words, data=None):
    done = subprocess.run(["openssl", *[str(word) for word in words]], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def decoded(content):
    """RFC 4648 without its line ends, which RFC 8951 leaves to the sender."""
    return openssl("base64", "-d", "-A", data=b"".join(content.split()))


class client:
    """An EST client made of openssl and curl."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self.key, self.csr, self.certificate = (folder / name for name in ("key.pem", "csr.der", "certificate.pem"))

    def request(self, subject="/CN=a foreign client", key=None):
        key = key or self.key
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", subject, "-outform", "DER", "-out", self.csr)
        return openssl("base64", "-in", self.csr)

    def renewal_request(self, certificate, key):
        """A request with a new key for what a certificate says."""
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        text = openssl("x509", "-x509toreq", "-in", certificate, "-signkey", key)
        openssl("req", "-outform", "DER", "-out", self.csr, data=text)
        return openssl("base64", "-in", self.csr)

    def curl(self, operation, *words, data=None):
        """(status, content type, content)"""
        out, head = self.folder / "out", self.folder / "head"
        port = self.world.node.port
        done = subprocess.run(
            ["curl", "-sS", "--cacert", str(self.world.node.ca), "--resolve", f"connectors.localhost:{port}:127.0.0.1",
             "-o", str(out), "-D", str(head), "-w", "%{http_code} %{content_type}", *[str(word) for word in words],
             *(["--data-binary", "@-"] if data is not None else []),
             self.world.url("connectors", f".well-known/est/{operation}")], input=data, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        code, _, kind = done.stdout.decode().partition(" ")
        return int(code), kind, out.read_bytes()

    def take(self, content):
        """The certificate of an answer: base64 of a certs-only PKCS #7."""
        der = decoded(content)
        pem = openssl("pkcs7", "-inform", "DER", "-print_certs", data=der)
        begin = pem.index(b"-----BEGIN CERTIFICATE-----")
        self.certificate.write_bytes(pem[begin:pem.index(b"-----END CERTIFICATE-----") + 26])
        return self.certificate


@pytest.fixture
def est(world, tmp_path):
    return client(world, tmp_path)


HEADERS = ("-H", "Content-Type: application/pkcs10", "-H", "Content-Transfer-Encoding: base64")


def enroll(est):
    token = est.world.control.enrolment_token("main")
    credentials = est.folder / "credentials"
    credentials.write_text(f'user = "connector:{token}"\n', encoding="utf-8")
    status, kind, content = est.curl("simpleenroll", "--config", credentials, *HEADERS, data=est.request())
    assert status == 200, content
    assert kind.startswith("application/pkcs7-mime") and "certs-only" in kind
    return est.take(content)


def authorities(est):
    status, kind, content = est.curl("cacerts")
    assert status == 200 and kind.startswith("application/pkcs7-mime")
    file = est.folder / "authorities.pem"
    der = decoded(content)
    file.write_bytes(openssl("pkcs7", "-inform", "DER", "-print_certs", data=der))
    return file


def test_enrols_and_the_certificate_is_of_the_authority(est):
    certificate = enroll(est)
    assert b"OK" in openssl("verify", "-CAfile", authorities(est), "-purpose", "sslclient", certificate)
    public = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    assert public == openssl("pkey", "-in", est.key, "-pubout")


def test_renews_over_the_old_certificate(est):
    old = enroll(est)
    subject = openssl("x509", "-in", old, "-noout", "-subject", "-nameopt", "RFC2253").decode().split("=", 1)[1].strip()
    serial = openssl("x509", "-in", old, "-noout", "-serial")
    keep = est.folder / "old.pem"
    keep.write_bytes(old.read_bytes())
    body = est.renewal_request(keep, est.folder / "new.pem")
    status, _, content = est.curl("simplereenroll", "--cert", keep, "--key", est.key, *HEADERS, data=body)
    assert status == 200, content
    new = est.take(content)
    assert openssl("x509", "-in", new, "-noout", "-serial") != serial
    renewed = openssl("x509", "-in", new, "-noout", "-subject", "-nameopt", "RFC2253").decode().split("=", 1)[1].strip()
    assert renewed == subject


def test_renewal_of_somebody_elses_subject_is_refused(est):
    old = enroll(est)
    status, _, _ = est.curl("simplereenroll", "--cert", old, "--key", est.key, *HEADERS,
                            data=est.request("/CN=somebody else", est.folder / "new.pem"))
    assert 400 <= status < 500


def test_renewal_without_a_certificate_is_refused(est):
    status, _, _ = est.curl("simplereenroll", *HEADERS, data=est.request())
    assert status in (401, 403)


def test_renewal_with_a_certificate_of_another_authority_is_refused(est):
    forged = est.folder / "forged.pem"
    body = est.request()
    openssl("req", "-x509", "-new", "-key", est.key, "-subj", "/CN=forged", "-days", "30", "-out", forged)
    done = subprocess.run(
        ["curl", "-sS", "--cacert", str(est.world.node.ca), "--resolve",
         f"connectors.localhost:{est.world.node.port}:127.0.0.1", "-o", "/dev/null", "-w", "%{http_code}", *HEADERS,
         "--cert", str(forged), "--key", str(est.key), "--data-binary", "@-",
         est.world.url("connectors", ".well-known/est/simplereenroll")], input=body, capture_output=True, check=False)
    # Refused in the handshake or by the answer.
    assert done.returncode != 0 or done.stdout.decode() in ("401", "403")


def test_only_the_connectors_name_asks_for_a_certificate(est):
    port = est.world.node.port

    def asks(name):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, "-CAfile",
                               str(est.world.node.ca), "-verify_return_error"], input=b"", capture_output=True, check=False)
        return b"No client certificate CA names sent" not in done.stdout or b"Requested Signature Algorithms" in done.stdout
    assert asks("connectors.localhost")
    assert not asks("intranet.localhost")
    assert not asks("sts.localhost")
