#pragma once
// problem+json (RFC 9457) and status codes of refusals. edge/refusal.hpp is for users; this is for
// the interfaces of programs, which may show what is wrong with their input.

#include "runtime/error.hpp"
#include "runtime/http_message.hpp"

#include <string_view>

namespace postern::edge {

/// The status of a refusal: that of its category (runtime::http_status_code), or the more precise
/// one that RFC 9110 (405, 408, 415, 417, 501, 505) or RFC 6585 (431) has for its cause.
runtime::http_status refusal_status(const runtime::error& why) noexcept;

/// Seconds until it makes sense to try again; 0: waiting does not help.
unsigned retry_after(const runtime::error& why) noexcept;

/// What every refusal carries whatever its form: status, X-Request-Id, no-store, nosniff,
/// Retry-After where waiting helps, and the challenge without which a 401 must not go out (RFC
/// 9110, section 15.5.2).
runtime::http_response bare_refusal(const runtime::error& why, std::string_view request_id);

/// {"type":"about:blank","title","status","detail","cause","source","request_id"}. `detail` is the
/// caller's text for whoever sent the request: never an address or a message of a library.
runtime::http_response make_problem(const runtime::error& why, std::string_view request_id,
                                    std::string_view detail);

}  // namespace postern::edge
