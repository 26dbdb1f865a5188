#pragma once
// Enrolment over Secure Transport (RFC 7030) as text: which operation a path names, what a body and
// an Authorization field hold, how an answer is written. Pure functions; edge/connector_api.hpp
// asks the actors.

#include "runtime/http_message.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::edge {

/// A certificate request with an 8,192-bit RSA key and room for attributes; a larger one is refused
/// before anybody parses it.
inline constexpr size_t largest_csr = 16 * 1'024;

enum class est_operation : uint8_t { cacerts, simpleenroll, simplereenroll };

/// A path below /.well-known/est (RFC 7030, section 3.2.2).
struct est_path {
  est_operation operation = est_operation::cacerts;
  std::string
      label;  ///< the segment before the operation, which for us is a connector group; empty: none
};

/// None if the path names no operation that we have.
std::optional<est_path> read_est_path(std::string_view path);

/// The DER in the body of an enrolment: base64 with or without line breaks (RFC 7030, 4.2.1; RFC
/// 8951, section 3.1). None if it is empty, too large, or not base64.
std::optional<std::string> read_est_body(std::string_view body);

/// The password of a Basic Authorization field (RFC 7617), which is the one-time enrolment token;
/// the user name may be anything. Empty if there is none.
std::string read_basic_password(const runtime::http_request& request);

/// 200 with a certs-only PKCS #7 (RFC 7030, 4.1.3 and 4.2.3): base64 in lines of 64 characters.
runtime::http_response est_answer(std::string_view pkcs7_der);

}  // namespace postern::edge
