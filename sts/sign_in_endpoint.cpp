#include "sts/sign_in_endpoint.hpp"

#include "runtime/encoding.hpp"
#include "sts/limits.hpp"
#include "sts/pages.hpp"

namespace postern::sts {

using runtime::http_status;

runtime::http_response sign_in_endpoint::handle(const incoming& in) {
  auto returned = open_sign_in(services_, in);
  if (!returned)
    return refusal_page(http_status::forbidden, "This form is not one of ours",
                        "Open the application again to get a fresh sign-in page.", "form_forged",
                        in);
  const auto& next = returned->next;
  auto name = value_of(in.form, "name").substr(0, limits::name);
  const auto& password = value_of(in.form, "password");
  if (!returned->may_act)
    return show_sign_in(services_, in, next,
                        {http_status::forbidden,
                         "This page was open for too long, or your browser does not keep cookies. "
                         "Please sign in again.",
                         name});
  if (name.empty() || password.empty() || password.size() > limits::password)
    return show_sign_in(services_, in, next,
                        {http_status::bad_request, "Type your user name and your password.", name});

  auto wait = services_.passwords.begin(name, in.address);
  auto known = services_.accounts.find(name);
  auto client_id = value_of(next.parameters, "client_id");
  if (wait.count() > 0) {
    services_.report("sign_in_blocked", in, known ? name : "", client_id);
    auto response = show_sign_in(
        services_, in, next,
        {http_status::too_many_requests,
         "There were too many attempts. Wait " + waiting_time(wait) +
             ", then try again. If you no longer know your password, ask your administrator.",
         name});
    response.set(runtime::http_field::retry_after, std::to_string(wait.count()));
    return response;
  }
  auto account = services_.accounts.check_password(name, password);
  if (!account) {
    services_.report("sign_in_failed", in, known ? name : "", client_id);
    return show_sign_in(services_, in, next,
                        {http_status::forbidden,
                         "The user name or the password is not right. Check the Caps Lock key and "
                         "try again. If you no "
                         "longer know your password, ask your administrator for a new one.",
                         name});
  }
  services_.passwords.succeeded(name, in.address);
  services_.report("signed_in", in, account->name, client_id);
  return go_on(in, next, *account);
}

runtime::http_response sign_in_endpoint::go_on(const incoming& in, const continuation& next,
                                               const config::user& account) {
  // The new cookie takes the place of the old one; what the old one said must not live on in a
  // copy.
  if (auto before = services_.sessions.read(in)) services_.sessions.end(before->id);
  auto who = services_.sessions.start(account);
  auto response = next.what == continuation::kind::authorize
                      ? authorization_.complete(in, next.parameters, who)
                      : redirect(with_parameters("/device", next.parameters));
  services_.sessions.add_to(response, who);
  return response;
}

}  // namespace postern::sts
