#pragma once
// Between the tunnel's HTTP/2 and the origin's HTTP/1.1: the request head as text, and which fields
// go on in either direction (RFC 9110, section 7.6.1; RFC 9113, section 8.2). Pure functions, used
// by origin_exchange and origin_response.

#include "runtime/http_fields.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern::connector {

/// How content is told apart from what follows it on the connection to the origin.
enum class content_framing : uint8_t {
  none,     ///< there is no content: the request is whole with its head
  length,   ///< `content-length` says how much
  chunked,  ///< RFC 9112, section 7.1
  raw,      ///< bytes until the end of the connection: WebSocket
};

/// What the rest of an exchange needs to know of its request.
struct request_traits {
  content_framing framing = content_framing::none;
  bool head = false;              ///< HEAD: the response has no content
  bool idempotent = false;        ///< RFC 9110, section 9.2.2
  bool websocket = false;         ///< extended CONNECT (RFC 8441)
  bool expects_continue = false;  ///< RFC 9110, section 10.1.1
};

/// Appends the HTTP/1.1 head of a request to `out`. `fields` are those of a tunnel's request,
/// pseudo-fields included; `ended`: no content follows. Left out are hop-by-hop fields, those that
/// `connection` names, and `postern-*`. None, and `out` as it was, if `fields` make no request: a
/// pseudo-field is missing or cannot stand in a request line.
std::optional<request_traits> write_request_head(const runtime::field_list& fields, bool ended,
                                                 std::string& out);

/// Whether a tunnel's request opens a WebSocket (RFC 8441).
bool is_websocket(const runtime::field_list& fields) noexcept;

/// The same for an origin that speaks HTTP/2: appends to `out` what goes on of `fields`, pseudo-
/// fields first. Precondition: not is_websocket().
std::optional<request_traits> select_request_fields(const runtime::field_list& fields, bool ended,
                                                    runtime::field_list& out);

/// Appends to `out` the fields of an origin's response head that go on: not the hop-by-hop ones,
/// pseudo-fields, those that Connection names, and `postern-*`. Names must be lower-case. `status`
/// decides whether a Content-Length may stand there (RFC 9110, section 8.6).
void select_response_fields(const runtime::field_list& fields, unsigned status,
                            runtime::field_list& out);

/// Our line of a response's Via (RFC 9110, section 7.6.3): `version` of HTTP is what the origin
/// answered in, "1.0", "1.1" or "2". The node says the same of the request, in the user's version.
runtime::field_view via_of(std::string_view version) noexcept;

/// Whether a trailer field may go on: no framing, routing or pseudo-field (RFC 9110,
/// section 6.5.1), no `postern-*`. The name in lower case.
bool is_trailer(std::string_view name) noexcept;

/// Turns the field names of a complete HTTP/1.1 head into lower case, where they stand: HTTP/2
/// knows no others.
void lower_case_field_names(std::span<char> head) noexcept;

/// Whether requests of a method may be repeated (RFC 9110, section 9.2.2).
bool is_idempotent(std::string_view method) noexcept;

}  // namespace postern::connector
