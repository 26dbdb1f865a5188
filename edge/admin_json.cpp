#include "edge/admin_json.hpp"

#include "config/published_json.hpp"
#include "edge/answers.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <limits>

namespace postern::edge {

namespace json = boost::json;
using runtime::result;

namespace {

constexpr uint32_t most_audit_events = 1'000;

json::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

json::value time_or_null(runtime::timestamp t) {
  if (t.time_since_epoch().count() <= 0) return nullptr;
  return json::value(to_rfc3339(t));
}

json::value time_or_null(int64_t seconds) {
  return time_or_null(runtime::from_unix_seconds(seconds));
}

const char* name_of(actors::resource_change::action a) {
  switch (a) {
    case actors::resource_change::action::create:
      return "create";
    case actors::resource_change::action::update:
      return "update";
    case actors::resource_change::action::erase:
      break;
  }
  return "erase";
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts)
    out.emplace_back(text);
  return out;
}

runtime::error malformed(std::string_view key, std::string_view expected) {
  return bad_request("json_malformed", std::string{key}.append(": expected ").append(expected));
}

/// A text that has to be there.
result<std::string> read_text(const json::object& content, std::string_view key) {
  const auto* value = content.if_contains(view(key));
  if (value == nullptr || !value->is_string() || value->get_string().empty())
    return malformed(key, "a text");
  return std::string{value->get_string()};
}

result<void> check_keys(const json::object& content,
                        std::initializer_list<std::string_view> known) {
  for (const auto& member : content) {
    const std::string_view key{member.key().data(), member.key().size()};
    if (std::ranges::find(known, key) == known.end())
      return bad_request("json_malformed", "unknown key \"" + std::string{key} + "\"");
  }
  return {};
}

/// Each reader leaves `out` as it is if the key is absent.
result<void> read(const json::value& value, std::string_view key, bool& out) {
  if (!value.is_bool()) return malformed(key, "true or false");
  out = value.get_bool();
  return {};
}

result<void> read(const json::value& value, std::string_view key, std::vector<std::string>& out) {
  if (!value.is_array()) return malformed(key, "a list of names");
  for (const auto& entry : value.get_array()) {
    if (!entry.is_string()) return malformed(key, "a list of names");
    out.emplace_back(entry.get_string());
  }
  return {};
}

template <class Resource>
result<void> read(const json::value& value, std::string_view key, std::vector<Resource>& out,
                  config::result<Resource> (*read_one)(const json::value&)) {
  if (!value.is_array()) return malformed(key, "a list");
  for (const auto& entry : value.get_array()) {
    auto one = read_one(entry);
    if (!one) return bad_request("published_invalid", one.error().message);
    out.push_back(std::move(*one));
  }
  return {};
}

}  // namespace

json::object to_json(const actors::change_report& report) {
  json::array changes;
  for (const auto& change : report.changes) {
    json::object fields;
    for (const auto& [field, values] : change.fields)
      fields[field] = json::array{values.first, values.second};
    changes.push_back(json::object{{"action", name_of(change.what)},
                                   {"kind", change.kind},
                                   {"name", change.name},
                                   {"fields", std::move(fields)}});
  }
  return {{"version", report.version}, {"changes", std::move(changes)}};
}

json::object to_json(const actors::connector_status& status) {
  return {{"id", status.record.id},
          {"name", status.record.name},
          {"group", status.record.group},
          {"revoked", status.record.revoked},
          {"connected", status.connected},
          {"duplicate", status.duplicate},
          {"drained", status.drained},
          {"tunnels", status.tunnels},
          {"exchanges", status.exchanges},
          {"version", status.version},
          {"address", status.address},
          {"enrolled_at", time_or_null(status.record.enrolled_at)},
          {"enrolled_by", status.record.enrolled_by},
          {"last_seen", time_or_null(status.last_seen)},
          {"certificate_expires", time_or_null(status.certificate_expires)}};
}

json::object to_json(const actors::session_status& status) {
  const auto& session = status.session;
  json::object user{{"name", session.user.name},     {"display_name", session.user.display_name},
                    {"email", session.user.email},   {"groups", to_array(session.user.groups)},
                    {"issuer", session.user.issuer}, {"subject", session.user.subject}};
  return {{"id", session.id},
          {"application", session.application},
          {"user", std::move(user)},
          {"issued_at", time_or_null(session.issued_at)},
          {"expires_at", time_or_null(session.expires_at)},
          {"authenticated_at", time_or_null(session.authenticated_at)},
          {"last_used", time_or_null(status.last_used)}};
}

json::object to_json(const actors::audit_event& event) {
  return {{"sequence", event.sequence},     {"at", time_or_null(event.at)},
          {"category", event.category},     {"action", event.action},
          {"actor", event.actor},           {"target", event.target},
          {"outcome", event.outcome},       {"address", event.address},
          {"request_id", event.request_id}, {"detail", event.detail}};
}

json::object to_json(const actors::enrolment_token& token) {
  return {{"token", token.token},
          {"group", token.group},
          {"uses", token.uses},
          {"expires", time_or_null(token.expires)}};
}

runtime::error bad_request(std::string cause, std::string detail) {
  return {runtime::error_category::invalid_input, std::move(cause), "administration",
          std::move(detail)};
}

result<actors::change_request> read_change_request(const json::object& content, std::string by) {
  actors::change_request wanted;
  wanted.by = std::move(by);
  for (const auto& member : content) {
    const std::string_view key{member.key().data(), member.key().size()};
    const auto& value = member.value();
    result<void> done;
    if (key == "groups")
      done = read(value, key, wanted.groups, &config::group_from_json);
    else if (key == "applications")
      done = read(value, key, wanted.applications, &config::application_from_json);
    else if (key == "erase_groups")
      done = read(value, key, wanted.erase_groups);
    else if (key == "erase_applications")
      done = read(value, key, wanted.erase_applications);
    else if (key == "prune")
      done = read(value, key, wanted.prune);
    else if (key == "dry_run")
      done = read(value, key, wanted.dry_run);
    else
      done = bad_request("json_malformed", "unknown key \"" + std::string{key} + "\"");
    if (!done) return done.error();
  }
  return wanted;
}

result<actors::enrolment_token_request> read_token_request(const json::object& content,
                                                           std::string by) {
  actors::enrolment_token_request wanted;
  wanted.by = std::move(by);
  if (auto known = check_keys(content, {"group", "uses", "lifetime"}); !known) return known.error();
  auto group = read_text(content, "group");
  if (!group) return group.error();
  wanted.group = std::move(*group);
  if (const auto* uses = content.if_contains("uses")) {
    json::error_code failure;
    wanted.uses = uses->to_number<uint32_t>(failure);
    if (failure) return malformed("uses", "a whole number");
  }
  if (!content.contains("lifetime")) return wanted;
  const auto text = read_text(content, "lifetime");
  if (!text) return text.error();
  const auto lifetime = config::parse_duration(*text);
  if (!lifetime) return malformed("lifetime", "a duration such as \"1h\"");
  wanted.lifetime = std::chrono::duration_cast<std::chrono::seconds>(*lifetime);
  return wanted;
}

result<std::string> read_only_text(const json::object& content, std::string_view key) {
  if (auto known = check_keys(content, {key}); !known) return known.error();
  return read_text(content, key);
}

result<actors::audit_query> read_audit_query(std::string_view before, std::string_view limit) {
  const auto read_number = [](std::string_view text, uint64_t& out) {
    if (text.empty()) return true;
    const auto* end = text.data() + text.size();
    const auto [stopped, failure] = std::from_chars(text.data(), end, out);
    return failure == std::errc{} && stopped == end &&
           out <= uint64_t{std::numeric_limits<int64_t>::max()};
  };
  actors::audit_query query;
  uint64_t count = query.limit;
  if (!read_number(before, query.before) || !read_number(limit, count) || count == 0)
    return bad_request("query_malformed", "before and limit: expected whole numbers");
  query.limit = static_cast<uint32_t>(std::min<uint64_t>(count, most_audit_events));
  return query;
}

}  // namespace postern::edge
