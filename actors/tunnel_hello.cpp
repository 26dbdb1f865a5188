#include "actors/tunnel_hello.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace postern::actors {

namespace json = boost::json;

namespace {

constexpr int64_t wire_version = 1;

runtime::error no_hello(const char* detail) {
  return {runtime::error_category::bad_gateway, "no_hello", "connector", detail};
}

/// A text that may stand in a log line as it is, or an empty one.
std::string plain_text(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  const std::string text{value->get_string()};
  const bool plain = text.size() <= longest_hello_text &&
                     std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  return plain ? text : std::string{};
}

}  // namespace

std::string encode_tunnel_hello(const tunnel_hello& h) {
  return json::serialize(json::object{{"wire_version", wire_version},
                                      {"version", h.version},
                                      {"instance", h.instance},
                                      {"capacity", h.capacity}});
}

runtime::result<tunnel_hello> decode_tunnel_hello(std::string_view text) {
  if (text.size() > longest_hello) return no_hello("the hello is too long");
  boost::system::error_code failure;
  const auto value = json::parse({text.data(), text.size()}, failure);
  const auto* object = failure ? nullptr : value.if_object();
  if (object == nullptr) return no_hello("the hello is not a JSON object");
  const auto* version = object->if_contains("wire_version");
  if (version == nullptr || *version != wire_version)
    return no_hello("the hello is of another version of the protocol");
  const auto* capacity = object->if_contains("capacity");
  tunnel_hello h{.instance = plain_text(*object, "instance"),
                 .version = plain_text(*object, "version")};
  if (capacity != nullptr && capacity->is_int64())
    h.capacity = static_cast<uint32_t>(
        std::clamp<int64_t>(capacity->get_int64(), 1, largest_hello_capacity));
  if (h.instance.empty()) return no_hello("the hello names no instance");
  return h;
}

}  // namespace postern::actors
