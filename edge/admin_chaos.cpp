// Crashes on demand, for trials: part of the admin API only of a node that was started for it.
#include "actors/crash_order.hpp"
#include "actors/timeouts.hpp"
#include "edge/admin_json.hpp"
#include "edge/admin_resources.hpp"
#include "edge/administrator.hpp"

#include <boost/json/object.hpp>

namespace postern::edge {

namespace json = boost::json;

namespace {

/// Returns once the log has it: the log itself, or what it writes to, may be what crashes next.
runtime::awaitable<void> record_order(edge_context& context, const admin_call& call,
                                      std::string actor) {
  const auto audit = handles_of(context).audit;
  actors::audit_event event;
  event.category = "chaos";
  event.action = "actor_crash_ordered";
  event.actor = call.administrator;
  event.target = std::move(actor);
  event.outcome = "success";
  context.port->tell(audit, actors::record_atom_v, std::move(event));
  co_await context.port->ask<std::vector<actors::audit_event>>(
      audit, actors::durable_timeout, actors::list_atom_v, actors::audit_query{});
}

}  // namespace

admin_answer crash_actor(edge_context& context, admin_call& call) {
  auto name = read_only_text(call.content, "actor");
  if (!name) co_return name.error();
  const auto known = actors::check_crash_target(*name);
  if (!known) co_return known.error();
  co_await record_order(context, call, *name);
  const auto told = actors::order_crash(handles_of(context), *context.routing, *name);
  if (!told) co_return told.error();
  co_return json_answer(runtime::http_status::ok, json::object{{"actor", *name}, {"told", *told}});
}

}  // namespace postern::edge
