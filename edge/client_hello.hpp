#pragma once
// The server name that a TLS client asks for, out of the first bytes that it sends and before
// anything of a handshake is done (RFC 8446, section 4.1.2; RFC 6066, section 3). Used by
// connector_door.

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::edge {

/// What the first bytes are.
enum class hello_kind : uint8_t {
  incomplete,  ///< go on reading
  named,       ///< a ClientHello with a server name
  other,       ///< a ClientHello without one, or no TLS at all
};

struct client_hello {
  hello_kind kind = hello_kind::incomplete;
  std::string name;  ///< lower-cased
};

/// Reads at most the first TLS record: a name that stands behind it counts as none.
client_hello read_client_hello(std::string_view bytes);

}  // namespace postern::edge
