#pragma once
// The tokens: what stands in them, and how our own are read back.

#include "runtime/random_source.hpp"
#include "sts/accounts.hpp"
#include "sts/clients.hpp"
#include "sts/options.hpp"
#include "sts/signing_keys.hpp"
#include "sts/single_sign_on.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace postern::sts {

/// What a user's sign-in gave a client.
struct grant {
  const config::user& account;
  const client& to;
  std::string scope;  ///< as granted_scope() left it
  std::string nonce;  ///< may be empty
  session who;
};

/// Makes ID tokens (OpenID Connect Core, section 2) and access tokens (RFC 9068, "at+jwt"). Safe to
/// use from any thread.
class token_issuer {
 public:
  token_issuer(const options& settings, const account_directory& accounts, signing_keys& keys,
               const runtime::wall_clock& clock, runtime::random_source& random)
      : settings_(settings), accounts_(accounts), keys_(keys), clock_(clock), random_(random) {}

  /// The successful answer of the token endpoint (RFC 6749, 5.1); with an ID token if the scope has
  /// "openid".
  runtime::result<boost::json::object> issue(const grant& g);

  /// The claims of an access token that opens userinfo: ours, "at+jwt", for us, in its time.
  /// Errors: `unauthenticated`.
  runtime::result<boost::json::object> read_access_token(std::string_view token);

  /// The claims of an ID token of ours, expired or not: as a hint it only says who is meant.
  /// Errors: `unauthenticated`.
  runtime::result<boost::json::object> read_id_token_hint(std::string_view token);

 private:
  boost::json::object claims_of(const grant& g, std::chrono::seconds lifetime) const;
  runtime::result<boost::json::object> read(std::string_view token, std::string_view type);

  const options& settings_;
  const account_directory& accounts_;
  signing_keys& keys_;
  const runtime::wall_clock& clock_;
  runtime::random_source& random_;
};

/// The scopes that we know, in our order, separated by blanks; what we do not know is left out
/// (OpenID Connect Core, 3.1.2.1).
std::string granted_scope(std::string_view requested);

/// Whether a blank-separated list has the word.
bool has_word(std::string_view list, std::string_view word) noexcept;

/// Name, mail and groups of an account as claims.
void add_profile(boost::json::object& claims, const config::user& account);

}  // namespace postern::sts
