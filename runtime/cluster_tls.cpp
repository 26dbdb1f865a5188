#include "runtime/cluster_tls.hpp"

#include "runtime/openssl_ptr.hpp"

#include <openssl/x509_vfy.h>

namespace postern::runtime {

namespace {

using verification_ptr = openssl_ptr<X509_STORE_CTX, X509_STORE_CTX_free>;

error refusal(const std::string& detail) {
  return {error_category::invalid_input, "cluster_certificate", "service", detail};
}

/// Nothing is remembered between connections: each proves its certificate anew.
result<ssl_context_ptr> load(const cluster_files& files) {
  if (files.certificate.empty() || files.key.empty() || files.authority.empty())
    return error{error_category::invalid_input, "cluster_files_missing", "service",
                 "a cluster needs certificate, key and authority"};
  ssl_context_ptr tls{SSL_CTX_new(TLS_method())};
  if (SSL_CTX_use_certificate_chain_file(tls.get(), files.certificate.c_str()) != 1)
    return refusal(files.certificate + ": " + take_openssl_error());
  if (SSL_CTX_use_PrivateKey_file(tls.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(tls.get()) != 1)
    return refusal(files.key + ": " + take_openssl_error());
  if (SSL_CTX_load_verify_locations(tls.get(), files.authority.c_str(), nullptr) != 1)
    return refusal(files.authority + ": " + take_openssl_error());
  // Every node is a Postern, and every one has 1.3.
  SSL_CTX_set_min_proto_version(tls.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(tls.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(tls.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(tls.get(), 0);
  SSL_CTX_set_mode(tls.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  return tls;
}

}  // namespace

result<void> check_cluster_files(const cluster_files& files) {
  const auto tls = load(files);
  if (!tls) return tls.error();
  STACK_OF(X509)* chain = nullptr;
  // NOLINTNEXTLINE(bugprone-multi-level-implicit-pointer-conversion): within the macro
  SSL_CTX_get0_chain_certs(tls->get(), &chain);
  const verification_ptr verification{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(verification.get(), SSL_CTX_get_cert_store(tls->get()),
                      SSL_CTX_get0_certificate(tls->get()), chain);
  if (X509_verify_cert(verification.get()) == 1) return {};
  ERR_clear_error();
  return refusal(files.certificate + ": " +
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get())));
}

result<ssl_ptr> make_cluster_connection(const cluster_files& files, cluster_side side) {
  const auto tls = load(files);
  if (!tls) return tls.error();
  ssl_ptr connection{SSL_new(tls->get())};
  if (side == cluster_side::accepts)
    SSL_set_accept_state(connection.get());
  else
    SSL_set_connect_state(connection.get());
  return connection;
}

}  // namespace postern::runtime
