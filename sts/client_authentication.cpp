#include "sts/client_authentication.hpp"

#include "runtime/encoding.hpp"
#include "runtime/password_hash.hpp"

#include <boost/beast/core/string.hpp>

namespace postern::sts {

namespace {

struct proof {
  std::string id;
  std::string secret;
};

oauth_result<proof> from_header(const std::string& authorization) {
  oauth_error malformed{"invalid_client", "the Authorization field is not of the Basic scheme"};
  auto blank = authorization.find(' ');
  if (blank == std::string::npos || !boost::beast::iequals(authorization.substr(0, blank), "basic"))
    return malformed;
  auto plain = runtime::from_base64(authorization.substr(blank + 1));
  if (!plain) return malformed;
  auto colon = plain->find(':');
  if (colon == std::string::npos) return malformed;
  // RFC 6749, 2.3.1: both halves are form-encoded before they are joined.
  auto id = runtime::form_decode(plain->substr(0, colon));
  auto secret = runtime::form_decode(plain->substr(colon + 1));
  if (!id || !secret) return malformed;
  return proof{*id, *secret};
}

oauth_result<proof> read_proof(const incoming& in) {
  const auto& id = value_of(in.form, "client_id");
  const auto& secret = value_of(in.form, "client_secret");
  if (in.authorization.empty()) {
    if (id.empty()) return oauth_error{"invalid_request", "client_id is missing"};
    return proof{id, secret};
  }
  if (!secret.empty())
    return oauth_error{"invalid_request", "more than one way of client authentication"};
  auto found = from_header(in.authorization);
  if (found && !id.empty() && id != found->id)
    return oauth_error{"invalid_request", "client_id and Authorization name two clients"};
  return found;
}

}  // namespace

oauth_result<std::shared_ptr<const client>> authenticate_client(services& s, const incoming& in) {
  auto given = read_proof(in);
  if (!given) return given.error();
  auto found = s.clients.find(given->id);
  if (!found) return oauth_error{"invalid_client", "no such client"};
  if (found->is_public()) {
    if (given->secret.empty()) return found;
    return oauth_error{"invalid_client", "this client has no secret"};
  }
  if (given->secret.empty())
    return oauth_error{"invalid_client", "this client has to authenticate"};
  // Counted per client *and* address: neither a guesser elsewhere nor a wrongly configured
  // neighbour shuts a client out.
  auto who = found->id + "|" + sender_of(in.address);
  if (s.client_secrets.begin(who, who).count() > 0)
    return oauth_error{"temporarily_unavailable", "too many wrong secrets, try again later"};
  if (!runtime::verify_password(given->secret, found->secret_hash))
    return oauth_error{"invalid_client", "the secret is wrong"};
  s.client_secrets.succeeded(who, who);
  return found;
}

}  // namespace postern::sts
