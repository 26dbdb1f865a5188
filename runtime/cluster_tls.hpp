#pragma once
// TLS between the nodes of a cluster: both sides show a certificate of the cluster's authority, or
// there is no connection. Who uses it: cluster_link.

#include "runtime/tls_context.hpp"

#include <string>

namespace postern::runtime {

/// What makes a node a member. All three are needed. Names are not looked at: every certificate of
/// the authority is a full member's, so the authority must be used for nothing else.
struct cluster_files {
  std::string certificate;  ///< PEM chain
  std::string key;          ///< PEM
  std::string authority;    ///< PEM
};

/// Whether the files are there and fit: the key is the certificate's, the authority has signed it,
/// and it is valid now. Errors, all `invalid_input`: "cluster_files_missing",
/// "cluster_certificate".
result<void> check_cluster_files(const cluster_files& files);

/// Who of a connection this is.
enum class cluster_side : uint8_t { dials, accepts };

/// A connection that is to shake hands: TLS 1.3, and the peer must prove to be a member. The files
/// are read for every one, so that replaced files count from the next on. Errors as above.
result<ssl_ptr> make_cluster_connection(const cluster_files& files, cluster_side side);

}  // namespace postern::runtime
