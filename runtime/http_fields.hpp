#pragma once
// Header fields as views: what a parser hands out and an HTTP/2 session takes, without a copy per
// field.

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::runtime {

/// One field line. The views live as long as the buffer they were parsed from.
struct field_view {
  std::string_view name;
  std::string_view value;
};

using field_list = std::vector<field_view>;

/// ASCII case-insensitive comparison (field names, RFC 9110, section 5.1).
inline bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const unsigned char x = static_cast<unsigned char>(a[i]), y = static_cast<unsigned char>(b[i]);
    if (x == y) continue;
    const unsigned char lx = x | 0x20, ly = y | 0x20;
    if (lx != ly || lx < 'a' || lx > 'z') return false;
  }
  return true;
}

/// The first field of that name, or null.
inline const field_view* find_field(const field_list& fields, std::string_view name) noexcept {
  const auto i = std::find_if(fields.begin(), fields.end(),
                              [&](const auto& f) { return iequals(f.name, name); });
  return i == fields.end() ? nullptr : &*i;
}

/// Its value, or an empty text.
inline std::string_view field_value(const field_list& fields, std::string_view name) noexcept {
  const auto* f = find_field(fields, name);
  return f == nullptr ? std::string_view{} : f->value;
}

/// Whether a comma-separated list holds a token, ASCII case-insensitively (RFC 9110,
/// section 5.6.1).
bool list_contains(std::string_view list, std::string_view token) noexcept;

/// Removes spaces and tabs at both ends.
std::string_view trim(std::string_view text) noexcept;

}  // namespace postern::runtime
