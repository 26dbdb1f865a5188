#include "edge/administrator.hpp"

#include "actors/timeouts.hpp"
#include "edge/sts_clients.hpp"

#include <algorithm>

namespace postern::edge {

using runtime::error;
using runtime::error_category;

const actors::node_handles& handles_of(const edge_context& context) {
  static const actors::node_handles nobody;
  return context.handles ? *context.handles : nobody;
}

bool is_administrator(const actors::identity& user, const config::node& options) noexcept {
  return !options.administrators.empty() &&
         std::ranges::find(user.groups, options.administrators) != user.groups.end();
}

namespace {

runtime::awaitable<runtime::result<actors::verified_token>> verify(edge_context& context,
                                                                   std::string token,
                                                                   std::string_view audience) {
  actors::token_expectation wanted;
  wanted.token = std::move(token);
  wanted.issuer = context.urls.issuer;
  wanted.audience = audience;
  wanted.required_type = "at+jwt";
  co_return co_await context.port->ask<actors::verified_token>(
      handles_of(context).tokens, actors::verify_timeout, actors::verify_atom_v, std::move(wanted));
}

}  // namespace

runtime::awaitable<runtime::result<actors::identity>> find_administrator(edge_context& context,
                                                                         std::string token,
                                                                         administration purpose) {
  if (token.empty())
    co_return error{error_category::unauthenticated, "credentials_missing", "administration", {}};
  auto verified = co_await verify(context, token, admin_audience);
  if (!verified && verified.error().cause == "token_audience" &&
      purpose == administration::enrolment)
    verified = co_await verify(context, std::move(token), enrolment_audience);
  if (!verified) co_return verified.error();
  verified = co_await context.port->ask<actors::verified_token>(
      handles_of(context).sessions, actors::durable_timeout, actors::verify_atom_v,
      std::move(*verified));
  if (!verified) co_return verified.error();
  if (!is_administrator(verified->user, context.options))
    co_return error{error_category::forbidden, "not_administrator", "administration",
                    verified->user.name};
  co_return std::move(verified->user);
}

void challenge_bearer(runtime::http_response& response, const error& why) {
  if (response.result() != runtime::http_status::unauthorized) return;
  response.set(runtime::http_field::www_authenticate,
               why.cause == "credentials_missing"
                   ? "Bearer realm=\"postern-admin\""
                   : "Bearer realm=\"postern-admin\", error=\"invalid_token\"");
}

}  // namespace postern::edge
