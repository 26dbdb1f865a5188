// What is published, as the admin API shows and changes it. Always asks the configuration rather
// than looking at the shard's routing: whoever has just changed something reads it back, on any
// shard.
#include "actors/timeouts.hpp"
#include "config/published_json.hpp"
#include "edge/admin_json.hpp"
#include "edge/admin_resources.hpp"
#include "edge/administrator.hpp"
#include "edge/node_load.hpp"
#include "runtime/wait_point.hpp"

#include <boost/json/array.hpp>

namespace postern::edge {

namespace json = boost::json;
using runtime::error;
using runtime::error_category;
using runtime::http_status;
using runtime::result;

namespace {

runtime::awaitable<result<actors::published_ptr>> published(edge_context& context) {
  co_return co_await context.port->ask<actors::published_ptr>(
      handles_of(context).configuration, actors::durable_timeout, actors::lookup_atom_v);
}

template <class Resource>
json::object list(const char* key, const std::vector<Resource>& resources, uint64_t version) {
  json::array all;
  for (const auto& r : resources)
    all.push_back(config::to_json(r));
  return {{"version", version}, {key, std::move(all)}};
}

error unknown(const char* cause, const std::string& name) {
  return {error_category::not_found, cause, "configuration", "there is no \"" + name + "\""};
}

// Whoever has published something goes there next: the answer waits until every shard routes by it
// and the certificates fit, which takes milliseconds, or for as many looks. The timers' resolution
// makes a pause of 50 to 100 ms of each.
constexpr int in_force_rounds = 20;
constexpr std::chrono::milliseconds in_force_pause{50};

runtime::awaitable<void> until_in_force(edge_context& context, uint64_t version) {
  runtime::wait_point later{context.home};
  runtime::coarse_timer pause;
  for (int round = 0; round < in_force_rounds; ++round) {
    if (context.load->in_force(version, context.shards.size())) co_return;
    context.home.timers().arm(
        pause, in_force_pause, [](void* raw) { static_cast<runtime::wait_point*>(raw)->wake(); },
        &later);
    co_await later.wait();
  }
}

admin_answer change(edge_context& context, actors::change_request wanted) {
  auto report = co_await context.port->ask<actors::change_report>(
      handles_of(context).configuration, actors::durable_timeout, actors::apply_atom_v,
      std::move(wanted));
  if (!report) co_return report.error();
  co_await until_in_force(context, report->version);
  co_return json_answer(http_status::ok, to_json(*report));
}

}  // namespace

admin_answer list_applications(edge_context& context, admin_call&) {
  const auto now = co_await published(context);
  if (!now) co_return now.error();
  co_return json_answer(http_status::ok,
                        list("applications", (*now)->applications, (*now)->version));
}

admin_answer get_application(edge_context& context, admin_call& call) {
  const auto now = co_await published(context);
  if (!now) co_return now.error();
  const auto* found = (*now)->find_application(call.name);
  if (found == nullptr) co_return unknown("application_unknown", call.name);
  co_return json_answer(http_status::ok, config::to_json(*found));
}

admin_answer delete_application(edge_context& context, admin_call& call) {
  actors::change_request wanted;
  wanted.erase_applications.push_back(call.name);
  wanted.by = call.administrator;
  co_return co_await change(context, std::move(wanted));
}

admin_answer list_groups(edge_context& context, admin_call&) {
  const auto now = co_await published(context);
  if (!now) co_return now.error();
  co_return json_answer(http_status::ok, list("groups", (*now)->groups, (*now)->version));
}

admin_answer get_group(edge_context& context, admin_call& call) {
  const auto now = co_await published(context);
  if (!now) co_return now.error();
  const auto* found = (*now)->find_group(call.name);
  if (found == nullptr) co_return unknown("group_unknown", call.name);
  co_return json_answer(http_status::ok, config::to_json(*found));
}

admin_answer delete_group(edge_context& context, admin_call& call) {
  actors::change_request wanted;
  wanted.erase_groups.push_back(call.name);
  wanted.by = call.administrator;
  co_return co_await change(context, std::move(wanted));
}

admin_answer apply_changes(edge_context& context, admin_call& call) {
  auto wanted = read_change_request(call.content, call.administrator);
  if (!wanted) co_return wanted.error();
  co_return co_await change(context, std::move(*wanted));
}

}  // namespace postern::edge
