#include "config/endpoint.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

#include <charconv>

namespace postern::config {

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  auto address = text.substr(0, colon);
  const auto number = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), port);
  if (failed != std::errc{} || end != number.data() + number.size() || port == 0)
    return std::nullopt;
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
    if (!boost::urls::parse_ipv6_address(address)) return std::nullopt;
  } else if (!boost::urls::parse_ipv4_address(address)) {
    return std::nullopt;
  }
  return endpoint{std::string{address}, port};
}

std::string to_string(const endpoint& e) {
  const bool six = e.address.find(':') != e.address.npos;
  return (six ? "[" + e.address + "]" : e.address) + ":" + std::to_string(e.port);
}

}  // namespace postern::config
