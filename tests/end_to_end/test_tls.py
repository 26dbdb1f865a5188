"""Which TLS the edge speaks (RFC 9325), and what names and protocols choose."""
import socket
import ssl
import subprocess
import warnings

import pytest

from harness.certificates import self_signed
from harness.processes import node, wait_until


def context(world, version=None, ciphers=None, alpn=("http/1.1",)):
    one = ssl.create_default_context(cafile=str(world.node.ca))
    one.set_alpn_protocols(list(alpn))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what is asked for here
        if version:
            one.minimum_version = one.maximum_version = version
    if ciphers:
        one.set_ciphers(ciphers + ":@SECLEVEL=0")
    return one


def connect(world, with_context, name="raw.localhost", session=None):
    plain = socket.create_connection(("127.0.0.1", world.node.port), 20)
    try:
        return with_context.wrap_socket(plain, server_hostname=name, session=session)
    except OSError:
        plain.close()
        raise


def ask(world, stream, name="raw"):
    stream.sendall(f"GET /tls HTTP/1.1\r\nHost: {name}.localhost:{world.node.port}\r\nConnection: close\r\n\r\n".encode())
    answer = b""
    while piece := stream.recv(1 << 16):
        answer += piece
    return int(answer.split()[1])


@pytest.fixture(autouse=True)
def page(world):
    world.raw.on("/tls", lambda e: e.answer(200, b"tls"))


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(world, version):
    with pytest.raises(OSError):
        connect(world, context(world, ssl.TLSVersion[version], "ALL")).close()


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_versions_of_today_are_spoken(world, version):
    with connect(world, context(world, ssl.TLSVersion[version])) as stream:
        assert stream.version() == version.replace("_", ".")
        assert stream.compression() is None
        assert ask(world, stream) == 200


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "NULL", "ADH"])
def test_ciphers_without_forward_secrecy_or_authenticated_encryption_are_refused(world, ciphers):
    with pytest.raises(OSError):
        connect(world, context(world, ssl.TLSVersion.TLSv1_2, ciphers)).close()


def test_the_protocol_is_the_one_that_both_know(world):
    for offered, chosen in ((("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), (("unknown", "http/1.1"), "http/1.1")):
        with connect(world, context(world, alpn=offered)) as stream:
            assert stream.selected_alpn_protocol() == chosen


def test_tunnels_are_for_the_service_name_only(world):
    try:
        with connect(world, context(world, alpn=("postern-tunnel/1", "http/1.1"))) as stream:
            assert stream.selected_alpn_protocol() == "http/1.1"
            assert ask(world, stream) == 200
    except ssl.SSLError:
        pass  # RFC 7301, section 3.2, allows to refuse as well


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_session_is_resumed(world, version):
    shared = context(world, ssl.TLSVersion[version])
    with connect(world, shared) as stream:
        assert ask(world, stream) == 200
        session = stream.session
    with connect(world, shared, session=session) as stream:
        assert stream.session_reused
        assert ask(world, stream) == 200


def test_nobody_renegotiates(world):
    """RFC 9113, section 9.2.1, and RFC 9325, section 3.5. s_client asks for it by a line "R"."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{world.node.port}", "-servername", "raw.localhost", "-tls1_2",
                           "-CAfile", str(world.node.ca), "-alpn", "http/1.1"], input=b"R\n", capture_output=True, timeout=30, check=False)
    said = (done.stdout + done.stderr).lower()
    assert b"renegotiating" in said and (b"no renegotiation" in said or b"error" in said), said[-600:]


def shown_certificate(port):
    one = ssl.create_default_context()
    one.check_hostname, one.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 20) as plain, one.wrap_socket(plain) as stream:
        return ssl.DER_cert_to_PEM_cert(stream.getpeercert(True)).strip()


def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path):
    file, key = self_signed(tmp_path, "shown", "connectors.localhost")
    one = node(tmp_path / "node", sections={"[tls.certificate]": f'certificate_file = "{file}"\nkey_file = "{key}"'}).start()
    try:
        assert shown_certificate(one.port) == file.read_text().strip()
        key.write_text("half written")
        wait_until(lambda: "the old ones are shown on" in one.process.text(), "the node to find the half-written key")
        self_signed(tmp_path, "shown", "connectors.localhost")
        wait_until(lambda: shown_certificate(one.port) == file.read_text().strip(), "the new certificate")
    finally:
        assert one.stop() == 0
