"""Fixtures of the end-to-end tests. Programs come from POSTERN_BIN (default: build/dev)."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import network, processes  # noqa: E402
from harness.http2 import http2_client  # noqa: E402
from harness.world import small_world, world as shared_world  # noqa: E402

network.resolve_localhost_names()


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes a good part of a minute")


def pytest_collection_modifyitems(items):
    for name in ("postern", "postern-connector", "posternctl"):
        if items and not (processes.BIN / name).exists():
            pytest.exit(f"{processes.BIN / name} is not built; run scripts/build first", 2)
    items[:] = spread_slow_tests(items)


def spread_slow_tests(items):
    """The same tests, the slow ones evenly among the first three quarters of the others: no process has several of them one
    behind the other while the rest is done. They go between modules, whose fixtures are then made once."""
    slow = [one for one in items if one.get_closest_marker("slow")]
    others = [one for one in items if not one.get_closest_marker("slow")]
    gap = len(others) * 3 // 4 // max(len(slow), 1)
    ordered, due, module = [], 0, None
    for position, one in enumerate(others):
        while slow and one.module is not module and position >= due:
            ordered.append(slow.pop(0))
            due += gap
        module = one.module
        ordered.append(one)
    return [*ordered, *slow]


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item):
    """What the processes of a failed test said last goes into its report."""
    report = (yield).get_result()
    if report.failed:
        for place in getattr(item.session, "process_logs", []):
            for file in sorted(place.glob("**/*.log")):
                text = file.read_text(encoding="utf-8", errors="replace")
                report.sections.append((str(file.relative_to(place)), text[-4000:]))


@pytest.fixture(scope="session", autouse=True)
def process_logs(request):
    request.session.process_logs = []
    return request.session.process_logs


@pytest.fixture(scope="session")
def world(tmp_path_factory, process_logs):
    """The shared world; tests leave it as they found it."""
    folder = tmp_path_factory.mktemp("world")
    process_logs.append(folder)
    one = shared_world(folder)
    yield one
    one.stop()


@pytest.fixture
def make_world(tmp_path, process_logs):
    """Makes a world of the test's own, stopped (and checked for a clean end) afterwards."""
    made = []

    def make(name="own", **options):
        process_logs.append(tmp_path)
        made.append(small_world(tmp_path / name, **options))
        return made[-1]
    yield make
    if tmp_path in process_logs:
        process_logs.remove(tmp_path)
    for one in made:
        one.stop()


@pytest.fixture
def browser(world):
    """A fresh browser profile."""
    with world.browser() as one:
        yield one


@pytest.fixture
def connect_http2(world):
    """Makes connections over HTTP/2 for a name; they are closed afterwards."""
    made = []

    def make(name="raw", **options):
        made.append(http2_client(world.node.port, f"{name}.localhost", world.node.ca, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def cleanup():
    """Functions to call at the end, last first."""
    todo = []
    yield todo.append
    for one in reversed(todo):
        one()
