"""Installing a connector: the administrator's sign-in or a one-time token, and everything that is refused."""
import base64
import os
import re
import stat
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from harness.certificates import own_certificate
from harness.processes import BIN, approve_printed, connector, control, process, run, wait_until
from harness.wire import raw_client


def key_files(state):
    return [file for file in state.rglob("*") if file.is_file() and b"PRIVATE KEY" in file.read_bytes()]


def test_an_administrator_signs_in_on_another_device(world, tmp_path):
    one = connector(world.node, tmp_path, "by-hand")
    enrolling = process(one.enroll_arguments("main"), tmp_path / "enroll.log")
    approve_printed(enrolling, world.node, "alice")
    assert enrolling.wait(60) == 0, enrolling.text()
    one.start()
    listed = world.control.expect("get", "connectors")
    assert "by-hand" in listed
    assert one.stop() == 0


def test_a_connectors_sign_in_opens_nothing_but_enrolment(world):
    token = world.control.granted_tokens("postern-connector")["access_token"]
    refused = world.control.api("GET", "/connectors", token=token)
    assert refused.status_code == 401 and refused.json()["cause"] == "token_audience"


def test_who_is_no_administrator_may_not(world, tmp_path):
    one = connector(world.node, tmp_path)
    enrolling = process(one.enroll_arguments("main"), tmp_path / "enroll.log")
    approve_printed(enrolling, world.node, "bob")
    assert enrolling.wait(60) not in (0, None)
    assert "administrator" in enrolling.text()
    assert not one.state.exists() or not key_files(one.state)


def test_keys_are_for_their_owner_only(world, tmp_path):
    one = connector(world.node, tmp_path).enroll("main", world.control.enrolment_token("main"))
    keys = key_files(one.state)
    assert keys
    for file in keys:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(one.state.stat().st_mode) & 0o077 == 0 or all(
        stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 for file in keys)


def test_keys_stay_private_whatever_the_umask(world, tmp_path):
    one = connector(world.node, tmp_path)
    token = world.control.enrolment_token("main")
    words = " ".join(f"'{word}'" for word in one.enroll_arguments("main", "--token-file", "-"))
    done = run(["/bin/sh", "-c", f"umask 000; exec {words}"], input_text=token + "\n")
    assert done.returncode == 0, done.stderr
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in key_files(one.state))


def test_the_certificate_is_as_promised(world, tmp_path):
    one = connector(world.node, tmp_path).enroll("main", world.control.enrolment_token("main"))
    certificate = own_certificate(one.state)
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1"
    days = (certificate.not_valid_after - certificate.not_valid_before).total_seconds() / 86_400
    assert 364.9 < days < 365.2
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one.dotted_string for one in usage] == ["1.3.6.1.5.5.7.3.2"]  # clientAuth and nothing else


def test_a_token_from_a_file(world, tmp_path):
    file = tmp_path / "token"
    file.write_text(world.control.enrolment_token("main") + "\n", encoding="utf-8")
    file.chmod(0o600)
    one = connector(world.node, tmp_path / "c")
    done = run(one.enroll_arguments("main", "--token-file", file))
    assert done.returncode == 0, done.stderr


def test_a_token_is_good_once(world, tmp_path):
    token = world.control.enrolment_token("main")
    connector(world.node, tmp_path / "first").enroll("main", token)
    second = connector(world.node, tmp_path / "second")
    done = second.try_enroll("main", token)
    assert done.returncode not in (0, None) and done.stderr.strip()
    assert token not in done.stderr + done.stdout
    assert not second.state.exists() or not key_files(second.state)


def test_a_token_for_two_is_good_twice(world, tmp_path):
    token = world.control.enrolment_token("main", "--uses", "2")
    codes = [connector(world.node, tmp_path / str(number)).try_enroll("main", token).returncode for number in range(3)]
    assert codes[:2] == [0, 0] and codes[2] != 0


def test_a_token_used_by_many_at_once_is_good_once(world, tmp_path):
    token = world.control.enrolment_token("main")
    racing = []
    for number in range(6):
        one = connector(world.node, tmp_path / str(number))
        racing.append(subprocess.Popen([str(word) for word in one.enroll_arguments("main", "--token-file", "-")],
                                       stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    for one in racing:
        one.stdin.write(token.encode() + b"\n")
        one.stdin.close()
    assert sorted(one.wait(60) == 0 for one in racing) == [False] * 5 + [True]


def test_a_token_expires(world, tmp_path):
    token = world.control.enrolment_token("main", "--lifetime", "1s")
    time.sleep(2.1)
    assert connector(world.node, tmp_path).try_enroll("main", token).returncode != 0


def test_a_token_opens_its_own_group_only(world, tmp_path):
    token = world.control.enrolment_token("empty")
    done = connector(world.node, tmp_path).try_enroll("main", token)
    assert done.returncode != 0 and "group" in done.stderr


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "../../etc/passwd", "\x00\x01", "A" * 100_000],
                         ids=["empty", "short", "unknown", "path", "binary", "long"])
def test_what_is_no_token_is_refused(world, tmp_path, token):
    done = connector(world.node, tmp_path).try_enroll("main", token)
    assert done.returncode not in (0, None) and len(done.stderr.strip().splitlines()) <= 3, done.stderr


def test_tokens_are_not_taken_from_the_command_line(world, tmp_path):
    one = connector(world.node, tmp_path)
    for option in ("--token", "--password"):
        assert run(one.enroll_arguments("main", option, "secret")).returncode == 2 or \
            run(one.enroll_arguments("main", option, "secret")).returncode > 100


def test_a_group_that_is_not_there_is_named(world, tmp_path):
    done = world.control.run("create", "token", "--group", "nowhere")
    assert done.returncode != 0 and "nowhere" in done.stderr
    del tmp_path


def test_an_enrolled_state_is_not_overwritten(world, tmp_path):
    one = connector(world.node, tmp_path).enroll("main", world.control.enrolment_token("main"))

    def files():
        return {file: file.read_bytes() for file in one.state.rglob("*") if file.is_file()}
    before = files()
    again = one.try_enroll("main", world.control.enrolment_token("main"))
    assert again.returncode not in (0, None) and again.stderr.strip(), again
    assert before and files() == before


@pytest.mark.parametrize("options", [
    ["--service", "http://connect.example.com"], ["--token-file", "/nowhere/token"], ["--ca", "/nowhere/ca.pem"],
    ["--name", "x" * 65], ["--proxy", "ftp://proxy:1"]], ids=lambda options: options[0])
def test_what_is_wrong_here_is_said_before_anybody_is_asked(tmp_path, options):
    words = {"--service": "https://connect.invalid", "--group": "main", "--state": str(tmp_path / "state"), options[0]: options[1]}
    done = run([BIN / "postern-connector", "enroll", *(word for pair in words.items() for word in pair)])
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "state").exists()


def test_a_configuration_that_cannot_be_read_is_not_written_over(world, tmp_path):
    one = connector(world.node, tmp_path)
    one.state.mkdir(parents=True, exist_ok=True)
    file = one.state / "connector.toml"
    file.write_text('service = "https://connect.localhost"\n[[origin]]\naplication = "wiki"\n')
    done = one.try_enroll("main", world.control.enrolment_token("main"))
    assert done.returncode == 2 and "connector.toml:3" in done.stderr, done.stderr
    assert "aplication" in file.read_text() and not (one.state / "identity.pem").exists()


def test_a_service_that_nobody_vouches_for_is_not_told_the_token(world, tmp_path):
    one = connector(world.node, tmp_path)
    words = [word for word in one.enroll_arguments("main", "--token-file", "-")]
    words[words.index("--ca") + 1] = world.tls_certificate
    done = run(words, input_text=world.control.enrolment_token("main") + "\n")
    assert done.returncode != 0 and "certificate" in done.stderr.lower()


def test_a_connector_without_enrolment_says_so(tmp_path):
    done = run([BIN / "postern-connector", "run", "--state", tmp_path / "nothing"])
    assert done.returncode == 2 and "enroll" in done.stderr


# -- what a CSR may say (over EST as any client would) ---------------------------------------------------------------


def csr_of(key, name="any", digest=hashes.SHA256()):
    return (x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])).sign(key, digest))


def simple_enroll(world, body, credentials, content_type="application/pkcs10"):
    with world.browser() as client:
        return client.request("POST", world.url("connectors", ".well-known/est/simpleenroll"), base={}, content=body, headers={
            "Content-Type": content_type, "Content-Transfer-Encoding": "base64",
            "Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()})


def der64(csr):
    return base64.encodebytes(csr.public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize("make_key", [
    lambda: rsa.generate_private_key(65537, 1024), lambda: ec.generate_private_key(ec.SECP192R1())])
def test_weak_keys_are_refused(world, make_key):
    answer = simple_enroll(world, der64(csr_of(make_key())), "connector:" + world.control.enrolment_token("main"))
    assert answer.status_code == 400, answer.text


def test_a_request_that_is_not_signed_by_its_key_is_refused(world):
    der = bytearray(csr_of(ec.generate_private_key(ec.SECP256R1())).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    answer = simple_enroll(world, base64.encodebytes(bytes(der)), "connector:" + world.control.enrolment_token("main"))
    assert answer.status_code == 400


@pytest.mark.parametrize("body", [b"", b"x", b"AAAA", b"A" * 200_000, b"\xff\x00", base64.encodebytes(os.urandom(300))],
                         ids=["empty", "short", "zeros", "long", "binary", "random"])
def test_what_is_no_request_is_refused_and_costs_no_use(world, tmp_path, body):
    token = world.control.enrolment_token("main")
    assert simple_enroll(world, body, "connector:" + token).status_code in (400, 413, 415)
    connector(world.node, tmp_path).enroll("main", token)


def test_a_foreign_subject_gives_nobody_elses_identity(world, tmp_path):
    first = connector(world.node, tmp_path).enroll("main", world.control.enrolment_token("main"))
    name = own_certificate(first.state).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    csr = csr_of(ec.generate_private_key(ec.SECP256R1()), name)
    answer = simple_enroll(world, der64(csr), "connector:" + world.control.enrolment_token("main"))
    if answer.status_code == 200:
        shown = subprocess.run(["openssl", "pkcs7", "-inform", "DER", "-print_certs"],
                               input=base64.b64decode(answer.content), capture_output=True, check=True).stdout.decode()
        assert not re.search(r"subject=.*" + re.escape(name), shown)
    else:
        assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("header", ["Authorization: Basic ", "Authorization: Bearer  ", "Authorization:", "X-None: 1"])
def test_half_a_header_is_no_credential(world, header):
    csr = der64(csr_of(ec.generate_private_key(ec.SECP256R1())))
    with raw_client(world.node.port, "connectors.localhost", world.node.ca) as client:
        client.send(f"POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: connectors.localhost:{world.node.port}\r\n"
                    f"Content-Type: application/pkcs10\r\nContent-Length: {len(csr)}\r\n{header}\r\n\r\n".encode() + csr)
        head, _ = client.answer()
    assert head.status == 401 and head.get("WWW-Authenticate")


@pytest.mark.parametrize("credentials", [":", "connector:", "connector:wrong", "alice:alice-demo-password"])
def test_enrolment_asks_for_credentials(world, credentials):
    csr = der64(csr_of(ec.generate_private_key(ec.SECP256R1())))
    answer = simple_enroll(world, csr, credentials)
    assert answer.status_code in (401, 403)
    assert answer.status_code != 401 or "www-authenticate" in answer.headers


def test_the_token_of_somebody_who_is_no_administrator_opens_nothing(world, tmp_path):
    bob = control(world.node, tmp_path, "bob").login()
    csr = der64(csr_of(ec.generate_private_key(ec.SECP256R1())))
    with world.browser() as client:
        answer = client.request("POST", world.url("connectors", ".well-known/est/simpleenroll"), base={}, content=csr, headers={
            "Content-Type": "application/pkcs10", "Authorization": "Bearer " + bob.access_token()})
        assert answer.status_code == 403
    for words in (("get", "connectors"), ("create", "token", "--group", "main"), ("get", "applications")):
        done = bob.run(*words)
        assert done.returncode != 0 and "administrator" in done.stderr
    wait_until(lambda: world.connector.process.running, "the connector to be untouched")
