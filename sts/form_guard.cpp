#include "sts/form_guard.hpp"

#include "runtime/encoding.hpp"
#include "sts/limits.hpp"
#include "sts/responses.hpp"

#include <algorithm>

namespace postern::sts {

namespace {

constexpr std::string_view purpose = "sts_form";
constexpr std::string_view cookie_prefix = "__Host-postern-form-";
constexpr size_t suffix_length = 8;
constexpr size_t value_length = 22;  // 16 bytes as base64url

bool is_form_cookie(const std::pair<std::string, std::string>& cookie) {
  return cookie.first.starts_with(cookie_prefix) &&
         cookie.first.size() == cookie_prefix.size() + suffix_length &&
         cookie.second.size() == value_length;
}

}  // namespace

void form_guard::issued::add_cookies(runtime::http_response& response) const {
  add_cookie(response, cookie_name, cookie_value, limits::form_lifetime.count());
  for (const auto& name : cookies_to_clear)
    add_cookie(response, name, "", 0);
}

form_guard::issued form_guard::issue(const incoming& in, std::string_view kind,
                                     const fields& state) const {
  issued result;
  size_t seen = 0;
  for (const auto& cookie : in.cookies) {
    if (!is_form_cookie(cookie)) continue;
    // One that the browser has is used again, so that tabs opened one after the other share it.
    if (++seen == 1) {
      result.cookie_name = cookie.first;
      result.cookie_value = cookie.second;
    } else if (seen > limits::form_cookies) {
      result.cookies_to_clear.push_back(cookie.first);
    }
  }
  if (result.cookie_name.empty()) {
    result.cookie_name = std::string{cookie_prefix} + random_.hex(suffix_length / 2);
    result.cookie_value = random_.token(16);
  }
  auto expires = runtime::to_unix_seconds(clock_.now()) + limits::form_lifetime.count();
  fields content{{"kind", std::string{kind}},
                 {"browser", result.cookie_value},
                 {"expires", std::to_string(expires)},
                 {"state", runtime::make_form(state)}};
  result.form = seal_fields(*ring_, content, purpose);
  return result;
}

std::optional<form_guard::opened> form_guard::open(const incoming& in,
                                                   std::string_view kind) const {
  auto content = open_fields(*ring_, value_of(in.form, "form"), purpose);
  if (!content || value_of(*content, "kind") != kind) return std::nullopt;
  auto state = runtime::parse_form(value_of(*content, "state"));
  if (!state) return std::nullopt;
  const auto& browser = value_of(*content, "browser");
  auto expires = number_of(*content, "expires").value_or(0);
  auto same_browser = [&](const auto& cookie) {
    return is_form_cookie(cookie) && runtime::equal_in_constant_time(cookie.second, browser);
  };
  opened result{std::move(*state)};
  result.may_act = runtime::to_unix_seconds(clock_.now()) < expires &&
                   std::any_of(in.cookies.begin(), in.cookies.end(), same_browser);
  return result;
}

}  // namespace postern::sts
