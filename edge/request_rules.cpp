#include "edge/request_rules.hpp"

#include <algorithm>

namespace postern::edge {

namespace {

using runtime::error;
using runtime::error_category;
using runtime::field_list;
using runtime::iequals;

error malformed(const char* detail) {
  return {error_category::invalid_input, "malformed_head", "request", detail};
}

/// The only value of a field that may be there once; `twice` if it is there more often.
std::string_view single_value(const field_list& fields, std::string_view name,
                              bool& twice) noexcept {
  std::string_view value;
  bool seen = false;
  for (const auto& f : fields) {
    if (!iequals(f.name, name)) continue;
    twice = twice || seen;
    seen = true;
    value = f.value;
  }
  return value;
}

/// The request target as origin-form; moves the authority of an absolute-form into `authority` (RFC
/// 9112, 3.2.2).
runtime::result<std::string_view> origin_form(std::string_view target, std::string_view method,
                                              std::string_view& authority) {
  if (target == "*") {
    if (method != "OPTIONS") return malformed("asterisk-form");
    return target;
  }
  if (!target.starts_with('/')) {
    const auto scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return malformed("target");
    const auto scheme = target.substr(0, scheme_end);
    if (!iequals(scheme, "https") && !iequals(scheme, "http")) return malformed("target scheme");
    auto rest = target.substr(scheme_end + 3);
    const auto path_begin = rest.find_first_of("/?");
    const auto named = rest.substr(0, path_begin);
    if (named.find('@') != std::string_view::npos) return malformed("userinfo in target");
    if (!iequals(named, authority)) return malformed("target and Host name different hosts");
    if (path_begin == std::string_view::npos) return std::string_view{"/"};
    if (rest[path_begin] == '?') return malformed("absolute-form without a path");
    target = rest.substr(path_begin);
  }
  for (const char c : target)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '#' || c == '\\')
      return malformed("target characters");
  return target;
}

bool is_valid_host(std::string_view host) noexcept {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':' || c == '[' || c == ']';
  });
}

runtime::result<void> check_expectation(const field_list& fields, checked_request& request) {
  bool twice = false;
  const auto expectation = single_value(fields, "expect", twice);
  if (twice) return malformed("several Expect fields");
  if (!expectation.empty() && !iequals(expectation, "100-continue"))
    return error{error_category::invalid_input, "expectation_refused", "request",
                 std::string{expectation}};
  request.expects_continue = !expectation.empty() && request.has_content;
  return {};
}

error method_refused(std::string_view method) {
  return {error_category::invalid_input, "method_refused", "request", std::string{method}};
}

}  // namespace

std::string_view host_of(std::string_view authority) noexcept {
  auto end = authority.find(authority.starts_with('[') ? ']' : ':');
  if (authority.starts_with('[')) {
    if (end == std::string_view::npos) return {};
    ++end;
  }
  const auto host = authority.substr(0, end);
  auto port = authority.substr(host.size());
  if (port.empty()) return host;
  port.remove_prefix(1);
  const bool is_port = authority[host.size()] == ':' &&
                       port.find_first_not_of("0123456789") == std::string_view::npos;
  return is_port ? host : std::string_view{};
}

bool is_idempotent(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE" || method == "TRACE";
}

runtime::result<checked_request> check_request(const runtime::http1_request_parser& head) {
  const auto& fields = head.fields();
  checked_request request;
  request.method = head.method();
  if (request.method == "TRACE" || request.method == "CONNECT")
    return method_refused(request.method);
  if (head.version() < 11) request.via = "1.0 postern";

  bool twice = false;
  request.authority = single_value(fields, "host", twice);
  if (twice) return malformed("several Host fields");
  request.host = host_of(request.authority);
  if (!is_valid_host(request.host) || !is_valid_host(request.authority)) return malformed("Host");
  auto target = origin_form(head.target(), request.method, request.authority);
  if (!target) return target.error();
  request.target = *target;
  request.path = target->substr(0, target->find('?'));

  const auto coding = single_value(fields, "transfer-encoding", twice);
  if (twice) return malformed("several Transfer-Encoding fields");
  if (runtime::find_field(fields, "transfer-encoding") != nullptr) {
    if (head.version() < 11) return malformed("Transfer-Encoding in HTTP/1.0");
    if (!iequals(coding, "chunked"))
      return error{error_category::invalid_input, "coding_refused", "request", std::string{coding}};
    if (runtime::find_field(fields, "content-length"))
      return malformed("Content-Length and Transfer-Encoding");
  }
  // The parser takes "5, 5" and two equal fields for one length (RFC 9112, 6.3); the next hop may
  // not.
  const auto length = single_value(fields, "content-length", twice);
  if (twice || length.find_first_not_of("0123456789") != std::string_view::npos)
    return malformed("Content-Length");
  request.has_content = head.is_chunked() || head.length().value_or(0) > 0;

  if (auto fine = check_expectation(fields, request); !fine) return fine.error();
  if (head.version() < 11) request.expects_continue = false;

  bool connection_close = head.version() < 11, connection_upgrade = false;
  for (const auto& f : fields) {
    if (!iequals(f.name, "connection")) continue;
    if (runtime::list_contains(f.value, "close")) connection_close = true;
    if (head.version() < 11 && runtime::list_contains(f.value, "keep-alive"))
      connection_close = false;
    if (runtime::list_contains(f.value, "upgrade")) connection_upgrade = true;
  }
  request.keep_alive = !connection_close;
  if (connection_upgrade && iequals(runtime::field_value(fields, "upgrade"), "websocket")) {
    if (request.method != "GET" || request.has_content || head.version() < 11)
      return malformed("WebSocket upgrade");
    if (runtime::field_value(fields, "sec-websocket-key").empty())
      return malformed("Sec-WebSocket-Key");
    request.websocket = true;
  }
  return request;
}

runtime::result<checked_request> check_http2_request(const field_list& fields, bool has_content) {
  checked_request request;
  request.method = runtime::field_value(fields, ":method");
  request.has_content = has_content;
  request.via = "2 postern";
  const auto protocol = runtime::field_value(fields, ":protocol");
  if (request.method == "TRACE" || (request.method == "CONNECT" && protocol != "websocket"))
    return method_refused(request.method);
  if (!iequals(runtime::field_value(fields, ":scheme"), "https")) return malformed("scheme");

  request.authority = runtime::field_value(fields, ":authority");
  if (const auto* host = runtime::find_field(fields, "host")) {
    if (request.authority.empty()) request.authority = host->value;
    if (!iequals(request.authority, host->value))
      return malformed(":authority and Host name different hosts");
  }
  request.host = host_of(request.authority);
  if (!is_valid_host(request.host) || !is_valid_host(request.authority))
    return malformed(":authority");
  auto authority = request.authority;
  auto target = origin_form(runtime::field_value(fields, ":path"), request.method, authority);
  if (!target) return target.error();
  request.target = *target;
  request.path = target->substr(0, target->find('?'));
  if (request.method == "CONNECT") {
    request.websocket = true;
    request.has_content = false;
  }
  if (auto fine = check_expectation(fields, request); !fine) return fine.error();
  return request;
}

}  // namespace postern::edge
