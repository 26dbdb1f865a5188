#include "edge/cookies.hpp"

#include "edge/relying_party.hpp"
#include "runtime/http_fields.hpp"

#include <algorithm>
#include <array>

namespace postern::edge {

namespace {

constexpr std::string_view host_prefix = "__Host-";
constexpr std::string_view secure_prefix = "__Secure-";
constexpr size_t digits = 8;  ///< of an application's hash, and of an attempt's state

bool is_hexadecimal(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_base64url(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
}

}  // namespace

std::string_view find_cookie(std::string_view header, std::string_view name) noexcept {
  std::string_view found;
  visit_cookies(header, [&](std::string_view other, std::string_view value) {
    if (found.data() == nullptr && other == name) found = value;
  });
  return found;
}

bool is_own_cookie(std::string_view name) noexcept {
  constexpr std::string_view base = "postern";
  constexpr std::string_view attempt = "-attempt-";
  for (const auto prefix : {host_prefix, secure_prefix})
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      break;
    }
  if (!name.starts_with(base)) return false;
  name.remove_prefix(base.size());
  if (name.empty()) return true;
  if (name.starts_with(attempt)) {
    name.remove_prefix(attempt.size());
    return name.size() == digits && is_base64url(name);
  }
  return name.size() == digits + 1 && name.front() == '-' && is_hexadecimal(name.substr(1));
}

bool sets_own_cookie(std::string_view set_cookie) noexcept {
  auto pair = runtime::trim(set_cookie.substr(0, set_cookie.find(';')));
  while (pair.starts_with('='))
    pair = runtime::trim(pair.substr(1));
  return is_own_cookie(runtime::trim(pair.substr(0, pair.find('='))));
}

void append_cookies(std::string& all, std::string_view header) {
  if (!all.empty()) all += "; ";
  all += header;
}

void append_foreign_cookies(std::string& out, std::string_view header) {
  while (!header.empty()) {
    const auto end = header.find(';');
    auto pair = header.substr(0, end);
    header.remove_prefix(end == header.npos ? header.size() : end + 1);
    visit_cookies(pair, [&](std::string_view name, std::string_view) {
      if (is_own_cookie(name)) return;
      const auto begin = pair.find_first_not_of(" \t");
      if (!out.empty()) out += "; ";
      out += pair.substr(begin, pair.find_last_not_of(" \t") - begin + 1);
    });
  }
}

std::string own_cookie_name(const config::application& a, std::string_view purpose) {
  std::string name;
  if (a.secure_cookie) name = application_path(a) == "/" ? host_prefix : secure_prefix;
  return name.append(purpose);
}

std::string make_set_cookie(const config::application& a, std::string_view name,
                            std::string_view value, std::optional<int64_t> max_age,
                            bool http_only) {
  std::string text{name};
  text.append("=").append(value).append("; Path=").append(application_path(a));
  if (max_age) text += "; Max-Age=" + std::to_string(*max_age);
  if (http_only) text += "; HttpOnly";
  if (a.secure_cookie) text += "; Secure";
  return text += "; SameSite=Lax";
}

}  // namespace postern::edge
