#include "sts/authorization_endpoint.hpp"

#include "runtime/json_members.hpp"
#include "sts/limits.hpp"
#include "sts/sign_in_form.hpp"

namespace postern::sts {

namespace {

runtime::http_response refuse(const oauth_error& e, const incoming& in) {
  std::string text =
      "The application asked for a sign-in in a way that this service cannot answer. Open the "
      "application again; if this "
      "page comes back, tell your administrator.";
  if (e.code == "unknown_client")
    text =
        "The application that sent you here is not known to this sign-in service. It may have been "
        "withdrawn just now.";
  if (e.code == "unknown_redirect_uri")
    text =
        "The application asked to send you on to an address that is not registered for it. For "
        "your safety, "
        "the way ends here.";
  return refusal_page(runtime::http_status::bad_request, "This sign-in cannot go on", text, e.code,
                      in);
}

}  // namespace

runtime::http_response authorization_endpoint::handle(const incoming& in) {
  const auto& parameters = in.parameters();
  auto address = find_return_address(parameters, services_.clients);
  if (!address) return refuse(address.error(), in);
  const auto& issuer = services_.settings.issuer;
  auto request = read_authorization_request(parameters, *address->to);
  if (!request) return error_by_redirect(*address, request.error(), issuer);
  request->expected_subject = hinted_subject(*request);

  auto who = services_.sessions.read(in);
  if (!needs_sign_in(*request, who)) return answer(*address, *request, *who);
  if (request->prompt_none)
    return error_by_redirect(*address, {"login_required", "the user has to sign in first"}, issuer);
  return show_sign_in(services_, in,
                      {continuation::kind::authorize, to_parameters(*address, *request)},
                      {runtime::http_status::ok, {}, request->login_hint.substr(0, limits::name)});
}

runtime::http_response authorization_endpoint::complete(const incoming& in,
                                                        const fields& parameters,
                                                        const session& who) {
  // Checked again: while the form stood open, the application may have been withdrawn.
  auto address = find_return_address(parameters, services_.clients);
  if (!address) return refuse(address.error(), in);
  auto request = read_authorization_request(parameters, *address->to);
  const auto& issuer = services_.settings.issuer;
  if (!request) return error_by_redirect(*address, request.error(), issuer);
  const auto& expected = value_of(parameters, "expected_subject");
  if (!expected.empty() && expected != services_.accounts.subject(who.user))
    return error_by_redirect(*address, {"login_required", "another user has signed in"}, issuer);
  return answer(*address, *request, who);
}

std::string authorization_endpoint::hinted_subject(const authorization_request& request) {
  if (request.id_token_hint.empty()) return {};
  auto hint = services_.tokens.read_id_token_hint(request.id_token_hint);
  return hint ? std::string{runtime::text_member(*hint, "sub")} : std::string{};
}

bool authorization_endpoint::needs_sign_in(const authorization_request& request,
                                           const std::optional<session>& who) {
  if (!who || request.prompt_login) return true;
  auto age = runtime::to_unix_seconds(services_.clock.now()) - who->auth_time;
  // Not "age > max_age": max_age=0 means "sign in now", even within the second of the last sign-in.
  if (request.max_age && age >= *request.max_age) return true;
  // The application expects one particular user, even if its hint does not tell us which.
  return !request.id_token_hint.empty() &&
         request.expected_subject != services_.accounts.subject(who->user);
}

runtime::http_response authorization_endpoint::answer(const return_address& address,
                                                      const authorization_request& request,
                                                      const session& who) {
  auto code = services_.codes.make({address.to->id, address.redirect_uri, request.scope,
                                    request.nonce, request.code_challenge, who});
  return answer_by_redirect(address, {{"code", code}}, services_.settings.issuer);
}

}  // namespace postern::sts
