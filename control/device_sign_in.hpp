#pragma once
// Signing an administrator in without a browser on this machine: the OAuth device authorization
// grant (RFC 8628) at the STS that the service names.

#include "control/exchange.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace postern::control {

/// What the STS answered to the request for a device code (RFC 8628, section 3.2).
struct device_authorization {
  std::string device_code;  ///< a secret
  std::string user_code;
  std::string verification_uri;
  std::string verification_uri_complete;  ///< empty if the STS has none
  std::chrono::seconds expires_in{0};
  std::chrono::seconds interval{5};
};

struct granted_token {
  std::string access_token;
  std::chrono::seconds expires_in{0};  ///< 0: not said
};

/// The parts of a sign-in that touch the world outside.
struct sign_in_seams {
  exchange send;
  std::function<void(std::chrono::seconds)> sleep;
  std::function<void(const device_authorization&)>
      show;  ///< tells the user where to go and which code to type
};

/// Finds the STS through GET <service>/.well-known/postern and OpenID Connect Discovery, shows URL
/// and code, and asks for the token until the user has decided or the code is too old. `service`
/// may be the service or the admin host.
outcome<granted_token> sign_in(const config::web_url& service, const sign_in_seams& seams);

}  // namespace postern::control
