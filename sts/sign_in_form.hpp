#pragma once
// Shows the sign-in form; whoever needs a signed-in user answers with it.

#include "sts/services.hpp"

#include <string>

namespace postern::sts {

/// What goes on after the sign-in. It travels sealed in the form, so nothing waits in memory.
struct continuation {
  enum class kind : uint8_t {
    authorize,  ///< parameters: those of the authorization request
    device,     ///< parameters: user_code, if it is known
  };
  kind what = kind::authorize;
  fields parameters;
};

/// Why the form is shown (again).
struct sign_in_notice {
  runtime::http_status status = runtime::http_status::ok;
  std::string text;
  std::string typed_name;
};

/// The page with the form, its cookie, and a policy that lets the browser follow the redirects
/// behind it.
runtime::http_response show_sign_in(const services& s, const incoming& in, const continuation& next,
                                    const sign_in_notice& notice);

/// Opens the hidden field that show_sign_in made. None: missing, forged or of another form.
struct returned_sign_in {
  continuation next;
  bool may_act = false;  ///< as form_guard::opened
};
std::optional<returned_sign_in> open_sign_in(const services& s, const incoming& in);

}  // namespace postern::sts
