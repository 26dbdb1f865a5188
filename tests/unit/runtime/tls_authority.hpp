#pragma once
// An authority that signs what TLS needs, and both ends of a connection without a socket.

#include "runtime/tls_context.hpp"
#include "runtime/x509.hpp"

#include <openssl/err.h>

#include <string>
#include <utility>
#include <vector>

namespace postern::test {

class tls_authority {
 public:
  using usage = runtime::certificate_profile::usage;

  explicit tls_authority(const std::string& name = "Test authority")
      : pem_(runtime::self_sign(key_, profile(name, usage::authority)).value()) {}

  const std::string& pem() const noexcept { return pem_; }

  runtime::tls_identity sign(const runtime::certificate_profile& wanted) const {
    const auto key = runtime::private_key::generate();
    return {runtime::sign_key(key, wanted, key_, pem_).value(), key.pem()};
  }
  /// A server's, with the first name as common name.
  runtime::tls_identity server(std::vector<std::string> names,
                               std::vector<std::string> addresses = {}) const {
    auto wanted = profile(names.front(), usage::server);
    wanted.dns_names = std::move(names);
    wanted.ip_addresses = std::move(addresses);
    return sign(wanted);
  }
  runtime::tls_identity client() const { return sign(profile("client", usage::client)); }

  static runtime::certificate_profile profile(std::string name, usage use) {
    return {.serial_hex = "01",
            .common_name = std::move(name),
            .not_before = runtime::from_unix_seconds(1'600'000'000),
            .not_after = runtime::from_unix_seconds(4'000'000'000),
            .use = use};
  }

 private:
  runtime::private_key key_ = runtime::private_key::generate();
  std::string pem_;
};

/// Both ends of one connection, joined in memory.
struct tls_ends {
  tls_ends(const runtime::tls_client_context& from, const runtime::tls_server_context& to,
           const std::string& host)
      : client(from.make_connection(host)), server(to.make_connection()) {}

  /// Whether both sides are content.
  bool shake_hands() {
    BIO *near = nullptr, *far = nullptr;
    BIO_new_bio_pair(&near, 0, &far, 0);
    SSL_set_bio(client.get(), near, near);
    SSL_set_bio(server.get(), far, far);
    bool done = false;
    for (int round = 0; round < 5; ++round) {
      const bool client_done = SSL_do_handshake(client.get()) == 1;
      done = SSL_do_handshake(server.get()) == 1 && client_done;
    }
    char byte = 0;
    SSL_read(client.get(), &byte, 1);  // takes tickets
    ERR_clear_error();
    return done;
  }

  runtime::ssl_ptr client, server;
};

}  // namespace postern::test
