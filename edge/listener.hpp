#pragma once
// The sockets that a node listens on. Used by edge/node.

#include "runtime/error.hpp"
#include "runtime/shard.hpp"

#include <cstdint>
#include <string>

namespace postern::edge {

/// Whether somebody listens there already. Without asking, a second node would share what arrives
/// with the first one (SO_REUSEPORT). Errors: as of open_listener.
runtime::result<void> check_unused(const std::string& address, uint16_t port);

/// Listens on an address (IPv4 or IPv6, as text) for one shard; port 0 takes any. Shards that
/// listen on the same port share what arrives (SO_REUSEPORT). Errors: `invalid_input`
/// "listen_address", `unavailable` "listen_failed".
runtime::result<runtime::tcp_acceptor> open_listener(runtime::shard& home,
                                                     const std::string& address, uint16_t port);

/// From now on the kernel takes no new connections on this socket; those under way come through, to
/// be accepted. Closing it at once would reset them. Whoever tries meanwhile tries again a second
/// later (the first retransmission of a SYN) and is refused by then, or served by a successor.
void refuse_new_connections(runtime::tcp_acceptor& acceptor) noexcept;

}  // namespace postern::edge
