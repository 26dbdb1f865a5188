#pragma once
// What a connector says of itself at the beginning of a tunnel, as it stands on the wire
// (docs/tunnel-protocol.md, rule 3). Written by the connector, read by the node.

#include "runtime/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::actors {

/// A hello is shorter; more is not read.
inline constexpr size_t longest_hello = 4'096;
/// Longest `instance` and `version` that are taken over: both end in logs and lists.
inline constexpr size_t longest_hello_text = 128;
/// A tunnel takes no more exchanges at once, whatever the connector says.
inline constexpr uint32_t largest_hello_capacity = 100'000;

struct tunnel_hello {
  std::string instance;   ///< random, made at each start of the process; never empty
  uint32_t capacity = 1;  ///< exchanges at once on this tunnel, at least 1
  std::string version;    ///< of the program

  bool operator==(const tunnel_hello&) const = default;
};

/// As JSON. Precondition: the texts are no longer than longest_hello_text.
std::string encode_tunnel_hello(const tunnel_hello& h);

/// Reads what a connector sent, which nobody has checked. A capacity out of bounds becomes the
/// nearest that is allowed. Errors: `bad_gateway` "no_hello" of the source "connector".
runtime::result<tunnel_hello> decode_tunnel_hello(std::string_view text);

}  // namespace postern::actors
