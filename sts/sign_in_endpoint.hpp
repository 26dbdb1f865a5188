#pragma once
// /sign-in: the name and password that the form sends.

#include "sts/authorization_endpoint.hpp"
#include "sts/services.hpp"
#include "sts/sign_in_form.hpp"

namespace postern::sts {

/// Checks, in this order: that the form is ours and came back from its browser, that neither name
/// nor address has to wait, the password. Only then is there a session.
class sign_in_endpoint {
 public:
  sign_in_endpoint(services& s, authorization_endpoint& authorization)
      : services_(s), authorization_(authorization) {}

  /// POST. Blocks for a scrypt computation. Answers by going on to what the form was shown for,
  /// with the session's cookie, or with the form again and a notice (403, or 429 with Retry-After).
  runtime::http_response handle(const incoming& in);

 private:
  runtime::http_response go_on(const incoming& in, const continuation& next,
                               const config::user& account);

  services& services_;
  authorization_endpoint& authorization_;
};

}  // namespace postern::sts
