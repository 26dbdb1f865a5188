#pragma once
// Small helpers for what answers whole requests (sign-in, admin API, EST): reading the request's
// parts, and the few kinds of successful responses.

#include "runtime/http_message.hpp"
#include "runtime/wall_clock.hpp"

#include <boost/json/value.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::edge {

using parameters = std::map<std::string, std::string>;

/// Path and query of a request target; the query without its "?".
struct target_parts {
  std::string_view path;
  std::string_view query;
};
target_parts split_target(std::string_view target) noexcept;

/// The parameters of a query or form. None if malformed, or if one is repeated: which of two values
/// counts is what attackers make parts of a system disagree about (RFC 6749, section 3.1).
std::optional<parameters> read_parameters(std::string_view text);

/// The value, or an empty text.
std::string_view value_of(const parameters& all, const std::string& name) noexcept;

/// The segments of a path, percent-decoded. None if the path is malformed or hides a control
/// character.
std::optional<std::vector<std::string>> split_path(std::string_view path);

/// All Cookie fields of a request as one.
std::string joined_cookies(const runtime::http_request& request);

/// The credentials of an Authorization field that has the scheme (RFC 9110, section 11.4), for
/// example the token of "Bearer"; empty if it has another one.
std::string_view credentials_of(const runtime::http_request& request,
                                std::string_view scheme) noexcept;

/// The media type of the content without its parameters.
std::string_view media_type_of(const runtime::http_request& request) noexcept;

/// JSON that nobody stores.
runtime::http_response json_answer(runtime::http_status status, const boost::json::value& content);

/// A redirect that nobody stores and that does not tell where it came from.
runtime::http_response redirect_answer(runtime::http_status status, std::string_view location);

/// "2026-01-31T12:00:00Z" (RFC 3339).
std::string to_rfc3339(runtime::timestamp t);

}  // namespace postern::edge
