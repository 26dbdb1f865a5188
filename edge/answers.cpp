#include "edge/answers.hpp"

#include "edge/cookies.hpp"
#include "runtime/encoding.hpp"
#include "runtime/http_fields.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <ctime>

namespace postern::edge {

using runtime::http_field;
using runtime::http_response;

namespace {

std::string_view view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

}  // namespace

target_parts split_target(std::string_view target) noexcept {
  const auto question = target.find('?');
  if (question == target.npos) return {target, {}};
  return {target.substr(0, question), target.substr(question + 1)};
}

std::optional<parameters> read_parameters(std::string_view text) {
  auto parsed = runtime::parse_form(text);
  if (!parsed) return {};
  size_t pairs = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    if (end != 0) ++pairs;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (pairs != parsed->size()) return {};
  return parsed;
}

std::string_view value_of(const parameters& all, const std::string& name) noexcept {
  const auto found = all.find(name);
  return found == all.end() ? std::string_view{} : std::string_view{found->second};
}

std::optional<std::vector<std::string>> split_path(std::string_view path) {
  std::vector<std::string> segments;
  if (!path.starts_with('/')) return {};
  path.remove_prefix(1);
  for (;;) {
    const auto end = path.find('/');
    const auto segment = path.substr(0, end);
    // In a path, unlike in a form, "+" is a plus.
    std::string escaped;
    for (const char c : segment)
      c == '+' ? escaped += "%2B" : escaped += c;
    auto decoded = runtime::form_decode(escaped);
    if (!decoded || std::ranges::any_of(*decoded, [](unsigned char c) { return c < 0x20; }))
      return {};
    segments.push_back(std::move(*decoded));
    if (end == path.npos) return segments;
    path.remove_prefix(end + 1);
  }
}

std::string joined_cookies(const runtime::http_request& request) {
  std::string all;
  const auto range = request.equal_range(http_field::cookie);
  for (auto field = range.first; field != range.second; ++field)
    append_cookies(all, view(field->value()));
  return all;
}

std::string_view credentials_of(const runtime::http_request& request,
                                std::string_view scheme) noexcept {
  const auto field = runtime::trim(view(request[http_field::authorization]));
  if (field.size() <= scheme.size() || field[scheme.size()] != ' ' ||
      !runtime::iequals(field.substr(0, scheme.size()), scheme))
    return {};
  return runtime::trim(field.substr(scheme.size()));
}

std::string_view media_type_of(const runtime::http_request& request) noexcept {
  const auto field = view(request[http_field::content_type]);
  return runtime::trim(field.substr(0, field.find(';')));
}

http_response json_answer(runtime::http_status status, const boost::json::value& content) {
  http_response response{status, 11};
  response.set(http_field::content_type, "application/json");
  response.set(http_field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.body() = boost::json::serialize(content);
  return response;
}

http_response redirect_answer(runtime::http_status status, std::string_view location) {
  http_response response{status, 11};
  response.set(http_field::location, boost::beast::string_view{location.data(), location.size()});
  response.set(http_field::cache_control, "no-store");
  response.set("Referrer-Policy", "no-referrer");
  return response;
}

std::string to_rfc3339(runtime::timestamp t) {
  const std::time_t seconds = runtime::to_unix_seconds(t);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

}  // namespace postern::edge
