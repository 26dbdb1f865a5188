"""A connector whose only way out is an HTTP proxy: enrolment, configuration and tunnels go through it."""
import socket
import threading

import pytest

from harness import network
from harness.processes import connector, wait_until
from harness.squid import squid

NAMES = ["connectors.localhost", "sts.localhost"]
PASSWORD = "proxy-secret-1"


@pytest.fixture
def make_proxy(cleanup):
    def make(**options):
        one = squid(NAMES, **options)
        cleanup(one.stop)
        return one
    return make


@pytest.fixture
def make_connector(make_world, cleanup):
    """An enrolled node's world without a connector, and connectors for it."""
    own = make_world(enrolled=False)

    def make(name="proxied"):
        one = connector(own.node, own.folder / name)
        cleanup(one.stop)
        return own, one
    return make


def is_served(own):
    with own.node.browser() as browser:
        return browser.get(own.node.url("app") + "hello").status_code == 200


def tunnels(proxy):
    """How many connections are open through the proxy now."""
    found = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            found += fields[1].endswith(f":{proxy.port:04X}") and fields[3] == "01"
    return found


def test_everything_goes_through_the_proxy_of_the_environment(make_proxy, make_connector):
    proxy = make_proxy()
    own, one = make_connector()
    one.env = {"https_proxy": proxy.url, "no_proxy": ""}
    done = one.try_enroll("main", own.control.enrolment_token("main"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"127.0.0.1:{proxy.port}" in done.stdout
    # Certificate, authorities, first configuration.
    wait_until(lambda: proxy.log().count("CONNECT connectors.localhost") >= 3, "the log of the proxy")
    one.start()
    assert is_served(own)
    # Two tunnels and a pull that waits.
    wait_until(lambda: tunnels(proxy) >= 2, "the tunnels to be open")


def test_tunnels_come_back_with_the_proxy(make_proxy, make_connector):
    proxy = make_proxy()
    own, one = make_connector()
    one.enroll("main", own.control.enrolment_token("main"), "--proxy", proxy.url).start()
    assert is_served(own)
    proxy.stop()
    wait_until(lambda: "proxy_unreachable" in one.process.text(), "the connector to say what is missing")
    make_proxy(port=proxy.port)
    wait_until(lambda: is_served(own), "the tunnels to be back", 60)


def test_credentials_open_the_proxy_and_stand_in_no_log(make_proxy, make_connector):
    proxy = make_proxy(users={"joe": PASSWORD})
    own, one = make_connector()
    file = own.folder / "proxy-credentials"
    file.write_text(f"joe:{PASSWORD}\n", encoding="utf-8")
    file.chmod(0o600)
    one.enroll("main", own.control.enrolment_token("main"), "--proxy", proxy.url, "--proxy-credentials-file", str(file))
    assert PASSWORD not in (one.state / "connector.toml").read_text(encoding="utf-8")
    one.start()
    assert is_served(own)
    assert " joe " in proxy.log()
    assert PASSWORD not in one.process.text()


def test_credentials_may_stand_in_the_environment(make_proxy, make_connector):
    proxy = make_proxy(users={"joe": "p@ss:word"})
    own, one = make_connector()
    one.env = {"HTTPS_PROXY": f"http://joe:p%40ss%3Aword@127.0.0.1:{proxy.port}"}
    one.enroll("main", own.control.enrolment_token("main")).start()
    assert is_served(own)
    assert "p@ss" not in one.process.text() and "p%40ss" not in one.process.text()


@pytest.mark.parametrize("user", ["", "joe:wrong@"])
def test_a_proxy_that_asks_for_other_credentials_is_named(make_proxy, make_connector, user):
    proxy = make_proxy(users={"joe": PASSWORD})
    own, one = make_connector()
    one.env = {"https_proxy": f"http://{user}127.0.0.1:{proxy.port}"}
    done = one.try_enroll("main", own.control.enrolment_token("main"))
    assert done.returncode == 1
    assert "proxy_authentication" in done.stderr and f"127.0.0.1:{proxy.port}" in done.stderr and "407" in done.stderr
    assert "wrong" not in done.stderr


def test_a_proxy_that_is_not_there_is_named(make_connector):
    port = network.free_port()
    own, one = make_connector()
    done = one.try_enroll("main", own.control.enrolment_token("main"), "--proxy", f"http://127.0.0.1:{port}")
    assert done.returncode == 1
    assert "proxy_unreachable" in done.stderr and f"127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize("answer, cause", [
    (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "proxy_refused"),
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "proxy_malformed"),
    (b"", "proxy_closed")])
def test_a_proxy_that_refuses_is_named(make_connector, cleanup, answer, cause):
    listener = socket.create_server(("127.0.0.1", 0))
    cleanup(listener.close)

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.recv(4096)
                sock.sendall(answer)
                sock.shutdown(socket.SHUT_WR)
                sock.recv(4096)
    threading.Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]
    own, one = make_connector()
    done = one.try_enroll("main", own.control.enrolment_token("main"), "--proxy", f"http://127.0.0.1:{port}")
    assert done.returncode == 1
    assert cause in done.stderr and f"127.0.0.1:{port}" in done.stderr, done.stderr


@pytest.mark.parametrize("exception", ["connectors.localhost", ".localhost", "*"])
def test_exceptions_are_reached_directly(make_connector, exception):
    own, one = make_connector()
    one.env = {"https_proxy": f"http://127.0.0.1:{network.free_port()}", "no_proxy": f"example.org,{exception}"}
    one.enroll("main", own.control.enrolment_token("main")).start()
    assert is_served(own)


def test_none_goes_directly_whatever_the_environment_says(make_connector):
    own, one = make_connector()
    one.env = {"https_proxy": f"http://127.0.0.1:{network.free_port()}"}
    one.enroll("main", own.control.enrolment_token("main"), "--proxy", "none").start()
    assert is_served(own)


def test_credentials_do_not_belong_into_the_file(make_connector):
    own, one = make_connector()
    one.enroll("main", own.control.enrolment_token("main"))
    file = one.state / "connector.toml"
    file.write_text('proxy = "http://joe:secret-2@127.0.0.1:1"\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
    one.launch()
    assert one.process.wait() == 2
    assert "proxy_credentials_file" in one.process.text() and "secret-2" not in one.process.text()
    one.process = None
