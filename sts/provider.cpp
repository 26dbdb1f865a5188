#include "sts/provider.hpp"

#include "sts/authorization_endpoint.hpp"
#include "sts/device_endpoint.hpp"
#include "sts/end_session_endpoint.hpp"
#include "sts/metadata.hpp"
#include "sts/pages.hpp"
#include "sts/services.hpp"
#include "sts/sign_in_endpoint.hpp"
#include "sts/token_endpoint.hpp"
#include "sts/userinfo_endpoint.hpp"

#include <boost/json/serialize.hpp>

#include <functional>

namespace postern::sts {

using runtime::http_response;
using runtime::http_status;
using runtime::http_verb;

namespace {

enum class methods : uint8_t { get, post, both };

/// One row of the routing table.
struct route {
  const char* path;
  methods allowed;
  bool for_programs;  ///< errors as JSON instead of a page
  std::function<http_response(const incoming&)> handle;
};

const char* allow_field(methods m) {
  return m == methods::get ? "GET, HEAD" : m == methods::post ? "POST" : "GET, HEAD, POST";
}

bool allows(methods m, http_verb verb) {
  // HEAD goes wherever GET does (RFC 9110, 9.1).
  const bool reads = verb == http_verb::get || verb == http_verb::head;
  return (reads && m != methods::post) || (verb == http_verb::post && m != methods::get);
}

}  // namespace

struct provider::parts {
  parts(options settings, std::vector<config::user> users, runtime::store& store,
        const std::shared_ptr<const runtime::key_ring>& ring, const runtime::wall_clock& clock,
        runtime::random_source& random)
      : shared(std::move(settings), std::move(users), store, ring, clock, random),
        discovery(boost::json::serialize(provider_metadata(shared.settings.issuer))) {
    auto metadata = [this](const incoming&) { return public_json(discovery); };
    routes = {
        {"/", methods::get, false, [this](const incoming& in) { return home(in); }},
        {paths::discovery, methods::get, true, metadata},
        {paths::oauth_discovery, methods::get, true, metadata},
        {paths::jwks, methods::get, true,
         [this](const incoming&) { return public_json(shared.keys.jwks()); }},
        {paths::authorize, methods::both, false,
         [this](const incoming& in) { return authorization.handle(in); }},
        {paths::sign_in, methods::post, false,
         [this](const incoming& in) { return sign_in.handle(in); }},
        {paths::token, methods::post, true,
         [this](const incoming& in) { return token.handle(in); }},
        {paths::userinfo, methods::both, true,
         [this](const incoming& in) { return userinfo.handle(in); }},
        {paths::device_authorization, methods::post, true,
         [this](const incoming& in) { return device.authorize(in); }},
        {paths::device, methods::both, false,
         [this](const incoming& in) { return device.handle(in); }},
        {paths::end_session, methods::both, false,
         [this](const incoming& in) { return end_session.handle(in); }},
    };
  }

  http_response answer(const incoming& in) {
    for (const auto& r : routes) {
      if (in.path != r.path) continue;
      if (!allows(r.allowed, in.method)) return method_not_allowed(allow_field(r.allowed), in);
      if (in.problem.empty()) return r.handle(in);
      if (r.for_programs) return oauth_failure({"invalid_request", in.problem});
      return refusal_page(
          http_status::bad_request, "This request makes no sense",
          "The address or the form cannot be read: " + in.problem + ". Open the application again.",
          "malformed_request", in);
    }
    return refusal_page(http_status::not_found, "Nothing here",
                        "This is the sign-in service. Open an application, and it sends you here "
                        "when it needs you.",
                        "no_such_page", in);
  }

  http_response home(const incoming& in) {
    auto who = shared.sessions.read(in);
    if (!who)
      return page(
          http_status::ok, "Sign-in service",
          message_html("Sign-in service",
                       "Open an application, and it sends you here when you have to sign in.",
                       false));
    return page(http_status::ok, "Sign-in service",
                message_html("You are signed in", "as " + who->user + ".", true) +
                    "\n<p><a class=\"button secondary\" href=\"/end_session\">Sign out</a></p>");
  }

  services shared;
  std::string discovery;
  authorization_endpoint authorization{shared};
  sign_in_endpoint sign_in{shared, authorization};
  token_endpoint token{shared};
  userinfo_endpoint userinfo{shared};
  device_endpoint device{shared};
  end_session_endpoint end_session{shared};
  std::vector<route> routes;
};

provider::provider(options settings, std::vector<config::user> users, runtime::store& store,
                   const std::shared_ptr<const runtime::key_ring>& sealing,
                   const runtime::wall_clock& clock, runtime::random_source& random)
    : parts_(std::make_unique<parts>(std::move(settings), std::move(users), store, sealing, clock,
                                     random)) {}

provider::~provider() = default;

runtime::result<void> provider::start() {
  return parts_->shared.keys.start();
}

runtime::result<void> provider::refresh_keys() {
  return parts_->shared.keys.refresh();
}

void provider::set_clients(std::vector<client> clients) {
  parts_->shared.clients.replace(std::move(clients));
}

void provider::set_users(std::vector<config::user> users) {
  parts_->shared.accounts.replace(std::move(users));
}

void provider::require_new_sign_in(std::string_view user, runtime::timestamp before) {
  parts_->shared.accounts.require_new_sign_in(user, before);
}

http_response provider::handle(const runtime::http_request& request,
                               std::string_view client_address) {
  http_response response;
  try {
    response = parts_->answer(read_incoming(request, client_address));
  } catch (const std::exception&) {
    incoming unknown;
    unknown.request_id = std::string{request["X-Request-Id"]};
    response = refusal_page(
        http_status::internal_server_error, "Something went wrong",
        "This is our mistake, not yours. Try again; if it stays, tell your administrator.",
        "internal_error", unknown);
  }
  response.version(request.version());
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  return response;
}

}  // namespace postern::sts
