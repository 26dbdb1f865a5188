#pragma once
// Small encodings and compares that several parts need.

#include "runtime/error.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern::runtime {

std::string to_hex(std::span<const uint8_t> bytes);
std::string to_base64(std::string_view bytes);  ///< RFC 4648, section 4, padded
std::optional<std::string> from_base64(
    std::string_view text);                        ///< white space is skipped (RFC 7030, section 4)
std::string to_base64url(std::string_view bytes);  ///< RFC 4648, section 5, unpadded
std::optional<std::string> from_base64url(std::string_view text);
std::string sha256(std::string_view bytes);  ///< 32 raw bytes

/// Compares in a time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

/// Percent-encodes everything but RFC 3986 unreserved characters.
std::string percent_encode(std::string_view text);

/// Decodes %XX and, as in application/x-www-form-urlencoded, '+'. None if malformed.
std::optional<std::string> form_decode(std::string_view text);

/// Reads "a=b&c=d". Of a repeated name the first value counts. None if malformed.
std::optional<std::map<std::string, std::string>> parse_form(std::string_view text);

/// The inverse of parse_form.
std::string make_form(const std::map<std::string, std::string>& fields);

/// Escapes text for HTML content and quoted attribute values.
std::string html_escape(std::string_view text);

}  // namespace postern::runtime
