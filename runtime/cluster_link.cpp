#include "runtime/cluster_link.hpp"

#include "runtime/dial.hpp"
#include "runtime/openssl_ptr.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/all.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <set>

namespace postern::runtime {

namespace {

constexpr auto probe_timeout = std::chrono::seconds{2};

error refusal(const std::string& detail) {
  return {error_category::invalid_input, "cluster_certificate", "service", detail};
}

std::string last_openssl_error() {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return text;
}

using tls_ptr = openssl_ptr<SSL_CTX, SSL_CTX_free>;
using verification_ptr = openssl_ptr<X509_STORE_CTX, X509_STORE_CTX_free>;

}  // namespace

result<void> check_cluster_files(const cluster_files& files) {
  if (files.certificate.empty() || files.key.empty() || files.authority.empty())
    return error{error_category::invalid_input, "cluster_files_missing", "service",
                 "a cluster needs certificate, key and authority"};
  const tls_ptr tls{SSL_CTX_new(TLS_method())};
  if (SSL_CTX_use_certificate_chain_file(tls.get(), files.certificate.c_str()) != 1)
    return refusal(files.certificate + ": " + last_openssl_error());
  if (SSL_CTX_use_PrivateKey_file(tls.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(tls.get()) != 1)
    return refusal(files.key + ": " + last_openssl_error());
  if (SSL_CTX_load_verify_locations(tls.get(), files.authority.c_str(), nullptr) != 1)
    return refusal(files.authority + ": " + last_openssl_error());
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(tls.get(), &chain);
  const verification_ptr verification{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(verification.get(), SSL_CTX_get_cert_store(tls.get()),
                      SSL_CTX_get0_certificate(tls.get()), chain);
  if (X509_verify_cert(verification.get()) != 1)
    return refusal(files.certificate + ": " +
                   X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get())));
  return {};
}

void load_cluster_link(caf::actor_system_config& config, const cluster_files& files) {
  ensure(!files.certificate.empty() && !files.key.empty() && !files.authority.empty(),
         "no network without its three files");
  config.load<caf::io::middleman>();
  config.load<caf::openssl::manager>();
  config.set("middleman.heartbeat-interval", caf::timespan{cluster_heartbeat});
  config.set("middleman.connection-timeout", caf::timespan{cluster_silence});
  config.openssl_certificate = files.certificate;
  config.openssl_key = files.key;
  config.openssl_cafile = files.authority;
}

result<void> publish_to_cluster(caf::actor_system& system, const caf::actor& gate,
                                const config::endpoint& at) {
  const auto port = caf::openssl::publish(gate, at.port, at.address.c_str(), true);
  if (!port)
    return error{error_category::unavailable, "cluster_listen", "service",
                 config::to_string(at) + ": " + system.render(port.error())};
  return {};
}

awaitable<result<caf::strong_actor_ptr>> connect_to_node(actor_port& port,
                                                         caf::actor_system& system, shard& home,
                                                         config::endpoint node,
                                                         std::chrono::milliseconds timeout) {
  dial_target target{
      .host = node.address, .port = node.port, .tls = nullptr, .address = node.address};
  {
    const auto probe = co_await dial(home, std::move(target), probe_timeout);
    if (!probe) co_return probe.error();
  }
  auto ask = caf::make_message(caf::connect_atom_v, node.address, node.port);
  auto middleman = caf::actor_cast<caf::strong_actor_ptr>(system.openssl_manager().actor_handle());
  auto answer = co_await port.ask_message(std::move(middleman), timeout, std::move(ask));
  if (answer.match_elements<caf::error>()) co_return from_caf(answer.get_as<caf::error>(0));
  caf::strong_actor_ptr found;
  if (answer.match_elements<caf::node_id, caf::strong_actor_ptr, std::set<std::string>>())
    found = answer.get_as<caf::strong_actor_ptr>(1);
  if (!found)
    co_return error{error_category::unavailable, "cluster_unreachable", "service",
                    config::to_string(node) + " offers nothing"};
  co_return found;
}

}  // namespace postern::runtime
