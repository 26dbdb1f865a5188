#pragma once
// Opens outgoing connections: names, addresses in turn, TLS, one deadline for all of it.
// Who uses it: the connector (tunnels, origins, EST), the edge (issuers).

#include "runtime/http_proxy.hpp"
#include "runtime/transport.hpp"

#include <string>

namespace postern::runtime {

/// Where to connect to.
struct dial_target {
  std::string host;  ///< name or address; names under "localhost" are loopback without asking
                     ///< anybody (RFC 6761, 6.3)
  uint16_t port = 443;
  /// Null: plain TCP. The certificate must be for `host`, or `server_name`.
  std::shared_ptr<const tls_client_context> tls;
  /// IP address to connect to in place of asking for `host`; empty: ask.
  std::string address;
  /// Name for SNI and for the certificate in place of `host`; empty: `host`.
  std::string server_name{};
  /// Through which to go, and who then looks `host` up; null: directly.
  std::shared_ptr<const http_proxy> proxy{};
};

/// Connects and, with TLS, shakes hands. A name is looked up for every connection (name_resolver);
/// of several addresses the one that worked last is tried first, and each next one
/// limits::connection_attempt_delay later, or when one has failed (RFC 8305). Errors name the step:
/// `bad_gateway` "name_unresolved", "connection_refused", "tls_certificate" (the peer's certificate
/// does not hold), "tls_handshake"; `timeout` "connect_timeout". With a proxy also, from source
/// "proxy": `bad_gateway` "proxy_unresolved", "proxy_unreachable" and those of ask_proxy(),
/// `timeout` "proxy_timeout".
awaitable<result<transport>> dial(shard& home, dial_target target,
                                  std::chrono::milliseconds timeout);

}  // namespace postern::runtime
