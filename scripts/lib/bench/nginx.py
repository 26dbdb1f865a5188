"""nginx for scripts/bench: the origin that all sides share, their certificate, and two proxies, one behind the other."""
import getpass
import http.client
import pathlib
import subprocess

from harness import network
from harness.processes import process, wait_until

MAIN = """
daemon off; worker_processes {workers}; error_log {folder}/error.log; pid {folder}/pid;
{user}
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 300s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 0;
{http}
}}
"""

# The location that takes an upload answers only once all of it has been read.
ORIGIN = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {root};
    location / {{ open_file_cache max=100; }}
    location /upload {{ proxy_pass http://127.0.0.1:{port}/taken; proxy_pass_request_body off;
                        proxy_set_header Content-Length ""; }}
    location /taken {{ return 200 "taken\\n"; }}
  }}
"""

PROXY = """
  upstream next {{ server 127.0.0.1:{next_port}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 300s; }}
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=4096;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_session_cache shared:s:4m;
    {verify_client}
    location / {{
      proxy_pass {scheme}://next; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id;
      proxy_request_buffering off; proxy_buffers 16 32k; proxy_max_temp_file_size 0;
      {verify_next}
    }}
  }}
"""


class nginx:
    """One nginx: a master and its workers."""

    def __init__(self, folder, port, http_text, workers=2):
        self.port = port
        folder.mkdir(parents=True)
        user = "user root;" if getpass.getuser() == "root" else ""
        config = folder / "nginx.conf"
        config.write_text(MAIN.format(workers=workers, folder=folder, user=user, http=http_text), encoding="utf-8")
        self.process = process(["/usr/sbin/nginx", "-p", folder, "-c", config], folder / "nginx.log")
        wait_until(self.pids, "nginx to start its workers")

    def pids(self):
        """Of the workers."""
        pid = self.process.pid
        try:
            return [int(one) for one in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            raise AssertionError(self.process.text()) from None

    def stop(self):
        return self.process.stop()


def make_certificate(folder):
    certificate, key = folder / "server.pem", folder / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "30",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def start_origin(folder, large):
    """Serves /small (1 KiB) and /large (sparse), takes /upload."""
    root = folder / "root"
    root.mkdir(parents=True)
    (root / "small").write_bytes(b"x" * 1024)
    with open(root / "large", "wb") as file:
        file.truncate(large)
    port = network.free_port()
    one = nginx(folder / "origin", port, ORIGIN.format(port=port, root=root))

    def answers():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/small")
            return connection.getresponse().status == 200
        except OSError:
            return False
    wait_until(answers, "the origin to answer")
    return one


def start_proxies(folder, origin_port, certificate, key):
    """(front, back): users -> front -> mutual TLS -> back -> origin, as a node and a connector do it."""
    files = {"certificate": certificate, "key": key}
    back_port, front_port = network.free_port(), network.free_port()
    back = nginx(folder / "back", back_port, PROXY.format(
        port=back_port, next_port=origin_port, scheme="http", verify_next="",
        verify_client=f"ssl_client_certificate {certificate}; ssl_verify_client on;", **files))
    front = nginx(folder / "front", front_port, PROXY.format(
        port=front_port, next_port=back_port, scheme="https", verify_client="",
        verify_next=f"proxy_ssl_certificate {certificate}; proxy_ssl_certificate_key {key}; proxy_ssl_verify on; "
                    f"proxy_ssl_trusted_certificate {certificate}; proxy_ssl_name localhost; proxy_ssl_protocols TLSv1.3; "
                    "proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;",
        **files))
    return front, back
