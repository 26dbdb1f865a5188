#pragma once
// /end_session: sign-out, asked for by an application or by the user (OpenID Connect RP-Initiated
// Logout 1.0).

#include "sts/services.hpp"

namespace postern::sts {

class end_session_endpoint {
 public:
  explicit end_session_endpoint(services& s) : services_(s) {}

  /// GET or POST. With an id_token_hint of ours for the user who is signed in, it signs out at
  /// once; otherwise it asks first, or any page could sign people out. Goes on to
  /// post_logout_redirect_uri only if that is, to the last byte, registered for the client of the
  /// hint (or of client_id); otherwise it says so on a page and signs out all the same.
  runtime::http_response handle(const incoming& in);

 private:
  struct wish {
    std::string user;          ///< subject of the hint, empty without one
    std::string session_id;    ///< "sid" of the hint
    std::string client_id;     ///< empty: not known
    std::string redirect_uri;  ///< empty: none, or none that may be followed
    std::string state;
  };
  wish read_wish(const fields& parameters);
  runtime::http_response ask(const incoming& in, const wish& w, const std::optional<session>& who);
  runtime::http_response confirmed(const incoming& in);
  runtime::http_response sign_out(const incoming& in, const wish& w,
                                  const std::optional<session>& who);

  services& services_;
};

}  // namespace postern::sts
