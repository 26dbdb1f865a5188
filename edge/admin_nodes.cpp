// The nodes of the cluster, as the admin API shows them.
#include "actors/timeouts.hpp"
#include "edge/admin_json.hpp"
#include "edge/admin_resources.hpp"
#include "edge/administrator.hpp"
#include "edge/node_load.hpp"

#include <boost/json/array.hpp>

#include <set>

namespace postern::edge {

namespace json = boost::json;
using runtime::http_status;

namespace {

/// This node. What it is connected with are the others.
json::object own_row(const edge_context& context, const std::vector<std::string>& groups) {
  return {{"address", context.options.cluster.address},
          {"self", true},
          {"connected", true},
          {"draining", context.load->draining.load()},
          {"connectors_deferred", context.load->deferred.load()},
          {"connectors_turned_away", context.load->turned_away.load()},
          {"version", POSTERN_VERSION},
          {"connectors_address", context.options.cluster.service_address},
          {"groups", json::array(groups.begin(), groups.end())}};
}

/// Groups with live tunnels here.
std::vector<std::string> groups_of(const std::vector<actors::connector_status>& connectors) {
  std::set<std::string> live;
  for (const auto& one : connectors)
    if (one.connected) live.insert(one.record.group);
  return {live.begin(), live.end()};
}

json::object other_row(const actors::cluster_node& node) {
  return {{"address", node.address},
          {"self", false},
          {"connected", node.connected},
          {"draining", false},
          {"version", node.version},
          {"connectors_address", node.connectors_address},
          {"groups", json::array(node.groups.begin(), node.groups.end())}};
}

}  // namespace

admin_answer list_nodes(edge_context& context, admin_call&) {
  const auto connectors = co_await context.port->ask<std::vector<actors::connector_status>>(
      handles_of(context).connectors, actors::durable_timeout, actors::list_atom_v);
  if (!connectors) co_return connectors.error();
  const auto others = co_await context.port->ask<std::vector<actors::cluster_node>>(
      handles_of(context).cluster, actors::local_timeout, actors::list_atom_v);
  if (!others) co_return others.error();
  json::array list{own_row(context, groups_of(*connectors))};
  for (const auto& node : *others)
    list.push_back(other_row(node));
  co_return json_answer(http_status::ok, json::object{{"nodes", std::move(list)}});
}

}  // namespace postern::edge
