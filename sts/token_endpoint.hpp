#pragma once
// /token: codes in, tokens out (RFC 6749, 4.1.3 and 5; RFC 7636, 4.6; RFC 8628, 3.4).

#include "sts/services.hpp"

namespace postern::sts {

class token_endpoint {
 public:
  explicit token_endpoint(services& s) : services_(s) {}

  /// POST with form content. Blocks for a scrypt computation if the client has a secret. Every
  /// answer is JSON that nobody may store; errors as in RFC 6749, 5.2.
  runtime::http_response handle(const incoming& in);

 private:
  runtime::http_response redeem_code(const incoming& in, const client& from);
  runtime::http_response poll_device(const incoming& in, const client& from);
  runtime::http_response issue(const client& to, const std::string& scope, const std::string& nonce,
                               const session& who);

  services& services_;
};

/// Whether the verifier fits the S256 challenge (RFC 7636, 4.6), in constant time. False for a
/// malformed verifier.
bool verifies_challenge(std::string_view verifier, std::string_view challenge);

}  // namespace postern::sts
