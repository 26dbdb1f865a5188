// The other nodes of the cluster, as the admin API shows them.
#include "actors/timeouts.hpp"
#include "edge/admin_json.hpp"
#include "edge/admin_resources.hpp"
#include "edge/administrator.hpp"

#include <boost/json/array.hpp>

namespace postern::edge {

namespace json = boost::json;
using runtime::http_status;

admin_answer list_nodes(edge_context& context, admin_call&) {
  const auto all = co_await context.port->ask<std::vector<actors::cluster_node>>(
      handles_of(context).cluster, actors::local_timeout, actors::list_atom_v);
  if (!all) co_return all.error();
  json::array list;
  for (const auto& node : *all) {
    json::object shown;
    shown["address"] = node.address;
    shown["connected"] = node.connected;
    shown["version"] = node.version;
    shown["connectors_address"] = node.connectors_address;
    shown["groups"] = json::array(node.groups.begin(), node.groups.end());
    list.push_back(std::move(shown));
  }
  co_return json_answer(http_status::ok, json::object{{"nodes", std::move(list)}});
}

}  // namespace postern::edge
