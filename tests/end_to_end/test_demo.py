"""scripts/demo: its own check, and what comes of a connector that is killed while somebody looks."""
import os
import pathlib
import signal
import socket
import sys

import pytest

from harness import processes
from harness.browser import browser
from harness.processes import read_json, wait_until

DEMO = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib" / "demo.py"


class started_demo:
    def __init__(self, folder, *words):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.process = processes.process([sys.executable, DEMO, "--port", self.port, *words], folder / "demo.log",
                                         env={"TMPDIR": str(folder)})

    def says(self, words):
        return wait_until(lambda: words in self.process.text(), f"the demo to say {words!r}", 60)

    def find(self, path):
        return next(self.folder.glob(f"postern-demo-*/{path}"))


@pytest.fixture
def demo(tmp_path):
    started = []

    def start(*words):
        started.append(started_demo(tmp_path, *words))
        return started[-1]
    yield start
    for one in started:
        one.process.stop()


def test_its_check_is_all_right_and_leaves_nothing(demo, tmp_path):
    one = demo("--check")
    assert one.process.wait(120) == 0, one.process.text()
    assert "All as it should be." in one.process.text()
    assert not list(tmp_path.glob("postern-demo-*"))


def test_a_connector_that_is_killed_is_started_again_and_requests_wait_for_it(demo):
    one = demo()
    one.says("Ctrl-C stops everything.")
    with browser(one.find("node/data/server-ca.pem"), timeout=60.0) as user:
        page = f"https://public.localhost:{one.port}/"
        assert user.open(page).status_code == 200
        os.kill(read_json(one.find("connector/state/ready.json"))["pid"], signal.SIGKILL)
        one.says("The connector has ended by itself")
        assert user.open(page).status_code == 200
    one.says("The connector is there again.")
    assert one.process.stop() == 0
    assert not list(one.folder.glob("postern-demo-*"))
