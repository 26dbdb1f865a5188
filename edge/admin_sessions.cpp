// Sessions, and the audit log, as the admin API shows and changes them.
#include "actors/timeouts.hpp"
#include "edge/admin_json.hpp"
#include "edge/admin_resources.hpp"
#include "edge/administrator.hpp"
#include "sts/provider.hpp"

#include <boost/json/array.hpp>

namespace postern::edge {

namespace json = boost::json;
using runtime::http_status;

namespace {

/// session_registry records that a revocation happened; who wanted it is known only here.
void record_order(edge_context& context, const admin_call& call, const char* action) {
  actors::audit_event event;
  event.category = "revocation";
  event.action = action;
  event.actor = call.administrator;
  event.target = call.name;
  event.outcome = "success";
  context.port->tell(handles_of(context).audit, actors::record_atom_v, std::move(event));
}

/// Sessions live in cookies, so one that nobody has seen lately is revoked like any other; the
/// answer says how many of those in memory ended.
admin_answer revoke(edge_context& context, actors::session_selector selected) {
  const auto ended =
      co_await context.port->ask<uint64_t>(handles_of(context).sessions, actors::durable_timeout,
                                           actors::revoke_atom_v, std::move(selected));
  if (!ended) co_return ended.error();
  co_return json_answer(http_status::ok, json::object{{"ended", *ended}});
}

}  // namespace

admin_answer list_sessions(edge_context& context, admin_call&) {
  using statuses = std::vector<actors::session_status>;
  const auto all = co_await context.port->ask<statuses>(
      handles_of(context).sessions, actors::durable_timeout, actors::list_atom_v);
  if (!all) co_return all.error();
  json::array list;
  for (const auto& status : *all)
    list.push_back(to_json(status));
  co_return json_answer(http_status::ok, json::object{{"sessions", std::move(list)}});
}

admin_answer revoke_session(edge_context& context, admin_call& call) {
  record_order(context, call, "session_revocation_ordered");
  actors::session_selector selected{call.name, {}};
  co_return co_await revoke(context, std::move(selected));
}

admin_answer revoke_user(edge_context& context, admin_call& call) {
  record_order(context, call, "user_revocation_ordered");
  // First, or his browser would fetch a new session with the old sign-in.
  if (context.sts != nullptr) context.sts->require_new_sign_in(call.name, context.clock.now());
  actors::session_selector selected{{}, call.name};
  co_return co_await revoke(context, std::move(selected));
}

admin_answer list_audit(edge_context& context, admin_call& call) {
  const auto query =
      read_audit_query(value_of(call.query, "before"), value_of(call.query, "limit"));
  if (!query) co_return query.error();
  const auto events = co_await context.port->ask<std::vector<actors::audit_event>>(
      handles_of(context).audit, actors::durable_timeout, actors::list_atom_v, *query);
  if (!events) co_return events.error();
  json::array list;
  for (const auto& event : *events)
    list.push_back(to_json(event));
  co_return json_answer(http_status::ok, json::object{{"audit", std::move(list)}});
}

}  // namespace postern::edge
