#include "config/published_json.hpp"

#include "config/published_fields.hpp"
#include "config/wording.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>

namespace postern::config {

namespace {

namespace json = boost::json;

json::value encode(const std::string& v) {
  return json::value(v);
}
json::value encode(bool v) {
  return json::value(v);
}
json::value encode(milliseconds v) {
  return json::value(format_duration(v));
}
json::value encode(preauthentication_kind v) {
  return json::value(to_string(v));
}

json::value encode(origin_protocol_kind v) {
  return json::value(to_string(v));
}

json::value encode(const std::vector<std::string>& v) {
  json::array out;
  out.reserve(v.size());
  for (const auto& text : v)
    out.emplace_back(text);
  return out;
}

/// What a value of the wrong type is called.
std::string_view kind_name(const json::value& v) {
  if (v.is_string()) return "a text";
  if (v.is_bool()) return "a boolean";
  if (v.is_number()) return "a number";
  if (v.is_array()) return "a list";
  return v.is_object() ? "an object" : "null";
}

std::string wrong_type(std::string_view wanted, const json::value& v) {
  return std::string{"expected "}.append(wanted).append(", found ").append(kind_name(v));
}

/// Each decode sets `out` or returns what was expected.
std::string decode(const json::value& v, std::string& out) {
  if (!v.is_string()) return wrong_type("a text", v);
  out = v.get_string();
  return {};
}

std::string decode(const json::value& v, bool& out) {
  if (!v.is_bool()) return wrong_type("true or false", v);
  out = v.get_bool();
  return {};
}

std::string decode(const json::value& v, milliseconds& out) {
  if (!v.is_string()) return wrong_type(R"(a duration such as "30s")", v);
  auto parsed = parse_duration(v.get_string());
  if (!parsed) return parsed.error().message;
  out = *parsed;
  return {};
}

std::string decode(const json::value& v, preauthentication_kind& out) {
  constexpr std::string_view wanted = R"("oidc" or "passthrough")";
  if (!v.is_string()) return wrong_type(wanted, v);
  auto parsed = parse_preauthentication(v.get_string());
  if (!parsed) return expected(wanted, v.get_string());
  out = *parsed;
  return {};
}

std::string decode(const json::value& v, origin_protocol_kind& out) {
  constexpr std::string_view wanted = R"("http1", "h2" or "h2c")";
  if (!v.is_string()) return wrong_type(wanted, v);
  auto parsed = parse_origin_protocol(v.get_string());
  if (!parsed) return expected(wanted, v.get_string());
  out = *parsed;
  return {};
}

std::string decode(const json::value& v, std::vector<std::string>& out) {
  if (!v.is_array()) return wrong_type("a list of texts", v);
  out.clear();
  for (const auto& element : v.get_array()) {
    if (!element.is_string()) return wrong_type("a list of texts", element);
    out.emplace_back(element.get_string());
  }
  return {};
}

/// `application "wiki": `, as far as the name is known.
std::string prefix(std::string_view kind, const json::object& object) {
  std::string out{kind};
  if (const auto* name = object.if_contains("name"); name && name->is_string()) {
    out.append(" ").append(quote(name->get_string()));
  }
  return out.append(": ");
}

/// The message about the first key that is not among `known`; empty if there is none.
std::string find_unknown(const json::object& object, std::span<const std::string_view> known) {
  for (const auto& member : object) {
    std::string_view key = member.key();
    if (std::find(known.begin(), known.end(), key) == known.end()) return unknown_key(key, known);
  }
  return {};
}

}  // namespace

json::object to_json(const application& a) {
  json::object out;
  visit_fields(
      a, [&](std::string_view name, const auto& member) { out.emplace(name, encode(member)); });
  return out;
}

json::object to_json(const group& g) {
  return {{"name", g.name}};
}

result<application> application_from_json(const json::value& value) {
  const auto* object = value.if_object();
  if (!object) return problem{.message = "application: " + wrong_type("an object", value)};
  if (auto text = find_unknown(*object, field_names()); !text.empty()) {
    return problem{.message = prefix("application", *object) + text};
  }
  application a;
  std::string refused;
  visit_fields(a, [&](std::string_view name, auto& member) {
    const auto* v = object->if_contains(name);
    if (!v || !refused.empty()) return;
    if (auto text = decode(*v, member); !text.empty())
      refused.append(name).append(": ").append(text);
  });
  if (!refused.empty()) return problem{.message = prefix("application", *object) + refused};
  normalize(a);
  if (auto checked = validate(a); !checked) return checked.error();
  return a;
}

result<group> group_from_json(const json::value& value) {
  static constexpr std::array<std::string_view, 1> known{"name"};
  const auto* object = value.if_object();
  if (!object) return problem{.message = "group: " + wrong_type("an object", value)};
  if (auto text = find_unknown(*object, known); !text.empty()) {
    return problem{.message = prefix("group", *object) + text};
  }
  group g;
  if (const auto* name = object->if_contains("name")) {
    if (auto text = decode(*name, g.name); !text.empty())
      return problem{.message = "group: name: " + text};
  }
  if (auto checked = validate(g); !checked) return checked.error();
  return g;
}

}  // namespace postern::config
