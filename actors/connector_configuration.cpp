#include "actors/connector_configuration.hpp"

#include "config/published_fields.hpp"
#include "config/url.hpp"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

namespace postern::actors {

namespace json = boost::json;
using runtime::error;
using runtime::error_category;

namespace {

/// Thrown and caught in this file only: what is wrong with which field.
struct malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Fields that travel only if they say something.
template <class Application>
auto origin_texts(Application& a) {
  return std::array{std::pair{"backend_authorities", &a.backend_authorities},
                    std::pair{"backend_server_name", &a.backend_server_name},
                    std::pair{"backend_client_certificate", &a.backend_client_certificate}};
}

json::object to_json(const config::application& a) {
  json::object o{
      {"name", a.name},
      {"internal_url", a.internal_url},
      {"group", a.group},
      {"connect_timeout", config::format_duration(a.connect_timeout)},
      {"response_timeout", config::format_duration(a.response_timeout)},
      {"idle_timeout", config::format_duration(a.idle_timeout)},
      {"validate_backend_certificate", a.validate_backend_certificate},
  };
  if (a.origin_protocol != config::origin_protocol_kind::http1)
    o.emplace("origin_protocol", config::to_string(a.origin_protocol));
  for (const auto& [name, value] : origin_texts(a))
    if (!value->empty()) o.emplace(name, *value);
  return o;
}

const json::value& required(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  if (v == nullptr) throw malformed{std::string{key} + ": missing"};
  return *v;
}

std::string text(const json::object& o, std::string_view key) {
  const auto* s = required(o, key).if_string();
  if (s == nullptr || s->empty()) throw malformed{std::string{key} + ": expected a text"};
  return std::string{*s};
}

bool truth(const json::object& o, std::string_view key, bool absent) {
  const auto* v = o.if_contains(key);
  if (v == nullptr) return absent;
  if (!v->is_bool()) throw malformed{std::string{key} + ": expected true or false"};
  return v->get_bool();
}

uint64_t number(const json::object& o, std::string_view key, uint64_t least, uint64_t most) {
  const auto& v = required(o, key);
  const auto n = v.is_uint64()                        ? v.get_uint64()
                 : v.is_int64() && v.get_int64() >= 0 ? static_cast<uint64_t>(v.get_int64())
                                                      : most + 1;
  if (n < least || n > most)
    throw malformed{std::string{key} + ": expected a whole number from " + std::to_string(least) +
                    " to " + std::to_string(most)};
  return n;
}

void read_duration(const json::object& o, std::string_view key, milliseconds& out) {
  if (o.if_contains(key) == nullptr) return;
  const auto d = config::parse_duration(text(o, key));
  if (d.has_error()) throw malformed{std::string{key} + ": " + d.error().message};
  out = *d;
}

/// None: it needs what this connector does not have. Its requests are answered
/// `application_unknown`, and the other applications go on.
std::optional<config::application> read_application(const json::value& v) {
  const auto* o = v.if_object();
  if (o == nullptr) throw malformed{"applications: expected objects"};
  config::application a;
  a.name = text(*o, "name");
  a.internal_url = text(*o, "internal_url");
  a.group = text(*o, "group");
  if (const auto url = config::parse_web_url(a.internal_url); url.has_error())
    throw malformed{"internal_url of " + a.name + ": " + url.error().message};
  read_duration(*o, "connect_timeout", a.connect_timeout);
  read_duration(*o, "response_timeout", a.response_timeout);
  read_duration(*o, "idle_timeout", a.idle_timeout);
  a.validate_backend_certificate = truth(*o, "validate_backend_certificate", true);
  if (o->contains("origin_protocol")) {
    const auto protocol = config::parse_origin_protocol(text(*o, "origin_protocol"));
    if (!protocol) {
      spdlog::warn("application {} needs an origin protocol that this version does not know",
                   a.name);
      return std::nullopt;
    }
    a.origin_protocol = *protocol;
  }
  for (const auto& [name, value] : origin_texts(a))
    if (o->contains(name)) *value = text(*o, name);
  return a;
}

connector_configuration read(const json::object& o) {
  connector_configuration c;
  c.version = number(o, "version", 1, (uint64_t{1} << 53) - 1);
  c.connector = text(o, "connector");
  c.group = text(o, "group");
  c.tunnels = static_cast<uint32_t>(number(o, "tunnels", 1, largest_tunnel_count));
  c.exchanges = static_cast<uint32_t>(number(o, "exchanges", 1, largest_exchange_count));
  c.renew_certificate = truth(o, "renew_certificate", false);
  c.drained = truth(o, "drained", false);
  const auto* list = required(o, "applications").if_array();
  if (list == nullptr) throw malformed{"applications: expected an array"};
  c.applications.reserve(list->size());
  for (const auto& v : *list)
    if (auto a = read_application(v)) c.applications.push_back(std::move(*a));
  return c;
}

error refusal(const char* cause, std::string detail) {
  return {error_category::invalid_input, cause, "service", std::move(detail)};
}

// FNV-1a, 64 bits: a change has to show, nobody attacks. Its result is stable everywhere, which
// std::hash is not.
uint64_t fnv1a(std::string_view bytes, uint64_t hash = 14'695'981'039'346'656'037U) {
  for (const char c : bytes) {
    hash ^= static_cast<uint8_t>(c);
    hash *= 1'099'511'628'211U;
  }
  return hash;
}

}  // namespace

std::string encode_connector_configuration(const connector_configuration& c) {
  json::array applications;
  applications.reserve(c.applications.size());
  for (const auto& a : c.applications)
    applications.push_back(to_json(a));
  json::object out{
      {"wire_version", connector_wire_version},
      {"version", c.version},
      {"connector", c.connector},
      {"group", c.group},
      {"tunnels", c.tunnels},
      {"exchanges", c.exchanges},
      {"renew_certificate", c.renew_certificate},
      {"applications", std::move(applications)},
  };
  if (c.drained) out["drained"] = true;
  return json::serialize(out);
}

runtime::result<connector_configuration> decode_connector_configuration(std::string_view input) {
  if (input.size() > largest_connector_configuration)
    return refusal("configuration_too_large", std::to_string(input.size()) + " bytes");
  boost::system::error_code failed;
  const auto value = json::parse({input.data(), input.size()}, failed);
  if (failed) return refusal("configuration_malformed", failed.message());
  const auto* object = value.if_object();
  if (object == nullptr) return refusal("configuration_malformed", "expected an object");
  try {
    const auto wire = number(*object, "wire_version", 1, UINT32_MAX);
    if (wire != static_cast<uint64_t>(connector_wire_version))
      return refusal("configuration_wire_version", std::to_string(wire));
    return read(*object);
  } catch (const malformed& e) {
    return refusal("configuration_malformed", e.what());
  }
}

config::application for_connector(const config::application& a) {
  config::application kept;
  kept.name = a.name;
  kept.internal_url = a.internal_url;
  kept.group = a.group;
  kept.connect_timeout = a.connect_timeout;
  kept.response_timeout = a.response_timeout;
  kept.idle_timeout = a.idle_timeout;
  kept.validate_backend_certificate = a.validate_backend_certificate;
  kept.origin_protocol = a.origin_protocol;
  kept.backend_authorities = a.backend_authorities;
  kept.backend_server_name = a.backend_server_name;
  kept.backend_client_certificate = a.backend_client_certificate;
  return kept;
}

uint64_t digest(const std::vector<config::application>& applications) {
  auto hash = fnv1a({});
  for (const auto& a : applications)
    hash = fnv1a(json::serialize(to_json(a)), hash);
  return hash;
}

uint64_t content_version(const connector_configuration& c, uint64_t applications) {
  json::array head{c.connector, c.group, c.tunnels, c.exchanges, c.renew_certificate, applications};
  if (c.drained) head.emplace_back("drained");
  const auto version = fnv1a(json::serialize(head)) >> 11U;
  return version == 0 ? 1 : version;
}

}  // namespace postern::actors
