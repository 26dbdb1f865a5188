#pragma once
// The relying parties: which applications and tools may ask for tokens. Replaced as a whole when
// what is published changes.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace postern::sts {

/// One OAuth client (RFC 6749, section 2).
struct client {
  std::string id;
  std::vector<std::string> redirect_uris;  ///< compared as text, to the last byte (RFC 9700, 2.1)
  std::vector<std::string> post_logout_redirect_uris;  ///< the same for the way back after sign-out
  std::string secret_hash;    ///< as runtime::hash_password made it; empty: a public client
  bool device_grant = false;  ///< may use RFC 8628
  /// "aud" of access tokens; empty: the issuer, so that they open userinfo and nothing else.
  std::string access_token_audience;
  std::string display_name;  ///< what pages call it; empty: the id

  bool is_public() const noexcept { return secret_hash.empty(); }
  const std::string& shown_name() const noexcept {
    return display_name.empty() ? id : display_name;
  }
};

/// The clients of this moment; safe to use from any thread. What find() returned stays valid after
/// a replacement.
class client_directory {
 public:
  void replace(std::vector<client> clients);

  /// Null if there is no such client.
  std::shared_ptr<const client> find(std::string_view id) const;

 private:
  using table = std::map<std::string, client, std::less<>>;

  mutable std::mutex mutex_;
  std::shared_ptr<const table> clients_ = std::make_shared<const table>();
};

}  // namespace postern::sts
