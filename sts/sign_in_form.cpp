#include "sts/sign_in_form.hpp"

#include "runtime/encoding.hpp"
#include "sts/pages.hpp"

namespace postern::sts {

namespace {

constexpr std::string_view authorize_kind = "sign_in_authorize";
constexpr std::string_view device_kind = "sign_in_device";

}  // namespace

runtime::http_response show_sign_in(const services& s, const incoming& in, const continuation& next,
                                    const sign_in_notice& notice) {
  auto authorize = next.what == continuation::kind::authorize;
  auto issued = s.forms.issue(in, authorize ? authorize_kind : device_kind, next.parameters);
  sign_in_page content{issued.form, "connecting a device", notice.text, notice.typed_name};
  if (authorize) {
    auto to = s.clients.find(value_of(next.parameters, "client_id"));
    content.going_to = to ? to->shown_name() : std::string{};
  }
  auto response =
      page(notice.status, "Sign in", to_html(content), authorize ? form_to_application : "'self'");
  issued.add_cookies(response);
  return response;
}

std::optional<returned_sign_in> open_sign_in(const services& s, const incoming& in) {
  if (auto opened = s.forms.open(in, authorize_kind))
    return returned_sign_in{{continuation::kind::authorize, std::move(opened->state)},
                            opened->may_act};
  if (auto opened = s.forms.open(in, device_kind))
    return returned_sign_in{{continuation::kind::device, std::move(opened->state)},
                            opened->may_act};
  return std::nullopt;
}

}  // namespace postern::sts
