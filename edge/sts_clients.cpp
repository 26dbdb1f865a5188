#include "edge/sts_clients.hpp"

#include "config/tool_clients.hpp"
#include "edge/relying_party.hpp"
#include "runtime/log.hpp"

#include <map>

namespace postern::edge {

namespace {

sts::client make_tool(std::string_view id, std::string_view audience, const char* shown) {
  sts::client tool;
  tool.id = id;
  tool.device_grant = true;
  tool.access_token_audience = audience;
  tool.display_name = shown;
  return tool;
}

}  // namespace

std::vector<sts::client> make_sts_clients(const config::published& published,
                                          const service_urls& urls) {
  std::map<std::string, sts::client> by_id;
  for (const auto& a : published.applications) {
    if (a.preauthentication != config::preauthentication_kind::oidc) continue;
    if (issuer_of(a, urls) != urls.issuer) continue;
    const auto& id = client_id_of(a);
    if (config::is_tool_client(id)) {
      // With its redirect URI a tool's client would hand administrators' tokens to an application.
      runtime::log_event(spdlog::level::err, "client_id_reserved", {{"application", a.name}});
      continue;
    }
    auto& client = by_id[id];
    client.id = id;
    client.redirect_uris.push_back(callback_url(a));
    client.post_logout_redirect_uris.push_back(a.external_url);
    if (client.display_name.empty()) client.display_name = a.name;
  }
  std::vector<sts::client> clients{
      make_tool(config::control_client, admin_audience, "the administrator's tool posternctl"),
      make_tool(config::connector_client, enrolment_audience, "the installation of a connector")};
  for (auto& [id, client] : by_id)
    clients.push_back(std::move(client));
  return clients;
}

}  // namespace postern::edge
