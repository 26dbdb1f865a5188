#pragma once
// Opens outgoing connections: names, addresses in turn, TLS, one deadline for all of it.
// Who uses it: the connector (tunnels, origins, EST), the edge (issuers).

#include "runtime/transport.hpp"

#include <string>

namespace postern::runtime {

/// Where to connect to.
struct dial_target {
  std::string host;  ///< name or address; names under "localhost" are loopback without asking
                     ///< anybody (RFC 6761, 6.3)
  uint16_t port = 443;
  /// Null: plain TCP. The certificate must be for `host`.
  std::shared_ptr<const tls_client_context> tls;
  /// IP address to connect to in place of asking for `host`; empty: ask.
  std::string address;
};

/// Connects and, with TLS, shakes hands. Errors name the step: `bad_gateway` "name_unresolved",
/// "connection_refused", "tls_certificate" (the peer's certificate does not hold), "tls_handshake";
/// `timeout` "connect_timeout".
awaitable<result<transport>> dial(shard& home, dial_target target,
                                  std::chrono::milliseconds timeout);

}  // namespace postern::runtime
