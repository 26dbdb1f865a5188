"""The ways to the origin that scripts/bench compares, and what they cost the machine."""
import pathlib
import re
import resource

import envoy
import haproxy
import nginx
from harness.processes import connector, control, cpu_seconds, node
from harness.published import application_toml, group_toml


class side:
    """One way to the origin. The host is "localhost", the one name that every tool resolves."""

    def __init__(self, name, port, ca, node_pids, connector_pids, cookie, folder):
        self.name, self.port, self.ca, self.cookie = name, port, ca, cookie
        self.node_pids, self.pids = node_pids, [*node_pids, *connector_pids]
        self.base = f"https://localhost:{port}/"
        # In files: what stands on a command line is for everybody to read.
        self.script, self.headers = folder / f"{name}.lua", folder / f"{name}.headers"
        self.script.write_text(f'wrk.headers["Cookie"] = "{cookie}"\n' if cookie else "", encoding="utf-8")
        self.headers.write_text(f"Cookie: {cookie}\n" if cookie else "X-None: 1\n", encoding="utf-8")

    def get_small(self):
        """The bytes of a GET of 1 KiB by HTTP/1.1, for clients of our own."""
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        return f"GET /small HTTP/1.1\r\nHost: localhost:{self.port}\r\n{cookie}\r\n".encode()

    def cpu(self):
        """Seconds of CPU that all its processes have used."""
        return sum(cpu_seconds(pid) for pid in self.pids)


def raise_descriptor_limit():
    """Thousands of connections on both ends; what is started inherits it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))


def memory_of(pids):
    """In MiB; what processes share counts once among them."""
    return sum(int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE).group(1))
               for pid in pids) / 1024


def start_postern(folder, origin_port, _, started):
    here = node(folder / "node", shards=0, sections={"log": "access = false"})
    here.start()
    started.append(here)
    admin = control(here, folder / "control").login()
    external = f"https://localhost:{here.port}/"
    admin.apply(group_toml("bench") + application_toml(
        "bench", external, f"http://127.0.0.1:{origin_port}/", "bench", assigned=["user:bob"]))
    inside = connector(here, folder / "connector").enroll("bench", admin.enrolment_token("bench"))
    # As on the other sides: no access logs.
    settings = inside.state / "connector.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("access = true", "access = false"), encoding="utf-8")
    inside.start()
    started.append(inside)
    with here.browser() as browser:
        page = browser.sign_in(external + "small", "bob", here.users["bob"]["password"])
        assert page.status_code == 200, f"{page.status_code}: {page.text}"
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.client.cookies.jar
                           if one.domain.split(".")[0] == "localhost")
    return side("postern", here.port, here.ca, [here.process.pid], [inside.process.pid], cookie, folder)


def start_nginx(folder, origin_port, certificate, started):
    front, back = nginx.start_proxies(folder, origin_port, *certificate)
    started += [front, back]
    return side("nginx", front.port, certificate[0], [*front.pids(), front.process.pid],
                [*back.pids(), back.process.pid], "", folder)


def start_haproxy(folder, origin_port, certificate, started):
    front, back = haproxy.start_proxies(folder, origin_port, *certificate)
    started += [front, back]
    return side("haproxy", front.port, certificate[0], front.pids(), back.pids(), "", folder)


def start_envoy(folder, origin_port, certificate, started):
    front, back = envoy.start_proxies(folder, origin_port, *certificate)
    started += [front, back]
    return side("envoy", front.port, certificate[0], front.pids(), back.pids(), "", folder)


STARTS = {"postern": start_postern, "nginx": start_nginx, "haproxy": start_haproxy, "envoy": start_envoy}
