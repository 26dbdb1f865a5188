#pragma once
// The one list of an application's fields and of their names in published.toml, the admin API and
// diffs. A new field is added to config::application and here; reading, writing and comparing
// follow.

#include "config/published.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace postern::config {

/// Calls visit(name, member) for every field in the order of the documentation. Members are
/// std::string, std::vector<std::string>, milliseconds, bool, preauthentication_kind or
/// origin_protocol_kind; const if the application is.
template <class Application, class Visitor>
void visit_fields(Application& a, Visitor&& visit) {
  visit("name", a.name);
  visit("external_url", a.external_url);
  visit("internal_url", a.internal_url);
  visit("preauthentication", a.preauthentication);
  visit("group", a.group);
  visit("assigned", a.assigned);
  visit("connect_timeout", a.connect_timeout);
  visit("response_timeout", a.response_timeout);
  visit("idle_timeout", a.idle_timeout);
  visit("http_only_cookie", a.http_only_cookie);
  visit("secure_cookie", a.secure_cookie);
  visit("persistent_cookie", a.persistent_cookie);
  visit("translate_host_header", a.translate_host_header);
  visit("origin_protocol", a.origin_protocol);
  visit("validate_backend_certificate", a.validate_backend_certificate);
  visit("backend_authorities", a.backend_authorities);
  visit("backend_server_name", a.backend_server_name);
  visit("backend_client_certificate", a.backend_client_certificate);
  visit("maintenance", a.maintenance);
  visit("issuer", a.issuer);
  visit("client_id", a.client_id);
  visit("client_secret_file", a.client_secret_file);
}

/// The names that visit_fields gives, in its order.
std::span<const std::string_view> field_names();

/// "oidc" or "passthrough", and back.
std::string_view to_string(preauthentication_kind kind) noexcept;
std::optional<preauthentication_kind> parse_preauthentication(std::string_view text) noexcept;

/// "http1", "h2" or "h2c", and back.
std::string_view to_string(origin_protocol_kind kind) noexcept;
std::optional<origin_protocol_kind> parse_origin_protocol(std::string_view text) noexcept;

/// Field name to (old, new) for each field in which two applications differ, as text for people:
/// durations like "85s", lists like "user:alice, group:staff". Compare with application{} for one
/// that did not exist.
std::map<std::string, std::pair<std::string, std::string>> changed_fields(const application& before,
                                                                          const application& after);

/// The resource as a table of published.toml, every field written out; parse_published reads it
/// back.
std::string to_toml(const application& a);
std::string to_toml(const group& g);

/// Brings external_url and internal_url into the form that is stored and compared: scheme and host
/// in lower case, no default port. A text that is no URL stays as it is; validate refuses it.
void normalize(application& a);

}  // namespace postern::config
