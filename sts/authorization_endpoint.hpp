#pragma once
// /authorize: from an application's request to a code (OpenID Connect Core, 3.1.2; RFC 6749, 4.1).

#include "sts/authorization_request.hpp"
#include "sts/services.hpp"

namespace postern::sts {

/// Stateless: what a request needs later travels sealed with the user.
class authorization_endpoint {
 public:
  explicit authorization_endpoint(services& s) : services_(s) {}

  /// GET or POST. Answers with the sign-in form, with a code, or with an error: by redirect where
  /// RFC 6749, 4.1.2.1 allows it, as a page for an unknown client or an unregistered redirect_uri.
  runtime::http_response handle(const incoming& in);

  /// Answers the request with a code for a user who has just signed in for it. `parameters`: those
  /// that were sealed. If the application has named another user by a hint, the answer is
  /// "login_required" instead.
  runtime::http_response complete(const incoming& in, const fields& parameters, const session& who);

 private:
  /// Whom the application names by its hint; empty for a hint that cannot be read.
  std::string hinted_subject(const authorization_request& request);
  bool needs_sign_in(const authorization_request& request, const std::optional<session>& who);
  runtime::http_response answer(const return_address& address, const authorization_request& request,
                                const session& who);

  services& services_;
};

}  // namespace postern::sts
