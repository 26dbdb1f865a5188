#include "sts/device_endpoint.hpp"

#include "sts/client_authentication.hpp"
#include "sts/limits.hpp"
#include "sts/pages.hpp"
#include "sts/sign_in_form.hpp"

namespace postern::sts {

using runtime::http_status;

namespace {

constexpr std::string_view form_kind = "device_decision";
constexpr std::string_view title = "Connect a device";

runtime::http_response ask_for_code(http_status status, std::string notice,
                                    std::string typed_code) {
  return page(status, title, to_html(device_code_page{std::move(notice), std::move(typed_code)}));
}

}  // namespace

runtime::http_response device_endpoint::authorize(const incoming& in) {
  auto from = authenticate_client(services_, in);
  if (!from) return oauth_failure(from.error());
  const auto& asking = **from;
  if (!asking.device_grant)
    return oauth_failure({"unauthorized_client", "this client has no device grant"});
  const auto& requested = value_of(in.form, "scope");
  auto scope = granted_scope(requested);
  if (!requested.empty() && scope.empty())
    return oauth_failure({"invalid_scope", "none of these scopes is known"});
  auto started = services_.devices.start(asking.id, scope, in.address);
  if (!started) return oauth_failure(started.error());
  auto address = services_.settings.issuer + "/device";
  boost::json::object answer;
  answer["device_code"] = started->device_code;
  answer["user_code"] = started->user_code;
  answer["verification_uri"] = address;
  answer["verification_uri_complete"] =
      with_parameters(address, {{"user_code", started->user_code}});
  answer["expires_in"] = services_.settings.device_code_lifetime.count();
  answer["interval"] = limits::device_interval.count();
  return json(http_status::ok, answer);
}

runtime::http_response device_endpoint::handle(const incoming& in) {
  if (in.is_post()) return decide(in);
  if (auto who = services_.sessions.read(in)) return show(in, *who);
  continuation next{continuation::kind::device, {}};
  if (const auto& code = value_of(in.query, "user_code"); !code.empty())
    next.parameters["user_code"] = code;
  return show_sign_in(services_, in, next, {});
}

runtime::http_response device_endpoint::show(const incoming& in, const session& who) {
  const auto& typed = value_of(in.query, "user_code");
  if (typed.empty()) return ask_for_code(http_status::ok, {}, {});
  if (auto wait = services_.user_codes.begin(who.user, in.address); wait.count() > 0) {
    auto response = ask_for_code(
        http_status::too_many_requests,
        "There were too many wrong codes. Wait " + waiting_time(wait) + ", then try again.", typed);
    response.set(runtime::http_field::retry_after, std::to_string(wait.count()));
    return response;
  }
  auto waiting = services_.devices.find(typed);
  if (!waiting)
    return ask_for_code(http_status::not_found,
                        "No device waits under this code. Compare it with what the device shows; "
                        "codes hold for a few "
                        "minutes only, so you may have to start again there.",
                        typed);
  services_.user_codes.succeeded(who.user, in.address);
  auto from = services_.clients.find(waiting->client_id);
  auto issued =
      services_.forms.issue(in, form_kind, {{"user_code", waiting->user_code}, {"sid", who.id}});
  auto response = page(
      http_status::ok, title,
      to_html(device_confirmation_page{issued.form, from ? from->shown_name() : waiting->client_id,
                                       waiting->user_code, waiting->address, who.user}));
  issued.add_cookies(response);
  return response;
}

runtime::http_response device_endpoint::decide(const incoming& in) {
  auto opened = services_.forms.open(in, form_kind);
  auto who = services_.sessions.read(in);
  // The one who decides must be the one whom the page named.
  if (!opened || !opened->may_act || !who || who->id != value_of(opened->state, "sid"))
    return refusal_page(http_status::forbidden, "This decision does not count",
                        "The page was open for too long, or somebody else has signed in since. "
                        "Type the code again.",
                        "form_forged", in);
  const auto& user_code = value_of(opened->state, "user_code");
  const auto& decision = value_of(in.form, "decision");
  if (decision != "allow" && decision != "deny")
    return refusal_page(http_status::bad_request, "No decision",
                        "Go back and choose one of the two buttons.", "no_decision", in);
  auto waiting = services_.devices.find(user_code);
  auto allow = decision == "allow";
  if (!waiting || !services_.devices.decide(user_code, allow ? who : std::nullopt))
    return refusal_page(http_status::gone, "Too late",
                        "The device no longer waits. Start again there.", "expired_code", in);
  services_.report(allow ? "device_allowed" : "device_denied", in, who->user, waiting->client_id);
  if (allow)
    return page(
        http_status::ok, title,
        message_html("Done", "The device is signed in. You may close this page and go on there.",
                     true));
  return page(http_status::ok, title,
              message_html(
                  "Refused",
                  "The device was not signed in. If you did not start it, tell your administrator: "
                  "somebody sent you a code of theirs.",
                  false));
}

}  // namespace postern::sts
