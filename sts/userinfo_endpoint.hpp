#pragma once
// /userinfo: claims about the user of an access token (OpenID Connect Core, 5.3; RFC 6750).

#include "sts/services.hpp"

namespace postern::sts {

class userinfo_endpoint {
 public:
  explicit userinfo_endpoint(services& s) : services_(s) {}

  /// GET or POST; the token in the Authorization field or, with POST, in the form as access_token,
  /// never in the URL. Claims follow the token's scope and the account as it is now. 401 and 403
  /// carry WWW-Authenticate (RFC 6750, 3).
  runtime::http_response handle(const incoming& in);

 private:
  services& services_;
};

}  // namespace postern::sts
