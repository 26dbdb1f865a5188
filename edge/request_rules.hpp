#pragma once
// What a user's request must be before anything is asked about it (RFC 9110, RFC 9112, RFC 9113):
// the rules against smuggling and confusion that a parser alone does not know. Pure functions.

#include "runtime/error.hpp"
#include "runtime/http1_parser.hpp"

#include <string>
#include <string_view>

namespace postern::edge {

/// A request head that has passed the rules. Views end with the parser's buffer.
struct checked_request {
  std::string_view method;
  std::string_view host;                 ///< without port, as sent
  std::string_view authority;            ///< as sent
  std::string_view target;               ///< origin-form: path and query
  std::string_view path;                 ///< of the target
  std::string_view via = "1.1 postern";  ///< our line of Via (RFC 9110, section 7.6.3)
  bool websocket = false;  ///< a WebSocket upgrade (RFC 6455, section 4.2.1; RFC 8441, section 5)
  bool expects_continue = false;
  bool keep_alive = true;
  bool has_content = false;
};

/// Errors: `invalid_input` "malformed_head" and friends, "method_refused" for TRACE and CONNECT,
/// "coding_refused" for a transfer coding other than chunked, "expectation_refused".
runtime::result<checked_request> check_request(const runtime::http1_request_parser& head);

/// The same for a head of HTTP/2 that nghttp2 has let pass (RFC 9113, section 8.2 and 8.3): pseudo
/// fields first, once, and in lower case. `has_content`: it did not end the stream. Errors as
/// above; "method_refused" also for an extended CONNECT that is no WebSocket.
runtime::result<checked_request> check_http2_request(const runtime::field_list& fields,
                                                     bool has_content);

/// Splits "host:port" or "[v6]:port"; empty if malformed.
std::string_view host_of(std::string_view authority) noexcept;

/// RFC 9110, section 9.2.2.
bool is_idempotent(std::string_view method) noexcept;

}  // namespace postern::edge
