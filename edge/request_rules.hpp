#pragma once
// What a user's HTTP/1.1 request must be before anything is asked about it (RFC 9110, RFC 9112):
// the rules against smuggling and confusion that a parser alone does not know. Pure functions.

#include "runtime/error.hpp"
#include "runtime/http1_parser.hpp"

#include <string>
#include <string_view>

namespace postern::edge {

/// A request head that has passed the rules. Views end with the parser's buffer.
struct checked_request {
  std::string_view method;
  std::string_view host;       ///< without port, as sent
  std::string_view authority;  ///< as sent
  std::string_view target;     ///< origin-form: path and query
  std::string_view path;       ///< of the target
  bool websocket = false;      ///< a WebSocket upgrade (RFC 6455, section 4.2.1)
  bool expects_continue = false;
  bool keep_alive = true;
  bool has_content = false;
};

/// Errors: `invalid_input` "malformed_head" and friends, "method_refused" for TRACE and CONNECT,
/// "coding_refused" for a transfer coding other than chunked, "expectation_refused".
runtime::result<checked_request> check_request(const runtime::http1_request_parser& head);

/// Splits "host:port" or "[v6]:port"; empty if malformed.
std::string_view host_of(std::string_view authority) noexcept;

/// RFC 9110, section 9.2.2.
bool is_idempotent(std::string_view method) noexcept;

}  // namespace postern::edge
