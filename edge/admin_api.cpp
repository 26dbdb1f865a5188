#include "edge/admin_api.hpp"

#include "edge/admin_json.hpp"
#include "edge/admin_resources.hpp"
#include "edge/administrator.hpp"
#include "edge/connector_api.hpp"
#include "edge/node_load.hpp"
#include "edge/problem.hpp"
#include "edge/refusal.hpp"
#include "runtime/http_fields.hpp"
#include "runtime/log.hpp"

#include <boost/json/parse.hpp>

#include <array>

namespace postern::edge {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::http_field;
using runtime::http_response;
using runtime::http_verb;
using runtime::result;

namespace {

constexpr std::string_view discovery_path = "/.well-known/postern";

struct admin_route {
  http_verb method;
  std::string_view path;  ///< below /api/v1/; "*" stands for a name
  admin_answer (*handle)(edge_context&, admin_call&);
  bool trial = false;  ///< only of a node that was started with --enable-chaos
};

constexpr std::array routes{
    admin_route{http_verb::get, "applications", &list_applications},
    admin_route{http_verb::get, "applications/*", &get_application},
    admin_route{http_verb::delete_, "applications/*", &delete_application},
    admin_route{http_verb::get, "groups", &list_groups},
    admin_route{http_verb::get, "groups/*", &get_group},
    admin_route{http_verb::delete_, "groups/*", &delete_group},
    admin_route{http_verb::post, "apply", &apply_changes},
    admin_route{http_verb::get, "connectors", &list_connectors},
    admin_route{http_verb::get, "connectors/*", &get_connector},
    admin_route{http_verb::post, "connectors/*/revoke", &revoke_connector},
    admin_route{http_verb::post, "connectors/*/drain", &drain_connector},
    admin_route{http_verb::post, "connectors/*/resume", &resume_connector},
    admin_route{http_verb::post, "connectors/*/move", &move_connector},
    admin_route{http_verb::post, "enrolment-tokens", &create_enrolment_token},
    admin_route{http_verb::get, "nodes", &list_nodes},
    admin_route{http_verb::post, "nodes/*/drain", &drain_node},
    admin_route{http_verb::get, "sessions", &list_sessions},
    admin_route{http_verb::post, "sessions/*/revoke", &revoke_session},
    admin_route{http_verb::post, "users/*/revoke", &revoke_user},
    admin_route{http_verb::get, "audit", &list_audit},
    admin_route{http_verb::post, "chaos/crash", &crash_actor, true},
};

using segments = std::vector<std::string>;

/// Whether the segments below /api/v1 fit a pattern; `name` becomes what "*" stands for.
bool fits(std::string_view pattern, const segments& path, std::string& name) {
  constexpr size_t base = 2;  // "api", "v1"
  for (size_t i = base; i < path.size(); ++i) {
    const auto slash = pattern.find('/');
    const auto wanted = pattern.substr(0, slash);
    if (wanted == "*" && !path[i].empty())
      name = path[i];
    else if (wanted != path[i])
      return false;
    if (slash == pattern.npos) return i + 1 == path.size();
    pattern.remove_prefix(slash + 1);
  }
  return false;
}

/// What a path has to offer.
struct found_routes {
  const admin_route* match = nullptr;
  std::string name;
  std::string allowed;  ///< the methods of the path; empty: there is no such path
};

found_routes find_routes(const segments& path, http_verb method, bool trials) {
  found_routes found;
  if (path.size() < 3 || path[0] != "api" || path[1] != "v1") return found;
  // HEAD is GET without its content, which the site takes away.
  const auto wanted = method == http_verb::head ? http_verb::get : method;
  for (const auto& route : routes) {
    if (!fits(route.path, path, found.name) || (route.trial && !trials)) continue;
    const auto name = boost::beast::http::to_string(route.method);
    found.allowed.append(found.allowed.empty() ? "" : ", ").append(name.data(), name.size());
    if (route.method == wanted) found.match = &route;
  }
  return found;
}

result<boost::json::object> read_content(const runtime::http_request& request) {
  if (request.body().empty()) return boost::json::object{};
  if (!runtime::iequals(media_type_of(request), "application/json"))
    return bad_request("content_type_refused", "expected application/json");
  boost::json::error_code failure;
  auto value = boost::json::parse(request.body(), failure);
  if (failure) return bad_request("json_malformed", "the content is not JSON");
  if (!value.is_object()) return bad_request("json_malformed", "expected an object");
  return std::move(value.get_object());
}

/// Details of these categories say what was wrong with what was sent; the others speak of our side.
bool may_show_detail(error_category category) noexcept {
  return category == error_category::invalid_input || category == error_category::not_found ||
         category == error_category::conflict;
}

http_response refuse(const error& why, const service_request& request) {
  runtime::log_event(spdlog::level::warn, "administration_refused",
                     {{"cause", why.cause},
                      {"detail", why.detail},
                      {"address", request.client_address},
                      {"request_id", request.request_id}});
  const bool shown = may_show_detail(why.category) && !why.detail.empty();
  auto response = make_problem(why, request.request_id, shown ? why.detail : explain(why));
  challenge_bearer(response, why);
  return response;
}

http_response refuse_method(const service_request& request, const std::string& allowed) {
  auto response = refuse({error_category::invalid_input, "method_not_allowed", "administration",
                          "this resource has " + allowed},
                         request);
  response.set(http_field::allow, allowed);
  return response;
}

}  // namespace

awaitable<http_response> admin_api::handle(service_request& request) {
  const auto target = split_target(request.message.target());
  const auto method = request.message.method();
  if (target.path == discovery_path) {
    if (method != http_verb::get && method != http_verb::head)
      co_return refuse_method(request, "GET");
    co_return describe_service(context_.urls);
  }
  const auto caller = co_await find_administrator(
      context_, std::string{credentials_of(request.message, "Bearer")}, administration::everything);
  if (!caller) co_return refuse(caller.error(), request);

  const auto path = split_path(target.path);
  const auto found = path ? find_routes(*path, method, context_.load->trials) : found_routes{};
  if (found.allowed.empty())
    co_return refuse({error_category::not_found, "resource_unknown", "administration",
                      "there is no such resource"},
                     request);
  if (found.match == nullptr) co_return refuse_method(request, found.allowed);

  admin_call call{caller->name, found.name, {}, {}};
  auto query = read_parameters(target.query);
  if (!query) co_return refuse(bad_request("query_malformed", "the query is malformed"), request);
  call.query = std::move(*query);
  auto content = read_content(request.message);
  if (!content) co_return refuse(content.error(), request);
  call.content = std::move(*content);
  auto answered = co_await found.match->handle(context_, call);
  if (!answered) co_return refuse(answered.error(), request);
  co_return std::move(*answered);
}

}  // namespace postern::edge
