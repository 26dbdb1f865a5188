"""A connector's end of a tunnel (docs/tunnel-protocol.md), frame by frame."""
import json
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import h2.settings

PROTOCOL = "postern-tunnel/1"


def tunnel_context(ca_file, identity):
    """TLS of an enrolled connector's tunnels. `identity` is the file of its state directory with certificate and key."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.set_alpn_protocols([PROTOCOL])
    context.load_cert_chain(str(identity))
    return context


class tunnel:
    """One tunnel of an enrolled connector. Without `shake` the handshake of TLS is left to the caller."""

    def __init__(self, port, service_name, context, instance="a-test", capacity=100, shake=True):
        self.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30), server_hostname=service_name,
                                        do_handshake_on_connect=shake)
        self.hello = json.dumps({"wire_version": 1, "version": "0.1.0", "instance": instance, "capacity": capacity}).encode()
        codes = h2.settings.SettingCodes
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
            codes.INITIAL_WINDOW_SIZE: 0, codes.ENABLE_CONNECT_PROTOCOL: 1, codes.MAX_CONCURRENT_STREAMS: capacity})
        self.h2.initiate_connection()
        self.greeted = False

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.sock.sendall(data)

    def read(self, leaving=False):
        """Takes what has come, answering pings and the hello (if `leaving`, with GOAWAY behind it); its other requests.
        None at the end."""
        data = self.sock.recv(1 << 16)
        if not data:
            return None
        requests = []
        for event in self.h2.receive_data(data):
            if not isinstance(event, h2.events.RequestReceived):
                continue
            if dict(event.headers)[":path"] != "/.postern/hello":
                requests.append(event)
                continue
            self.h2.send_headers(event.stream_id, [(":status", "200")])
            self.h2.send_data(event.stream_id, self.hello, end_stream=True)
            self.greeted = True
            if leaving:
                # In one write with everything that there is to say.
                self.h2.close_connection(last_stream_id=event.stream_id)
        self.flush()
        return requests

    def close(self):
        self.sock.close()
