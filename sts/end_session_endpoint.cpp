#include "sts/end_session_endpoint.hpp"

#include "runtime/json_members.hpp"
#include "sts/limits.hpp"
#include "sts/pages.hpp"

#include <algorithm>

namespace postern::sts {

using runtime::http_status;

namespace {

constexpr std::string_view form_kind = "sign_out";
constexpr std::string_view title = "Sign out";

}  // namespace

runtime::http_response end_session_endpoint::handle(const incoming& in) {
  // A form of ours comes back with its hidden field; an application never has one.
  if (in.is_post() && !value_of(in.form, "form").empty()) return confirmed(in);
  auto w = read_wish(in.parameters());
  auto who = services_.sessions.read(in);
  auto hinted = !w.user.empty() && (!who || services_.accounts.subject(who->user) == w.user);
  if (hinted) return sign_out(in, w, who);
  return ask(in, w, who);
}

end_session_endpoint::wish end_session_endpoint::read_wish(const fields& parameters) {
  wish w;
  w.client_id = value_of(parameters, "client_id");
  if (const auto& hint = value_of(parameters, "id_token_hint"); !hint.empty()) {
    auto claims = services_.tokens.read_id_token_hint(hint);
    auto audience = claims ? runtime::text_member(*claims, "aud") : std::string_view{};
    // A hint for one client does not speak for another (section 2 of the specification).
    if (!audience.empty() && (w.client_id.empty() || w.client_id == audience)) {
      w.client_id = audience;
      w.user = runtime::text_member(*claims, "sub");
      w.session_id = runtime::text_member(*claims, "sid");
    }
  }
  auto from = services_.clients.find(w.client_id);
  if (!from) return w;
  const auto& wanted = value_of(parameters, "post_logout_redirect_uri");
  const auto& registered = from->post_logout_redirect_uris;
  if (std::find(registered.begin(), registered.end(), wanted) == registered.end()) return w;
  w.redirect_uri = wanted;
  if (value_of(parameters, "state").size() <= limits::echoed_value)
    w.state = value_of(parameters, "state");
  return w;
}

runtime::http_response end_session_endpoint::ask(const incoming& in, const wish& w,
                                                 const std::optional<session>& who) {
  auto issued = services_.forms.issue(in, form_kind,
                                      {{"client_id", w.client_id},
                                       {"post_logout_redirect_uri", w.redirect_uri},
                                       {"state", w.state}});
  auto response =
      page(http_status::ok, title, to_html(sign_out_page{issued.form, who ? who->user : ""}),
           w.redirect_uri.empty() ? "'self'" : form_to_application);
  issued.add_cookies(response);
  return response;
}

runtime::http_response end_session_endpoint::confirmed(const incoming& in) {
  auto opened = services_.forms.open(in, form_kind);
  if (!opened)
    return refusal_page(http_status::forbidden, "This form is not one of ours",
                        "Sign out from the application again.", "form_forged", in);
  // Checked again, like everything that comes back.
  auto w = read_wish(opened->state);
  auto who = services_.sessions.read(in);
  if (!opened->may_act) return ask(in, w, who);
  return sign_out(in, w, who);
}

runtime::http_response end_session_endpoint::sign_out(const incoming& in, const wish& w,
                                                      const std::optional<session>& who) {
  if (who) {
    services_.sessions.end(who->id);
    services_.report("signed_out", in, who->user, w.client_id);
  }
  // A cross-site POST comes without the cookie (SameSite=Lax); the hint still names the session.
  services_.sessions.end(w.session_id);
  fields answer;
  if (!w.state.empty()) answer["state"] = w.state;
  auto response =
      w.redirect_uri.empty()
          ? page(http_status::ok, title,
                 message_html("Signed out", "You are signed out. You may close this page.", true))
          : redirect(with_parameters(w.redirect_uri, answer));
  single_sign_on::clear(response);
  return response;
}

}  // namespace postern::sts
