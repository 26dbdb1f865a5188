#pragma once
// The parameters of an authorization request, checked: pure functions, no side effects.

#include "sts/clients.hpp"
#include "sts/responses.hpp"

#include <memory>
#include <optional>
#include <string>

namespace postern::sts {

/// Where an answer may go. Only once this is known may an error be sent back by redirect (RFC
/// 6749, 4.1.2.1).
struct return_address {
  std::shared_ptr<const client> to;
  std::string redirect_uri;
  std::string state;  ///< echoed; may be empty
};

/// Finds the client and compares redirect_uri as text with what is registered. The error is for a
/// person, never for a redirect: its code is "unknown_client", "unknown_redirect_uri" or
/// "value_too_long".
oauth_result<return_address> find_return_address(const fields& parameters,
                                                 const client_directory& clients);

/// The rest of the request (OpenID Connect Core, 3.1.2.1; RFC 7636).
struct authorization_request {
  std::string scope;  ///< granted
  std::string nonce;
  std::string code_challenge;  ///< S256; empty only for a confidential client that sent none
  bool prompt_none = false;
  bool prompt_login = false;
  std::optional<int64_t> max_age;  ///< seconds
  std::string login_hint;
  std::string id_token_hint;
  /// Who alone may be answered for (OpenID Connect Core, 3.1.2.2): the subject of the hint, set by
  /// whoever can verify that. Empty: anybody.
  std::string expected_subject;
};

/// Errors are those of RFC 6749, 4.1.2.1 and OpenID Connect Core, 3.1.2.6, to be sent by redirect.
oauth_result<authorization_request> read_authorization_request(const fields& parameters,
                                                               const client& from);

/// The parameters that answering still needs after a sign-in, as the two functions above read them,
/// and with them `expected_subject`: only what was sealed is believed that one. All of them are
/// bounded, so the hint itself is not among them.
fields to_parameters(const return_address& address, const authorization_request& request);

/// The redirect that carries an answer or an error back, with state and "iss" (RFC 9207).
runtime::http_response answer_by_redirect(const return_address& address, fields answer,
                                          const std::string& issuer);
runtime::http_response error_by_redirect(const return_address& address, const oauth_error& e,
                                         const std::string& issuer);

}  // namespace postern::sts
