// Connectors and enrolment tokens, as the admin API shows and changes them.
#include "actors/timeouts.hpp"
#include "edge/admin_json.hpp"
#include "edge/admin_resources.hpp"
#include "edge/administrator.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace postern::edge {

namespace json = boost::json;
using runtime::error;
using runtime::error_category;
using runtime::http_status;
using runtime::result;

namespace {

using statuses = std::vector<actors::connector_status>;

runtime::awaitable<result<statuses>> connectors(edge_context& context) {
  co_return co_await context.port->ask<statuses>(handles_of(context).connectors,
                                                 actors::durable_timeout, actors::list_atom_v);
}

admin_answer set_drained(edge_context& context, const admin_call& call, bool drained) {
  const auto done = co_await context.port->ask<void>(handles_of(context).connectors,
                                                     actors::durable_timeout, actors::drain_atom_v,
                                                     call.name, drained, call.administrator);
  if (!done) co_return done.error();
  co_return json_answer(http_status::ok, json::object{{"id", call.name}, {"drained", drained}});
}

}  // namespace

admin_answer list_connectors(edge_context& context, admin_call&) {
  const auto all = co_await connectors(context);
  if (!all) co_return all.error();
  json::array list;
  for (const auto& status : *all)
    list.push_back(to_json(status));
  co_return json_answer(http_status::ok, json::object{{"connectors", std::move(list)}});
}

admin_answer get_connector(edge_context& context, admin_call& call) {
  const auto all = co_await connectors(context);
  if (!all) co_return all.error();
  const auto found = std::ranges::find(
      *all, call.name, [](const auto& status) -> const auto& { return status.record.id; });
  if (found == all->end())
    co_return error{error_category::not_found, "connector_unknown", "connector",
                    "there is no \"" + call.name + "\""};
  co_return json_answer(http_status::ok, to_json(*found));
}

admin_answer revoke_connector(edge_context& context, admin_call& call) {
  const auto done =
      co_await context.port->ask<void>(handles_of(context).connectors, actors::durable_timeout,
                                       actors::revoke_atom_v, call.name, call.administrator);
  if (!done) co_return done.error();
  co_return json_answer(http_status::ok, json::object{{"id", call.name}, {"revoked", true}});
}

admin_answer drain_connector(edge_context& context, admin_call& call) {
  return set_drained(context, call, true);
}

admin_answer resume_connector(edge_context& context, admin_call& call) {
  return set_drained(context, call, false);
}

admin_answer move_connector(edge_context& context, admin_call& call) {
  auto group = read_only_text(call.content, "group");
  if (!group) co_return group.error();
  const auto done =
      co_await context.port->ask<void>(handles_of(context).connectors, actors::durable_timeout,
                                       actors::apply_atom_v, call.name, *group, call.administrator);
  if (!done) co_return done.error();
  co_return json_answer(http_status::ok, json::object{{"id", call.name}, {"group", *group}});
}

admin_answer create_enrolment_token(edge_context& context, admin_call& call) {
  auto wanted = read_token_request(call.content, call.administrator);
  if (!wanted) co_return wanted.error();
  const auto made = co_await context.port->ask<actors::enrolment_token>(
      handles_of(context).authority, actors::certificate_timeout, actors::issue_atom_v,
      std::move(*wanted));
  if (!made) co_return made.error();
  co_return json_answer(http_status::created, to_json(*made));
}

}  // namespace postern::edge
