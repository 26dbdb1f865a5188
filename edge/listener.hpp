#pragma once
// The sockets that a node listens on. Used by edge/node.

#include "runtime/error.hpp"
#include "runtime/shard.hpp"

#include <cstdint>
#include <string>

namespace postern::edge {

/// Listens on an address (IPv4 or IPv6, as text) for one shard; port 0 takes any. Shards that
/// listen on the same port share what arrives (SO_REUSEPORT). Errors: `invalid_input`
/// "listen_address", `unavailable` "listen_failed".
runtime::result<runtime::tcp_acceptor> open_listener(runtime::shard& home,
                                                     const std::string& address, uint16_t port);

}  // namespace postern::edge
