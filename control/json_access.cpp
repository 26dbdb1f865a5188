#include "control/json_access.hpp"

#include <boost/json/array.hpp>

#include <ctime>

namespace postern::control {

namespace {

namespace json = boost::json;

const json::value* find(const json::object& object, std::string_view key) {
  return object.if_contains({key.data(), key.size()});
}

std::string text_of_value(const json::value& v) {
  if (const auto* text = v.if_string()) return {text->data(), text->size()};
  if (v.is_bool()) return v.get_bool() ? "yes" : "no";
  if (v.is_int64()) return std::to_string(v.get_int64());
  if (v.is_uint64()) return std::to_string(v.get_uint64());
  if (v.is_double()) return std::to_string(v.get_double());
  std::string out;
  if (const auto* list = v.if_array()) {
    for (const auto& element : *list)
      out.append(out.empty() ? "" : ", ").append(text_of_value(element));
  }
  return out;
}

}  // namespace

std::string text_of(const json::object& object, std::string_view key) {
  const auto* v = find(object, key);
  return v ? text_of_value(*v) : std::string{};
}

int64_t number_of(const json::object& object, std::string_view key, int64_t otherwise) {
  const auto* v = find(object, key);
  if (!v || !v->is_number()) return otherwise;
  json::error_code code;
  auto number = v->to_number<int64_t>(code);
  return code ? otherwise : number;
}

bool is_true(const json::object& object, std::string_view key) {
  const auto* v = find(object, key);
  return v && v->is_bool() && v->get_bool();
}

std::string time_of(const json::object& object, std::string_view key) {
  const auto* v = find(object, key);
  if (!v || !v->is_number()) return text_of(object, key);
  auto seconds = static_cast<std::time_t>(number_of(object, key));
  std::tm parts{};
  if (seconds <= 0 || !gmtime_r(&seconds, &parts)) return {};
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

const json::object& object_of(const json::object& object, std::string_view key) {
  static const json::object none;
  const auto* v = find(object, key);
  const auto* member = v ? v->if_object() : nullptr;
  return member ? *member : none;
}

}  // namespace postern::control
