#pragma once
// The service as a client of OpenID Connect providers: discovery, codes for tokens, keys. One per
// shard; sign-in and the key source use it.

#include "edge/oidc_metadata.hpp"
#include "runtime/https_client.hpp"
#include "runtime/wait_point.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace postern::edge {

/// For how long a discovery document counts as fresh: endpoints move once in years, and whoever
/// moves one keeps the old one for longer than this.
inline constexpr std::chrono::minutes metadata_lifetime{10};
/// After a failure the issuer is left alone for this long: browsers that try again must not become
/// a flood, and nobody notices two seconds.
inline constexpr std::chrono::seconds metadata_retry{2};

/// Sends one request to an issuer: the seam between the rules and the network.
using issuer_fetch = std::function<runtime::awaitable<runtime::result<runtime::http_response>>(
    std::string url, runtime::http_request request)>;

/// The real one, over HTTPS. `trust` says who is trusted there, anew for each request.
using issuer_trust = std::function<std::shared_ptr<const runtime::tls_client_context>()>;
issuer_fetch make_issuer_fetch(runtime::shard& home, issuer_trust trust);

/// What is exchanged for an ID token (RFC 6749, 4.1.3; RFC 7636, 4.5).
struct code_exchange {
  std::string issuer;
  std::string code;
  std::string redirect_uri;
  std::string client_id;
  std::string client_secret;  ///< empty: a public client
  std::string code_verifier;
};

/// All members on the shard's thread. Errors have the source "sts" and one of the causes of
/// edge/oidc_metadata.hpp.
class oidc_client {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using monotonic_clock = std::function<time_point()>;

  /// `home` must outlive the object, and the object the shard's event loop.
  oidc_client(runtime::shard& home, issuer_fetch fetch,
              monotonic_clock now = &std::chrono::steady_clock::now);
  oidc_client(const oidc_client&) = delete;
  oidc_client& operator=(const oidc_client&) = delete;

  /// The issuer's metadata, from memory while it is fresh. All who ask meanwhile wait for one
  /// request. When the issuer cannot be reached, what was known of it goes on to count.
  runtime::awaitable<runtime::result<metadata_ptr>> discover(std::string issuer);

  /// Exchanges a code for an ID token, whose content nobody has checked yet.
  runtime::awaitable<runtime::result<std::string>> exchange_code(code_exchange exchange);

  /// The issuer's keys as JWK set text.
  runtime::awaitable<runtime::result<std::string>> fetch_keys(std::string issuer);

 private:
  struct known_issuer {
    metadata_ptr metadata;
    runtime::error failure;
    time_point next_fetch = time_point::min();
    bool fetching = false;
    std::vector<runtime::wait_point*> waiting;  ///< on the frames of discover()
  };

  runtime::awaitable<void> refresh(std::string issuer);
  runtime::awaitable<runtime::result<metadata_ptr>> fetch_metadata(const std::string& issuer);
  runtime::awaitable<runtime::result<std::string>> get(std::string url);

  runtime::shard& home_;
  issuer_fetch fetch_;
  monotonic_clock now_;
  std::map<std::string, known_issuer> issuers_;  ///< as many as applications name
};

}  // namespace postern::edge
