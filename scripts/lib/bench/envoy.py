"""Envoy for scripts/bench: two of them, one behind the other, as a node and a connector stand."""
import json
import pathlib
import socket

from harness import network
from harness.processes import process, wait_until

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "build" / "tools" / "envoy" / "envoy" / "_bin" / "envoy"
TYPE = "type.googleapis.com/envoy.extensions."


def tls(kind, certificate, key, protocols, verify, **more):
    common = {"alpn_protocols": protocols, "tls_params": {"tls_minimum_protocol_version": "TLSv1_3",
                                                          "tls_maximum_protocol_version": "TLSv1_3"},
              "tls_certificates": [{"certificate_chain": {"filename": str(certificate)}, "private_key": {"filename": str(key)}}]}
    if verify:
        common["validation_context"] = {"trusted_ca": {"filename": str(certificate)}}
    return {"name": "tls", "typed_config": {"@type": f"{TYPE}transport_sockets.tls.v3.{kind}TlsContext",
                                            "common_tls_context": common, **more}}


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def config(port, next_port, user_tls, next_tls, next_protocol):
    """No access log, no time limit for a whole answer, as with the other sides."""
    route = {"match": {"prefix": "/"}, "route": {"cluster": "next", "timeout": "0s"}}
    manager = {"@type": f"{TYPE}filters.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "users",
               "codec_type": "AUTO", "use_remote_address": True,
               "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
               "http_filters": [{"name": "router", "typed_config": {"@type": f"{TYPE}filters.http.router.v3.Router"}}]}
    listener = {"name": "users", "address": address(port), "tcp_backlog_size": 4096, "filter_chains": [
        {"transport_socket": user_tls, "filters": [{"name": "http", "typed_config": manager}]}]}
    cluster = {"name": "next", "connect_timeout": "10s", "type": "STATIC",
               "circuit_breakers": {"thresholds": [dict.fromkeys(("max_connections", "max_requests", "max_pending_requests"), 8192)]},
               "load_assignment": {"cluster_name": "next", "endpoints": [
                   {"lb_endpoints": [{"endpoint": {"address": address(next_port)}}]}]},
               "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                   "@type": f"{TYPE}upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {next_protocol: {}}}}}
    if next_tls:
        cluster["transport_socket"] = next_tls
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


class envoy:
    """One process with two workers."""

    def __init__(self, folder, port, values):
        self.port = port
        folder.mkdir(parents=True)
        file = folder / "envoy.json"
        file.write_text(json.dumps(values), encoding="utf-8")
        self.process = process([PROGRAM, "-c", file, "--concurrency", "2", "--disable-hot-restart", "--log-level", "error"],
                               folder / "envoy.log")
        wait_until(self.listens, "Envoy to listen")

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
    back_port, front_port = network.free_port(), network.free_port()
    both = ["h2", "http/1.1"]
    back = envoy(folder / "back", back_port, config(
        back_port, origin_port, tls("Downstream", certificate, key, both, True, require_client_certificate=True),
        None, "http_protocol_options"))
    front = envoy(folder / "front", front_port, config(
        front_port, back_port, tls("Downstream", certificate, key, both, False),
        tls("Upstream", certificate, key, ["h2"], True, sni="localhost"), "http2_protocol_options"))
    return front, back
