"""HAProxy for scripts/bench: two of them, one behind the other, as a node and a connector stand."""
import socket

from harness import network
from harness.processes import process, wait_until

# No log line anywhere: access logs are off.
CONFIG = """
global
  nbthread 2
  maxconn 8192
  tune.ssl.default-dh-param 2048
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
defaults
  mode http
  timeout connect 10s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  http-reuse always
frontend users
  bind 127.0.0.1:{port} backlog 4096 ssl crt {pem} ssl-min-ver TLSv1.3 alpn h2,http/1.1 {verify_client}
  option forwardfor
  {request_id}
  default_backend next
backend next
  server next 127.0.0.1:{next_port} {next_options}
"""


class haproxy:
    """One process with two threads."""

    def __init__(self, folder, port, **values):
        self.port = port
        folder.mkdir(parents=True)
        config = folder / "haproxy.cfg"
        config.write_text(CONFIG.format(port=port, **values), encoding="utf-8")
        self.process = process(["/usr/sbin/haproxy", "-db", "-f", config], folder / "haproxy.log")
        wait_until(self.listens, "HAProxy to listen")

    def listens(self):
        if not self.process.running:
            raise AssertionError(self.process.text())
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def pids(self):
        return [self.process.pid]

    def stop(self):
        return self.process.stop()


def start_proxies(folder, origin_port, certificate, key):
    """(front, back): users -> front -> HTTP/2 over mutual TLS -> back -> origin, which speaks HTTP/1.1."""
    pem = folder / "server-with-key.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(certificate.read_bytes() + key.read_bytes())
    back_port, front_port = network.free_port(), network.free_port()
    back = haproxy(folder / "back", back_port, pem=pem, verify_client=f"verify required ca-file {certificate}",
                   request_id="", next_port=origin_port, next_options="")
    front = haproxy(folder / "front", front_port, pem=pem, verify_client="", next_port=back_port,
                    request_id="http-request set-header X-Request-Id %[uuid()]",
                    next_options=f"ssl crt {pem} ca-file {certificate} verify required verifyhost localhost "
                                 f"sni str(localhost) ssl-min-ver TLSv1.3 alpn h2")
    return front, back
