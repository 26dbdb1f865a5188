#pragma once
// Signs an administrator in from a machine without a browser: the OAuth 2.0 device authorization
// grant (RFC 8628). Used by enrolment.

#include "connector/service_link.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace postern::connector {

/// What the person has to do.
struct device_prompt {
  std::string verification_uri;
  std::string user_code;
};

/// Asks `issuer` (found by its discovery document) for a device code, shows it by `show`, and waits
/// until somebody has signed in. Returns the access token. Errors, source "sts": `unauthenticated`
/// "access_denied" or "expired_token", `bad_gateway` "sts_malformed" or the issuer's own error
/// code; those of fetch().
runtime::awaitable<runtime::result<std::string>> sign_in_by_device(
    runtime::shard& home, const service_link& link, std::string issuer,
    std::function<void(const device_prompt&)> show);

/// What an answer of the token endpoint says (RFC 8628, section 3.5).
struct poll_verdict {
  enum class kind : uint8_t { token, wait, slow_down, failed } what = kind::failed;
  std::string access_token;
  runtime::error failure;
};
poll_verdict read_poll(unsigned status, std::string_view content);

}  // namespace postern::connector
