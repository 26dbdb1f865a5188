#pragma once
// An IP address with a port, as "192.0.2.1:443" or "[2001:db8::1]:443". Names are not allowed: what
// has to be looked up may block, and may lead elsewhere tomorrow.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::config {

struct endpoint {
  std::string address;  ///< without brackets
  uint16_t port = 0;    ///< never 0 when it was read

  bool operator==(const endpoint&) const = default;
};

std::optional<endpoint> parse_endpoint(std::string_view text);
std::string to_string(const endpoint& e);

}  // namespace postern::config
