#include "config/published_fields.hpp"
#include "config/published_json.hpp"
#include "control/commands.hpp"
#include "control/json_access.hpp"
#include "control/terminal.hpp"
#include "control/views.hpp"
#include "runtime/encoding.hpp"

#include <algorithm>

namespace postern::control {

namespace {

namespace json = boost::json;

/// One element of a list as the table of published.toml that makes it.
outcome<std::string> toml_of(std::string_view kind, const json::value& element) {
  auto unreadable = [](const config::problem& p) {
    return refusal("the service answered: " + p.message);
  };
  if (kind == "groups") {
    auto g = config::group_from_json(element);
    if (!g) return unreadable(g.error());
    return config::to_toml(*g);
  }
  auto a = config::application_from_json(element);
  if (!a) return unreadable(a.error());
  return config::to_toml(*a);
}

outcome<std::string> to_toml(std::string_view kind, const json::array& list) {
  std::string out;
  for (const auto& element : list) {
    auto text = toml_of(kind, element);
    if (!text) return text;
    out.append(out.empty() ? "" : "\n").append(*text);
  }
  return out;
}

std::string path_of(const get_command& c, const std::string& kind) {
  if (kind == "audit") {
    return "/audit?before=" + std::to_string(c.before) + "&limit=" + std::to_string(c.limit);
  }
  auto path = "/" + kind;
  // Sessions are chosen from the list: by user there are many.
  return c.name.empty() || kind == "sessions" ? path : path + "/" + runtime::percent_encode(c.name);
}

void keep_sessions_of(const std::string& name, json::array& list) {
  auto other = [&](const json::value& v) {
    const auto* session = v.if_object();
    return !session || (text_of(*session, "id") != name && text_of(*session, "user") != name &&
                        text_of(object_of(*session, "user"), "name") != name);
  };
  list.erase(std::remove_if(list.begin(), list.end(), other), list.end());
}

}  // namespace

outcome<report> get(const get_command& c, const admin_client& admin) {
  auto kind = parse_kind(c.kind);
  if (!kind) return kind.error();
  bool describable = *kind == "applications" || *kind == "groups";
  if (c.format == output_format::toml && !describable) {
    return bad_input("-o toml is for applications and groups; use table or json");
  }
  if ((*kind == "audit" || *kind == "nodes") && !c.name.empty())
    return bad_input("get " + *kind + " takes no NAME");
  auto response = admin.get(path_of(c, *kind));
  if (!response) return response.error();
  bool filtered = *kind == "sessions" && !c.name.empty();
  if (c.format == output_format::json && !filtered) return report{pretty(*response), {}};
  auto list = list_of(*kind, *response);
  if (!list) return list.error();
  if (filtered) keep_sessions_of(c.name, *list);
  if (c.format == output_format::json) return report{pretty(*list), {}};
  if (c.format == output_format::table) return report{view(*kind, *list), {}};
  auto text = to_toml(*kind, *list);
  if (!text) return text.error();
  return report{std::move(*text), {}};
}

}  // namespace postern::control
