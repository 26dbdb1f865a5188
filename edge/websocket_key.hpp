#pragma once
// The proof of RFC 6455, section 4: the server has understood that WebSocket is meant.

#include "runtime/random_source.hpp"

#include <string>
#include <string_view>

namespace postern::edge {

/// A fresh Sec-WebSocket-Key: 16 random bytes in base64.
std::string new_websocket_key(runtime::random_source& random);

/// The Sec-WebSocket-Accept that fits a key.
std::string accept_of(std::string_view key);

}  // namespace postern::edge
