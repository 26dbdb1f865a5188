#pragma once
// The http and https URLs that people write into configuration, taken apart by Boost.URL (RFC 3986)
// and held to the part of the syntax that is safe to compare as text.

#include "config/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::config {

/// A URL without user information, query and fragment.
struct web_url {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case; an IPv6 address keeps its brackets
  uint16_t port = 0;   ///< never 0: the scheme's default if the text has none
  std::string path;    ///< as written, "/" if the text has none

  /// The scheme's default port.
  uint16_t default_port() const noexcept { return scheme == "https" ? 443 : 80; }
  /// The canonical text: no default port.
  std::string text() const;
  /// host[:port], as the Host field and a certificate's user would write it.
  std::string authority() const;

  bool operator==(const web_url&) const = default;
};

/// Reads a URL. The message says which part is not as expected.
result<web_url> parse_web_url(std::string_view text);

/// Whether a lower-case text is a DNS host name (RFC 1123, section 2.1): no address, no empty
/// label, no final dot, at most 253 characters. Single labels and names under "localhost" are host
/// names too.
bool is_host_name(std::string_view host) noexcept;

/// Whether connections to the host can only be to this machine: "localhost", names under it (RFC
/// 6761, section 6.3), and loopback addresses.
bool is_loopback(std::string_view host) noexcept;

/// Whether the path is safe to compare byte by byte with a request's: it begins and ends with "/",
/// has no empty, "." or
/// ".." segment, and only unreserved characters (RFC 3986, section 2.3), so that percent-encoding
/// has nothing to hide.
bool is_plain_path(std::string_view path) noexcept;

/// ASCII lower case.
std::string lower_case(std::string_view text);

}  // namespace postern::config
