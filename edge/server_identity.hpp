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

/// Makes and replaces the node's TLS context. After start() every function may be called by any
/// thread.
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

  /// Replaces what has become old since: configured files with other content, an own certificate
  /// that has lived half its time. True if anything was replaced. Errors as of start() and
  /// update(): then everything stays as it was. Reads files.
  runtime::result<bool> refresh();

  /// For the next handshake.
  std::shared_ptr<const runtime::tls_server_context> current() const;

  /// PEM of the own authority, empty with configured files: issuers on this node are trusted by it.
  const std::string& own_authority_pem() const noexcept { return authority_pem_; }

 private:
  runtime::result<void> load_authority();
  runtime::result<void> load_shared_authority();
  runtime::result<authority_pair> make_authority();
  runtime::result<std::vector<runtime::tls_identity>> read_files() const;
  runtime::result<runtime::tls_identity> own_identity(const std::vector<std::string>& names,
                                                      runtime::timestamp now) const;
  runtime::result<void> show(std::vector<runtime::tls_identity> configured,
                             std::vector<std::string> names);

  const config::node& options_;
  const std::string connector_authority_pem_;
  const runtime::wall_clock& clock_;
  runtime::random_source& random_;
  std::shared_ptr<runtime::store> shared_store_;  // null: the authority is this node's own
  std::shared_ptr<const runtime::key_ring> wrapping_;
  std::string authority_pem_, authority_key_pem_;
  std::mutex changing_;  // over whole changes, and over the three members below it
  std::vector<runtime::tls_identity> configured_;
  std::vector<std::string> names_;
  runtime::timestamp renewal_{};  // of the own certificate
  mutable std::mutex reading_;    // over `current_` alone, so that handshakes never wait for files
  std::shared_ptr<const runtime::tls_server_context> current_;
};

/// The protocol name of tunnels in ALPN (docs/tunnel-protocol.md).
inline constexpr std::string_view tunnel_protocol = "postern-tunnel/1";

}  // namespace postern::edge
