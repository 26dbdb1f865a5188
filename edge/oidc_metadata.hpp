#pragma once
// What an OpenID Connect provider says about itself, and the URLs that follow from it. Pure
// functions; edge/oidc_client.hpp does the fetching.

#include "runtime/error.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace postern::edge {

/// The parts of a discovery document (OpenID Connect Discovery 1.0, section 3) that we use.
struct issuer_metadata {
  std::string issuer;
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string jwks_uri;
  std::string end_session_endpoint;  ///< empty: it has none
  std::string scope;                 ///< what to ask for: as much of the profile as it offers
  bool names_itself = false;  ///< its answers carry `iss` (RFC 9207), so one without is not its own
  bool takes_basic = true;    ///< client_secret_basic; else client_secret_post
};
using metadata_ptr = std::shared_ptr<const issuer_metadata>;

/// An error of the source "sts". `cause` is one of "sts_unreachable", "sts_malformed",
/// "sts_denied", "sts_failed", "sts_client_refused", "code_refused".
runtime::error sts_error(runtime::error_category category, std::string cause, std::string detail);

/// Where the discovery document of an issuer is.
std::string discovery_url(std::string_view issuer);

/// Reads a discovery document. The issuer in it must be `issuer` to the last byte (section 4.3),
/// the endpoints https unless the issuer itself is http on loopback. Errors: `bad_gateway`,
/// "sts_malformed".
runtime::result<issuer_metadata> read_metadata(std::string_view text, const std::string& issuer);

/// What sends a browser to the issuer (OpenID Connect Core, 3.1.2.1; RFC 7636).
struct authorization_request {
  std::string client_id;
  std::string redirect_uri;
  std::string state;
  std::string nonce;
  std::string code_verifier;  ///< only its hash goes into the URL
};
std::string authorization_url(const issuer_metadata& to, const authorization_request& request);

/// Where the browser signs out (RP-Initiated Logout 1.0, section 2); empty if the issuer has no
/// such endpoint.
std::string end_session_url(const issuer_metadata& to, const std::string& client_id,
                            const std::string& back_to);

/// The ID token in an answer of the token endpoint. Errors: `bad_gateway` "sts_malformed",
/// "sts_client_refused"; `forbidden` "code_refused".
runtime::result<std::string> read_token_answer(unsigned status, std::string_view text);

/// What an error in an authorization response means (RFC 6749, 4.1.2.1): `forbidden` "sts_denied",
/// or `bad_gateway` "sts_failed" where the issuer blames itself or the request.
runtime::error read_authorization_error(std::string_view code, std::string_view description);

}  // namespace postern::edge
