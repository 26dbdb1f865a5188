#pragma once
// A request to the provider, taken apart once and read by every endpoint.

#include "runtime/http_message.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postern::sts {

/// Parameters by name. As RFC 6749, 3.1 wants it, one without a value is as good as absent and is
/// not in here.
using fields = std::map<std::string, std::string>;

/// The value, or an empty text: absent and empty mean the same.
const std::string& value_of(const fields& all, const std::string& name);

struct incoming {
  runtime::http_verb method = runtime::http_verb::unknown;
  std::string path;
  fields query;
  fields form;  ///< of a POST with the content type application/x-www-form-urlencoded, else empty
  std::vector<std::pair<std::string, std::string>>
      cookies;  ///< in the order sent; names may repeat
  std::string authorization;
  std::string request_id;  ///< X-Request-Id, which edge/ sets itself
  std::string address;     ///< of the peer

  /// Why the request cannot be read ("repeated parameter", ...), empty if it can; then only method
  /// and path count.
  std::string problem;

  bool is_post() const noexcept { return method == runtime::http_verb::post; }
  /// The parameters of a request that may come either way (OpenID Connect Core, 3.1.2.1).
  const fields& parameters() const noexcept { return is_post() ? form : query; }
};

/// Never fails: what is wrong stands in `problem`.
incoming read_incoming(const runtime::http_request& request, std::string_view address);

}  // namespace postern::sts
