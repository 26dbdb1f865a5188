#include "config/published.hpp"
#include "control/commands.hpp"
#include "control/json_access.hpp"
#include "control/terminal.hpp"
#include "runtime/encoding.hpp"

#include <boost/json/object.hpp>

namespace postern::control {

namespace {

/// "/connectors/ID" and the like; names may hold anything, "/" included.
std::string resource(std::string_view kind, std::string_view name) {
  return std::string{"/"}.append(kind).append("s/").append(runtime::percent_encode(name));
}

report said(std::string_view what, std::string_view kind, const std::string& name) {
  return {std::string{what}
              .append(" ")
              .append(kind)
              .append(" \"")
              .append(printable(name))
              .append("\"\n"),
          {}};
}

}  // namespace

outcome<report> erase(const delete_command& c, const admin_client& admin) {
  if (auto response = admin.erase(resource(c.kind, c.name)); !response) return response.error();
  return said("erased", c.kind, c.name);
}

outcome<report> revoke(const revoke_command& c, const admin_client& admin) {
  auto response = admin.post(resource(c.kind, c.name) + "/revoke", boost::json::object{});
  if (!response) return response.error();
  return said("revoked", c.kind, c.name);
}

outcome<report> move(const move_command& c, const admin_client& admin) {
  boost::json::object content{{"group", c.group}};
  auto response = admin.post(resource("connector", c.connector) + "/move", content);
  if (!response) return response.error();
  return said("moved to group \"" + printable(c.group) + "\":", "connector", c.connector);
}

outcome<report> drain(const drain_command& c, const admin_client& admin) {
  auto response = admin.post(resource(c.kind, c.name) + "/drain", boost::json::object{});
  if (!response) return response.error();
  return said(c.kind == "node" ? "draining, then ending," : "draining", c.kind, c.name);
}

outcome<report> resume(const resume_command& c, const admin_client& admin) {
  auto response = admin.post(resource("connector", c.connector) + "/resume", boost::json::object{});
  if (!response) return response.error();
  return said("resumed", "connector", c.connector);
}

outcome<report> create_token(const create_token_command& c, const admin_client& admin) {
  auto lifetime = config::parse_duration(c.lifetime);
  if (!lifetime) return bad_input("--lifetime: " + lifetime.error().message);
  boost::json::object content{
      {"group", c.group}, {"uses", c.uses}, {"lifetime", config::format_duration(*lifetime)}};
  auto response = admin.post("/enrolment-tokens", content);
  if (!response) return response.error();
  const auto* made = response->if_object();
  auto token = made ? text_of(*made, "token") : std::string{};
  if (token.empty()) return refusal("the service answered without a token");
  if (c.format == output_format::json) return report{pretty(*response), {}};
  return report{printable(token) + "\n", "for " + printable(text_of(*made, "uses")) +
                                             " connector(s) of group \"" +
                                             printable(text_of(*made, "group")) + "\" until " +
                                             printable(time_of(*made, "expires")) + "\n"};
}

}  // namespace postern::control
