"""Bad input from the network and from configuration files: a clear error, and nothing lost."""
import os
import re
import shutil
import socket
import time

import pytest

from harness import certificates
from harness.processes import BIN, PATIENCE, run
from harness.wire import raw_client, read_content


def send(world, data, name="raw"):
    """Sends bytes; the status of the answer, or None if the connection was closed without one."""
    with raw_client(world.node.port, f"{name}.localhost", world.node.ca) as client:
        try:
            client.send(data)
        except OSError:
            pass  # refused before all of it was read; the answer may be there all the same
        try:
            return client.head().status
        except (EOFError, OSError):
            return None


def request(world, *lines, first="GET /x HTTP/1.1", host=True, content=b""):
    head = [first, *([f"Host: raw.localhost:{world.node.port}"] if host else []), *lines]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + content


@pytest.fixture
def untouched(world):
    """Nothing of a refused request may reach the origin, and the node goes on serving."""
    def seen():
        # A head whose content was bad may still be on its way from the test before.
        return [head.target for head in list(world.raw.seen) if not head.target.startswith("/bad-chunk")]
    before = seen()
    yield
    assert seen() == before
    world.raw.on("/alive", lambda e: e.answer(200, b"alive"))
    assert send(world, request(world, first="GET /alive HTTP/1.1")) == 200


MALFORMED = {
    "length and coding": (["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    "coding and length": (["Transfer-Encoding: chunked", "Content-Length: 5"], b"0\r\n\r\n"),
    "two lengths": (["Content-Length: 5", "Content-Length: 6"], b"hello"),
    "list of lengths": (["Content-Length: 5, 6"], b"hello"),
    "negative length": (["Content-Length: -1"], b""),
    "signed length": (["Content-Length: +5"], b"hello"),
    "hexadecimal length": (["Content-Length: 0x5"], b"hello"),
    "huge length": (["Content-Length: 99999999999999999999999"], b""),
    "unknown coding": (["Transfer-Encoding: gzip"], b""),
    "coding after chunked": (["Transfer-Encoding: chunked, gzip"], b"0\r\n\r\n"),
    "chunked twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    "chunked, misspelt": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    "folded field": (["X-Folded: a\r\n b"], b""),
    "space before colon": (["X-Space : a"], b""),
    "space in name": (["X Space: a"], b""),
    "no colon": (["nonsense"], b""),
    "empty name": ([": a"], b""),
    "control character": (["X-Control: a\x01b"], b""),
    "null character": (["X-Null: a\x00b"], b""),
    "bare carriage return": (["X-Bare: a\rX-Smuggled: b"], b""),
    "second host": (["Host: elsewhere.localhost"], b""),
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.usefixtures("untouched")
def test_malformed_heads_are_refused(world, name):
    lines, content = MALFORMED[name]
    assert send(world, request(world, *lines, first="POST /x HTTP/1.1", content=content)) in (400, 501, None)


@pytest.mark.parametrize("first", [
    "GET", "GET /x", "GET  /x HTTP/1.1", "GET /x HTTP/1.1 x", "GET /x HTTP/3.0", "GET /x HTTP/1.1x", "get\x00 /x HTTP/1.1",
    "GET x HTTP/1.1", "GET /x\x7f HTTP/1.1", "GET /a b HTTP/1.1", "\x16\x03\x01", "G@T /x HTTP/1.1", " GET /x HTTP/1.1",
    "CONNECT raw.localhost:443 HTTP/1.1"])
@pytest.mark.usefixtures("untouched")
def test_malformed_request_lines_are_refused(world, first):
    assert send(world, request(world, first=first)) in (400, 404, 405, 421, 501, 505, None)


@pytest.mark.usefixtures("untouched")
def test_a_request_without_host_is_refused(world):
    assert send(world, request(world, host=False)) == 400


@pytest.mark.parametrize("host", ["", "a b", "raw.localhost:x", "[::1", "raw.localhost/x", "user@raw.localhost", "a,b"])
@pytest.mark.usefixtures("untouched")
def test_a_malformed_host_is_refused(world, host):
    assert send(world, request(world, f"Host: {host}", host=False)) in (400, 404, 421, None)


@pytest.mark.usefixtures("untouched")
def test_a_host_that_is_not_the_tls_name_gets_around_nothing(world):
    with raw_client(world.node.port, "public.localhost", world.node.ca) as client:
        client.send(f"GET /echo HTTP/1.1\r\nHost: intranet.localhost:{world.node.port}\r\nAccept: */*\r\n\r\n")
        assert client.head().status in (401, 421)


BAD_CHUNKS = [b"x\r\nabc\r\n0\r\n\r\n", b"-1\r\n\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"3 \r\nab\rc\r\n", b"ffffffffffffffffff\r\n",
              b"0x3\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"3;" + b"x" * 100_000 + b"\r\nabc\r\n0\r\n\r\n", b"\r\n\r\n"]


@pytest.mark.parametrize("chunks", BAD_CHUNKS, ids=[str(one[:12]) for one in BAD_CHUNKS])
def test_bad_chunks_end_the_exchange(world, chunks):
    arrived = []

    def take(one):
        arrived.append(one.content())
        one.answer(200)
    world.raw.on("/bad-chunk", take)
    status = send(world, request(world, "Transfer-Encoding: chunked", first="POST /bad-chunk HTTP/1.1", content=chunks))
    assert status in (400, 413, 501, 502, None)
    assert not arrived


@pytest.mark.usefixtures("untouched")
def test_too_large_a_head_is_refused(world):
    assert send(world, request(world, "X-Large: " + "x" * 200_000)) == 431
    assert send(world, request(world, *[f"X-{number}: y" for number in range(20_000)])) == 431
    assert send(world, request(world, first="GET /" + "x" * 200_000 + " HTTP/1.1")) in (414, 431)


@pytest.mark.usefixtures("untouched")
def test_a_slow_head_is_ended(world):
    begin = time.monotonic()
    with raw_client(world.node.port, "raw.localhost", world.node.ca, timeout=60 * PATIENCE) as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: raw")
        assert client.head().status == 408
        assert client.ended()
    assert time.monotonic() - begin < 45 * PATIENCE


def test_a_refusal_of_malformed_input_ends_the_connection(world):
    with raw_client(world.node.port, "raw.localhost", world.node.ca) as client:
        client.send(request(world, "Content-Length: 5", "Transfer-Encoding: chunked", first="POST /x HTTP/1.1")
                    + request(world, first="GET /smuggled HTTP/1.1"))
        head = client.head()
        assert head.status == 400
        b"".join(read_content(client.stream, head, True))
        assert client.ended()
    assert world.raw.count("/smuggled") == 0


def test_what_is_not_tls_is_refused(world):
    for data in (b"GET / HTTP/1.1\r\nHost: raw.localhost\r\n\r\n", b"\x00" * 1000, os.urandom(2000), b"\x16\x03\x01\xff\xff"):
        with socket.create_connection(("127.0.0.1", world.node.port), 30) as plain:
            plain.sendall(data)
            plain.shutdown(socket.SHUT_WR)
            try:
                while plain.recv(4096):
                    pass
            except OSError:
                pass
    world.raw.on("/alive", lambda e: e.answer(200, b"alive"))
    assert send(world, request(world, first="GET /alive HTTP/1.1")) == 200


def test_http_2_nonsense_on_the_tunnels_name_harms_nobody(world):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    frames = [b"", b"\x00" * 100, b"\xff" * 1000, b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" * 5000, os.urandom(5000),
              b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\xff\xff" * 2,
              b"\x00\x40\x01\x00\x00\x00\x00\x00\x01" + b"x" * 16_385]
    for frame in frames:
        for alpn in (("h2",), ("http/1.1",), ()):
            try:
                with raw_client(world.node.port, "connectors.localhost", world.node.ca, alpn=alpn, timeout=10) as client:
                    client.send(preface + frame)
                    client.ended(1)
            except OSError:
                pass  # refused in the handshake
    world.raw.on("/alive", lambda e: e.answer(200, b"alive"))
    assert send(world, request(world, first="GET /alive HTTP/1.1")) == 200
    assert world.connector.process.running


def test_many_half_open_connections_harm_nobody(world):
    clients = []
    try:
        for _ in range(200):
            one = raw_client(world.node.port, "raw.localhost", world.node.ca)
            one.send(b"GET /x HT")
            clients.append(one)
        world.raw.on("/alive", lambda e: e.answer(200, b"alive"))
        assert send(world, request(world, first="GET /alive HTTP/1.1")) == 200
    finally:
        for one in clients:
            one.stream.close()


# -- configuration files ---------------------------------------------------------------------------------------------

NODE = """data_directory = "data"
[listen]
address = "127.0.0.1"
port = 1
[names]
service = "connectors.localhost"
admin = "admin.localhost"
sts = "sts.localhost"
[sts]
users_file = "users.toml"
"""

USERS = ('[[user]]\nname = "alice"\npassword_hash = "$scrypt$ln=15,r=8,p=1$XhfTg4dNkVqdckh8gNz1eg$'
         'Euqd1qbNXvtmPqj5aQIYv9zNX/0K7T1xOLn4qBde+Jk"\n')

# What is wrong: (changed text, line it is reported at or None, word in the message)
BAD_NODES = {
    "unknown key": (NODE.replace('port = 1', 'prot = 1'), 4, "port"),
    "unknown table": (NODE + "[tsl]\n", 11, "tls"),
    "wrong type": (NODE.replace('port = 1', 'port = "1"'), 4, "port"),
    "out of bounds": (NODE.replace('port = 1', 'port = 70000'), 4, "port"),
    "syntax": (NODE.replace('port = 1', 'port = = 1'), 4, ""),
    "missing value": (NODE.replace('admin = "admin.localhost"\n', ""), None, "admin"),
    "missing users file": (NODE.replace("users.toml", "nowhere.toml"), None, "nowhere.toml"),
    "bad duration": (NODE + '[session]\nlifetime = "soon"\n', 12, "lifetime"),
    "missing certificate": (NODE + '[[tls.certificate]]\ncertificate_file = "no.pem"\nkey_file = "no.key"\n', 12, "no.pem"),
    "not utf-8": (NODE + "# \xff\xfe\n", None, ""),
    "unknown level": (NODE + '[log]\nlevel = "loud"\n', 12, "level"),
}


@pytest.mark.parametrize("name", BAD_NODES)
def test_a_bad_node_file_is_named_with_its_line(tmp_path, name):
    text, line, word = BAD_NODES[name]
    (tmp_path / "users.toml").write_text(USERS, encoding="utf-8")
    file = tmp_path / "node.toml"
    file.write_bytes(text.encode("latin-1"))
    done = run([BIN / "postern", "serve", "--config", file])
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert ".toml" in done.stderr and word in done.stderr
    if line is not None:
        assert re.search(rf"node\.toml:{line}\b", done.stderr), done.stderr
    assert not (tmp_path / "data" / "ready.json").exists()


@pytest.mark.parametrize("text,word", [
    ('[[user]]\nname = "x"\n', "password_hash"), ('[[user]]\nnmae = "x"\n', "name"),
    ('[[user]]\nname = "x"\npassword_hash = "plain"\n', "password_hash"), ("[[user]\n", ""),
    ('[[user]]\nname = 5\npassword_hash = "x"\n', "name")])
def test_a_bad_users_file_is_named(tmp_path, text, word):
    (tmp_path / "users.toml").write_text(text, encoding="utf-8")
    (tmp_path / "node.toml").write_text(NODE, encoding="utf-8")
    done = run([BIN / "postern", "serve", "--config", tmp_path / "node.toml"])
    assert done.returncode == 2 and "users.toml" in done.stderr and word in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_missing_file_is_named(tmp_path):
    done = run([BIN / "postern", "serve", "--config", tmp_path / "nowhere.toml"])
    assert done.returncode == 2 and "nowhere.toml" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_an_unreadable_file_is_named(tmp_path):
    file = tmp_path / "node.toml"
    file.write_text(NODE, encoding="utf-8")
    file.chmod(0)
    # Root without the right to read everything. Another user could not even get at programs in a folder of root's.
    less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    done = run([*(less if os.geteuid() == 0 else []), BIN / "postern", "serve", "--config", file])
    assert done.returncode == 2 and "node.toml" in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    done = run([BIN / "postern", "serve", "--config", tmp_path])
    assert done.returncode == 2 and str(tmp_path) in done.stderr


def test_an_unreadable_key_is_named(tmp_path):
    (tmp_path / "users.toml").write_text(USERS, encoding="utf-8")
    (tmp_path / "c.pem").write_text("no certificate", encoding="utf-8")
    (tmp_path / "c.key").write_text("no key", encoding="utf-8")
    (tmp_path / "node.toml").write_text(
        NODE + '[[tls.certificate]]\ncertificate_file = "c.pem"\nkey_file = "c.key"\n', encoding="utf-8")
    done = run([BIN / "postern", "serve", "--config", tmp_path / "node.toml"])
    assert done.returncode == 2 and re.search(r"c\.(pem|key)", done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("key,content", [
    ("certificate_file", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"),
    ("key_file", "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n"), ("key_file", None)],
    ids=["no certificate", "no key", "another key"])
def test_a_certificate_that_cannot_be_used_is_named(tmp_path, key, content):
    (tmp_path / "users.toml").write_text(USERS, encoding="utf-8")
    files = dict(zip(("certificate_file", "key_file"), certificates.self_signed(tmp_path, "one")))
    files[key] = tmp_path / "broken" if content else certificates.self_signed(tmp_path, "other")[1]
    if content:
        files[key].write_text(content, encoding="utf-8")
    text = NODE + "[[tls.certificate]]\n" + "".join(f'{name} = "{file}"\n' for name, file in files.items())
    (tmp_path / "node.toml").write_text(text, encoding="utf-8")
    done = run([BIN / "postern", "serve", "--config", tmp_path / "node.toml"])
    line = text[:text.index(f"{key} =")].count("\n") + 1
    assert done.returncode == 2 and re.search(rf"node\.toml:{line}: {key}: expected", done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_log_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "users.toml").write_text(USERS, encoding="utf-8")
    (tmp_path / "node.toml").write_text(NODE + f'[log]\nfile = "{tmp_path}"\n', encoding="utf-8")
    done = run([BIN / "postern", "serve", "--config", tmp_path / "node.toml"])
    assert done.returncode == 2 and re.search(r"node\.toml:12: file: expected", done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("line,word", [
    ('ca_file = "/nowhere/ca.pem"', "/nowhere/ca.pem"), ('ca_file = "connector.toml"', "PEM"),
    ('proxy = "http://127.0.0.1:1"\nproxy_credentials_file = "none"', "none"), ("tunnels = 3", "tunnels")])
def test_a_bad_connector_file_is_named_with_its_line(world, tmp_path, line, word):
    state = shutil.copytree(world.connector.state, tmp_path / "state")
    (state / "connector.toml").write_text(f'service = "https://connect.localhost"\n{line}\n', encoding="utf-8")
    done = run([BIN / "postern-connector", "run", "--state", state])
    at = 1 + len(line.splitlines())
    assert done.returncode == 2 and re.search(rf"connector\.toml:{at}\b", done.stderr) and word in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_node_takes_neither_the_data_nor_the_port_of_the_first(world, tmp_path):
    same_data = run([BIN / "postern", "serve", "--config", world.node.config])
    assert same_data.returncode == 1 and "another process" in same_data.stderr, same_data.stderr
    (tmp_path / "users.toml").write_text(USERS, encoding="utf-8")
    (tmp_path / "node.toml").write_text(NODE.replace("port = 1", f"port = {world.node.port}"), encoding="utf-8")
    same_port = run([BIN / "postern", "serve", "--config", tmp_path / "node.toml"])
    assert same_port.returncode == 1 and str(world.node.port) in same_port.stderr, same_port.stderr
    with world.browser() as client:
        assert client.get(world.url("public")).status_code == 200


def test_a_second_connector_does_not_take_the_identity_of_the_first(world):
    second = run([BIN / "postern-connector", "run", "--state", world.connector.state])
    assert second.returncode == 2 and "another process" in second.stderr, second.stderr
    assert "ALARM duplicate" not in world.control.expect("get", "connectors")


BAD_PUBLISHED = {
    "unknown key": ('[[application]]\nname = "x"\nexternl_url = "y"\n', 3, "external_url"),
    "wrong type": ('[[application]]\nname = "x"\nassigned = "user:bob"\n', 3, "assigned"),
    "unknown value": ('[[application]]\nname = "x"\npreauthentication = "none"\n', 3, "preauthentication"),
    "bad duration": ('[[application]]\nname = "x"\nidle_timeout = 5\n', 3, "idle_timeout"),
    "bad url": ('[[application]]\nname = "x"\nexternal_url = "ftp://x/"\n', 3, "external_url"),
    "syntax": ('[[group]]\nname = "x\n', 2, ""),
    "unknown table": ('[[aplication]]\nname = "x"\n', 1, "application"),
}


@pytest.mark.parametrize("name", BAD_PUBLISHED)
def test_a_bad_published_file_is_named_with_its_line(world, tmp_path, name):
    text, line, word = BAD_PUBLISHED[name]
    file = tmp_path / "published.toml"
    file.write_text(text, encoding="utf-8")
    before = world.control.expect("get", "applications")
    done = world.control.run("apply", "-f", file)
    assert done.returncode == 2 and word in done.stderr, done.stderr
    assert re.search(rf"published\.toml:{line}\b", done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert world.control.expect("get", "applications") == before


@pytest.mark.parametrize("program,words", [
    ("postern", []), ("postern", ["nonsense"]), ("postern", ["serve"]), ("postern-connector", ["enroll"]),
    ("postern-connector", ["run"]), ("posternctl", ["get"]), ("posternctl", ["apply"])])
def test_a_wrong_command_line_is_explained(program, words):
    done = run([BIN / program, *words])
    assert done.returncode != 0 and (done.stderr + done.stdout).strip()


@pytest.mark.parametrize("program", ["postern", "postern-connector", "posternctl"])
def test_every_program_explains_itself(program):
    done = run([BIN / program, "--help"])
    assert done.returncode == 0 and program in done.stdout


@pytest.mark.parametrize("path,method,body", [
    ("/apply", "POST", b"{"), ("/apply", "POST", b"[]"), ("/apply", "POST", b'{"applications":[{"name":1}]}'),
    ("/apply", "POST", b'{"unknown":1}'), ("/apply", "POST", b"{" * 100_000), ("/applications/none", "GET", None),
    ("/nowhere", "GET", None), ("/applications", "PATCH", b"{}"), ("/connectors/none/revoke", "POST", b"{}"),
    ("/enrolment-tokens", "POST", b'{"group":"none"}'), ("/enrolment-tokens", "POST", b'{"group":"main","uses":-1}'),
    ("/audit?limit=x", "GET", None)], ids=str)
def test_bad_api_calls_get_problem_json(world, path, method, body):
    answer = world.control.api(method, path, content=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == answer.status_code and answer.json()["cause"]
