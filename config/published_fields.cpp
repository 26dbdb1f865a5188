#include "config/published_fields.hpp"

#include "config/url.hpp"
#include "config/wording.hpp"

#include <algorithm>
#include <type_traits>

namespace postern::config {

namespace {

std::string text_of(const std::string& v) {
  return v;
}
std::string text_of(bool v) {
  return v ? "true" : "false";
}
std::string text_of(milliseconds v) {
  return format_duration(v);
}
std::string text_of(preauthentication_kind v) {
  return std::string{to_string(v)};
}

std::string text_of(origin_protocol_kind v) {
  return std::string{to_string(v)};
}

std::string text_of(const std::vector<std::string>& v) {
  std::string out;
  for (const auto& element : v)
    out.append(out.empty() ? "" : ", ").append(element);
  return out;
}

std::string toml_of(const std::string& v) {
  return toml_text(v);
}
std::string toml_of(bool v) {
  return text_of(v);
}
std::string toml_of(milliseconds v) {
  return toml_of(format_duration(v));
}
std::string toml_of(preauthentication_kind v) {
  return toml_of(text_of(v));
}

std::string toml_of(origin_protocol_kind v) {
  return toml_of(text_of(v));
}

std::string toml_of(const std::vector<std::string>& v) {
  std::string out = "[";
  for (const auto& element : v)
    out.append(out.size() == 1 ? "" : ", ").append(toml_of(element));
  return out + "]";
}

/// Certificates as people want to see them in a list of changes: how many, and the end of the last
/// one's signature, which differs whenever they do.
std::string certificates_shown(std::string_view pem) {
  constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view end = "-----END CERTIFICATE-----";
  constexpr size_t shown = 12;
  size_t count = 0;
  for (auto at = pem.find(begin); at != pem.npos; at = pem.find(begin, at + 1))
    ++count;
  if (count == 0) return {};
  auto body = pem.substr(0, pem.rfind(end));
  while (body.ends_with('\n') || body.ends_with('\r'))
    body.remove_suffix(1);
  return std::to_string(count) + (count == 1 ? " certificate" : " certificates") + ", ends in " +
         std::string{body.substr(body.size() - std::min(body.size(), shown))};
}

template <class T>
std::string shown_text(std::string_view name, const T& v) {
  if constexpr (std::is_same_v<T, std::string>)
    if (name == "backend_authorities") return certificates_shown(v);
  return text_of(v);
}

void normalize_url(std::string& text) {
  auto url = parse_web_url(text);
  // Without a path the text would silently become another one; validate asks for the "/".
  if (url && text.ends_with('/')) text = url->text();
}

}  // namespace

std::span<const std::string_view> field_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> out;
    const application any;
    visit_fields(any, [&](std::string_view name, const auto&) { out.push_back(name); });
    return out;
  }();
  return names;
}

std::string_view to_string(preauthentication_kind kind) noexcept {
  return kind == preauthentication_kind::oidc ? "oidc" : "passthrough";
}

std::optional<preauthentication_kind> parse_preauthentication(std::string_view text) noexcept {
  if (text == "oidc") return preauthentication_kind::oidc;
  if (text == "passthrough") return preauthentication_kind::passthrough;
  return {};
}

std::string_view to_string(origin_protocol_kind kind) noexcept {
  switch (kind) {
    case origin_protocol_kind::h2:
      return "h2";
    case origin_protocol_kind::h2c:
      return "h2c";
    default:
      return "http1";
  }
}

std::optional<origin_protocol_kind> parse_origin_protocol(std::string_view text) noexcept {
  if (text == "http1") return origin_protocol_kind::http1;
  if (text == "h2") return origin_protocol_kind::h2;
  if (text == "h2c") return origin_protocol_kind::h2c;
  return {};
}

std::map<std::string, std::pair<std::string, std::string>> changed_fields(
    const application& before, const application& after) {
  // The TOML texts differ whenever the members do; the plain ones (["a, b"] and ["a", "b"]) need
  // not.
  std::map<std::string_view, std::pair<std::string, std::string>> shown;
  std::map<std::string_view, std::string> exact;
  visit_fields(before, [&](std::string_view name, const auto& member) {
    shown[name].first = shown_text(name, member);
    exact[name] = toml_of(member);
  });
  std::map<std::string, std::pair<std::string, std::string>> out;
  visit_fields(after, [&](std::string_view name, const auto& member) {
    if (exact[name] == toml_of(member)) return;
    out.emplace(name, std::pair{std::move(shown[name].first), shown_text(name, member)});
  });
  return out;
}

std::string to_toml(const application& a) {
  std::string out = "[[application]]\n";
  visit_fields(a, [&](std::string_view name, const auto& member) {
    out.append(name).append(" = ").append(toml_of(member)).append("\n");
  });
  return out;
}

std::string to_toml(const group& g) {
  return "[[group]]\nname = " + toml_of(g.name) + "\n";
}

void normalize(application& a) {
  normalize_url(a.external_url);
  normalize_url(a.internal_url);
}

}  // namespace postern::config
