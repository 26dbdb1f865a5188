#include "control/views.hpp"

#include "config/wording.hpp"
#include "control/json_access.hpp"
#include "control/terminal.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace postern::control {

namespace {

using object = boost::json::object;

using reader = std::string (*)(const object&, std::string_view key);

struct column {
  const char* title;
  const char* key;
  reader read = text_of;
};

/// The only thing of a connector that an administrator has to act on at once.
std::string alarm_of(const object& o, std::string_view key) {
  return is_true(o, key) ? "ALARM duplicate identity" : "";
}

std::string state_of(const object& o, std::string_view key) {
  if (is_true(o, "revoked")) return "revoked";
  if (is_true(o, "drained")) return is_true(o, key) ? "draining" : "drained";
  return is_true(o, key) ? "connected" : "offline";
}

/// A node that is alone has no address.
std::string node_of(const object& o, std::string_view key) {
  auto address = text_of(o, key);
  return address.empty() && is_true(o, "self") ? "self" : address;
}

std::string link_of(const object& o, std::string_view key) {
  if (is_true(o, "draining")) return "draining";
  if (is_true(o, "self")) return "this node";
  return is_true(o, key) ? "connected" : "unreachable";
}

/// Sessions name their user either directly or with all of its claims.
std::string user_of(const object& o, std::string_view key) {
  auto name = text_of(o, key);
  return name.empty() ? text_of(object_of(o, key), "name") : name;
}

const std::vector<column>& columns_of(std::string_view kind) {
  static const std::vector<column> groups{{"NAME", "name"}};
  static const std::vector<column> applications{{"NAME", "name"},
                                                {"EXTERNAL URL", "external_url"},
                                                {"INTERNAL URL", "internal_url"},
                                                {"PREAUTHENTICATION", "preauthentication"},
                                                {"GROUP", "group"},
                                                {"ASSIGNED", "assigned"},
                                                {"MAINTENANCE", "maintenance"}};
  static const std::vector<column> connectors{
      {"NAME", "name"},
      {"ID", "id"},
      {"GROUP", "group"},
      {"STATE", "connected", state_of},
      {"TUNNELS", "tunnels"},
      {"VERSION", "version"},
      {"LAST SEEN", "last_seen", time_of},
      {"CERTIFICATE EXPIRES", "certificate_expires", time_of},
      {"ALARM", "duplicate", alarm_of}};
  static const std::vector<column> sessions{{"ID", "id"},
                                            {"USER", "user", user_of},
                                            {"APPLICATION", "application"},
                                            {"SIGNED IN", "issued_at", time_of},
                                            {"LAST USED", "last_used", time_of},
                                            {"EXPIRES", "expires_at", time_of}};
  static const std::vector<column> audit{{"SEQUENCE", "sequence"},  {"TIME", "at", time_of},
                                         {"CATEGORY", "category"},  {"ACTION", "action"},
                                         {"ACTOR", "actor"},        {"TARGET", "target"},
                                         {"OUTCOME", "outcome"},    {"ADDRESS", "address"},
                                         {"REQUEST", "request_id"}, {"DETAIL", "detail"}};
  static const std::vector<column> nodes{{"NODE", "address", node_of},
                                         {"STATE", "connected", link_of},
                                         {"VERSION", "version"},
                                         {"CONNECTORS DIAL", "connectors_address"},
                                         {"GROUPS WITH TUNNELS", "groups"}};
  if (kind == "groups") return groups;
  if (kind == "nodes") return nodes;
  if (kind == "applications") return applications;
  if (kind == "connectors") return connectors;
  return kind == "sessions" ? sessions : audit;
}

constexpr std::array<std::string_view, 6> kinds{"applications", "groups",   "connectors",
                                                "nodes",        "sessions", "audit"};

}  // namespace

outcome<std::string> parse_kind(std::string_view text) {
  for (auto kind : kinds) {
    if (text == kind || (kind.ends_with('s') && text == kind.substr(0, kind.size() - 1)))
      return std::string{kind};
  }
  auto message = "expected applications, groups, connectors, nodes, sessions or audit, found \"" +
                 printable(text) + "\"";
  if (auto meant = config::nearest(text, kinds); !meant.empty())
    message.append("; did you mean ").append(meant).append("?");
  return bad_input(std::move(message));
}

outcome<boost::json::array> list_of(std::string_view kind, const boost::json::value& response) {
  using result = outcome<boost::json::array>;
  if (const auto* list = response.if_array()) return result{boost::system::in_place_value, *list};
  if (const auto* o = response.if_object()) {
    const auto* inner = o->if_contains({kind.data(), kind.size()});
    if (inner && inner->is_array())
      return result{boost::system::in_place_value, inner->get_array()};
    if (!inner) return result{boost::system::in_place_value, boost::json::array(1, response)};
  }
  return refusal("the service answered something that is no list of " + std::string{kind});
}

std::string view(std::string_view kind, const boost::json::array& list) {
  const auto& columns = columns_of(kind);
  std::vector<std::string> titles;
  titles.reserve(columns.size());
  for (const auto& c : columns)
    titles.emplace_back(c.title);
  table rows{std::move(titles)};
  for (const auto& element : list) {
    const auto* o = element.if_object();
    if (!o) continue;
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const auto& c : columns)
      cells.push_back(c.read(*o, c.key));
    rows.add(std::move(cells));
  }
  return rows.empty() ? "no " + std::string{kind} + "\n" : rows.text();
}

}  // namespace postern::control
