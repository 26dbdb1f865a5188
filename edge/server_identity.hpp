#pragma once
// Which certificates the node shows: configured files, or ones that an authority of its own signs
// for every published name.

#include "config/node.hpp"
#include "config/published.hpp"
#include "edge/shared_authority.hpp"
#include "runtime/random_source.hpp"
#include "runtime/tls_context.hpp"
#include "runtime/wall_clock.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace postern::edge {

/// Makes and replaces the node's TLS context. Any thread may take the current one; update() may be
/// called by any, too.
class server_identity {
 public:
  server_identity(const config::node& options, std::string connector_authority_pem,
                  const runtime::wall_clock& clock, runtime::random_source& random);

  /// The own authority is that of all nodes on this store; before start().
  void share(std::shared_ptr<runtime::store> store,
             std::shared_ptr<const runtime::key_ring> wrapping);

  /// Reads the files, or the own authority (DATA/server-ca.key, server-ca.pem; made at the first
  /// start). Errors name the file.
  runtime::result<void> start();

  /// Makes a context that fits the names published now; without configured files it signs what is
  /// missing.
  runtime::result<void> update(const config::published& published);

  /// For the next handshake.
  std::shared_ptr<const runtime::tls_server_context> current() const;

  /// PEM of the own authority, empty with configured files: issuers on this node are trusted by it.
  const std::string& own_authority_pem() const noexcept { return authority_pem_; }

 private:
  runtime::result<void> load_authority();
  runtime::result<void> load_shared_authority();
  runtime::result<authority_pair> make_authority();
  runtime::result<runtime::tls_identity> own_identity(const config::published& published);

  const config::node& options_;
  const std::string connector_authority_pem_;
  const runtime::wall_clock& clock_;
  runtime::random_source& random_;
  std::shared_ptr<runtime::store> shared_store_;  // null: the authority is this node's own
  std::shared_ptr<const runtime::key_ring> wrapping_;
  std::vector<runtime::tls_identity> configured_;
  std::string authority_pem_, authority_key_pem_;
  mutable std::mutex mutex_;
  std::shared_ptr<const runtime::tls_server_context> current_;
  std::vector<std::string> names_;
};

/// The protocol name of tunnels in ALPN (docs/tunnel-protocol.md).
inline constexpr std::string_view tunnel_protocol = "postern-tunnel/1";

}  // namespace postern::edge
