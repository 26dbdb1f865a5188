// The nodes of the cluster, as the admin API shows and drains them.
#include "actors/timeouts.hpp"
#include "edge/admin_json.hpp"
#include "edge/admin_resources.hpp"
#include "edge/administrator.hpp"
#include "edge/leave_orders.hpp"
#include "edge/node_load.hpp"
#include "edge/stop_signal.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
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

/// Errors: "node_unknown" (not_found), "node_unreachable" (unavailable): it might obey much later.
runtime::awaitable<runtime::result<void>> order_to_leave(edge_context& context,
                                                         const std::string& address) {
  using runtime::error_category;
  const auto all = co_await context.port->ask<std::vector<actors::cluster_node>>(
      handles_of(context).cluster, actors::local_timeout, actors::list_atom_v);
  if (!all) co_return all.error();
  const auto node = std::ranges::find(*all, address, &actors::cluster_node::address);
  if (node == all->end())
    co_return runtime::error{error_category::not_found, "node_unknown", "administration",
                             "there is no node \"" + address + "\""};
  if (!node->connected)
    co_return runtime::error{error_category::unavailable, "node_unreachable", "administration",
                             address};
  const std::vector changes{give_leave_order(address, context.clock.now())};
  const auto given = co_await context.port->ask<uint64_t>(
      handles_of(context).store, actors::store_timeout, actors::commit_atom_v, changes);
  if (!given) co_return given.error();
  co_return runtime::result<void>{};
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

admin_answer drain_node(edge_context& context, admin_call& call) {
  const auto& own = context.options.cluster.address;
  const bool self = call.name == "self" || (!call.name.empty() && call.name == own);
  if (!self) {
    auto given = co_await order_to_leave(context, call.name);
    if (!given) co_return given.error();
  }
  actors::audit_event event;
  event.category = "change";
  event.action = "node_drained";
  event.actor = call.administrator;
  event.target = self && !own.empty() ? own : call.name;
  event.outcome = "success";
  context.port->tell(handles_of(context).audit, actors::record_atom_v, std::move(event));
  if (self) ask_to_stop(*context.load);
  co_return json_answer(http_status::accepted,
                        json::object{{"address", call.name}, {"draining", true}});
}

}  // namespace postern::edge
