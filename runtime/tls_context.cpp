#include "runtime/tls_context.hpp"

#include "runtime/openssl_ptr.hpp"
#include "runtime/x509.hpp"

#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace postern::runtime {

namespace {

using x509_store_ptr = openssl_ptr<X509_STORE, X509_STORE_free>;

// Records are read ahead in one system call; this is what a connection holds only while bytes are
// in it.
constexpr size_t read_ahead_bytes = 64 * 1024 + 4 * 256;

std::vector<x509_ptr> read_chain(std::string_view pem) {
  std::vector<x509_ptr> chain;
  auto bio = read_only_bio(pem);
  while (auto* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr))
    chain.emplace_back(certificate);
  ERR_clear_error();
  return chain;
}

void apply_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_ciphersuites(
      context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY |
                       // The chain is what is configured; looking for one costs each handshake.
                       SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, read_ahead_bytes);
}

bool use_identity(SSL_CTX* context, const tls_identity& identity) {
  auto chain = read_chain(identity.certificate_pem);
  auto bio = read_only_bio(identity.key_pem);
  const evp_pkey_ptr key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)};
  if (chain.empty() || !key) return false;
  if (SSL_CTX_use_certificate(context, chain[0].get()) != 1) return false;
  for (size_t i = 1; i < chain.size(); ++i) {
    // Whoever trusts the root has it; nobody else is helped by its bytes (RFC 8446, section 4.4.2).
    if (X509_self_signed(chain[i].get(), 0) == 1) continue;
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return false;
  }
  return SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1;
}

std::string wire_protocols(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const auto& p : protocols) {
    wire += static_cast<char>(p.size());
    wire += p;
  }
  return wire;
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return out;
}

struct name_rule {
  x509_store_ptr authorities;
  x509_ptr authority;
  std::string protocols;
};

}  // namespace

struct tls_server_context::impl {
  std::vector<ssl_context_ptr> contexts;
  std::map<std::string, SSL_CTX*, std::less<>> by_name;
  std::map<std::string, name_rule, std::less<>> rules;
  std::string default_protocols;

  SSL_CTX* find(std::string_view name) const {
    if (auto i = by_name.find(name); i != by_name.end()) return i->second;
    if (auto dot = name.find('.'); dot != std::string_view::npos) {
      if (auto i = by_name.find("*" + std::string{name.substr(dot)}); i != by_name.end())
        return i->second;
    }
    return nullptr;
  }

  const name_rule* rule(SSL* connection) const {
    auto i = rules.find(server_name(connection));
    return i == rules.end() ? nullptr : &i->second;
  }

  static int on_server_name(SSL* connection, int*, void* raw) {
    const auto& self = *static_cast<impl*>(raw);
    if (auto* context = self.find(server_name(connection))) SSL_set_SSL_CTX(connection, context);
    if (const auto* rule = self.rule(connection); rule && rule->authorities) {
      SSL_set_verify(connection, SSL_VERIFY_PEER, nullptr);
      SSL_set1_verify_cert_store(connection, rule->authorities.get());
      SSL_add_client_CA(connection, rule->authority.get());
      // A resumed session would carry a certificate that nobody has checked today.
      SSL_set_options(connection, SSL_OP_NO_TICKET);
      SSL_set_num_tickets(connection, 0);
    }
    return SSL_TLSEXT_ERR_OK;
  }

  static int on_protocols(SSL* connection, const unsigned char** out, unsigned char* size,
                          const unsigned char* in, unsigned in_size, void* raw) {
    const auto& self = *static_cast<impl*>(raw);
    const auto* rule = self.rule(connection);
    const auto& ours = rule ? rule->protocols : self.default_protocols;
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, size, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned>(ours.size()), in,
                              in_size) != OPENSSL_NPN_NEGOTIATED)
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
  }
};

tls_server_context::tls_server_context() : impl_(std::make_unique<impl>()) {}
tls_server_context::~tls_server_context() = default;

result<std::shared_ptr<tls_server_context>> tls_server_context::make(
    const std::vector<tls_identity>& identities, const std::vector<tls_name_rule>& rules,
    const std::vector<std::string>& default_protocols) {
  std::shared_ptr<tls_server_context> server{new tls_server_context};
  auto& self = *server->impl_;
  self.default_protocols = wire_protocols(default_protocols);
  for (const auto& identity : identities) {
    ssl_context_ptr context{SSL_CTX_new(TLS_server_method())};
    apply_common(context.get());
    // A user who leaves without close_notify has left all the same.
    SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    // Each connection, resumed ones too, gives a ticket for one more (RFC 8446, section 4.6.1): a
    // second one would be a tenth of a handshake's work for the few who open several at once.
    SSL_CTX_set_num_tickets(context.get(), 1);
    // Sessions live in tickets, or nowhere: who gets no ticket is not to resume by a session id
    // (TLS 1.2) or a number for a ticket (TLS 1.3) either.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    if (!use_identity(context.get(), identity))
      return error{error_category::invalid_input, "tls_identity", "service", tls_failure_text()};
    SSL_CTX_set_tlsext_servername_callback(context.get(), &impl::on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context.get(), &self);
    SSL_CTX_set_alpn_select_cb(context.get(), &impl::on_protocols, &self);
    static const unsigned char session_context[] = "postern";
    SSL_CTX_set_session_id_context(context.get(), session_context, sizeof session_context - 1);
    if (auto info = read_certificate_pem(identity.certificate_pem))
      for (const auto& name : info->dns_names)
        self.by_name.emplace(lower(name), context.get());
    self.contexts.push_back(std::move(context));
  }
  ensure(!self.contexts.empty(), "a TLS server has at least one certificate");
  for (const auto& r : rules) {
    name_rule rule;
    rule.protocols = wire_protocols(r.protocols);
    if (!r.client_authority_pem.empty()) {
      auto chain = read_chain(r.client_authority_pem);
      if (chain.empty())
        return error{error_category::invalid_input, "tls_identity", "service", "client authority"};
      rule.authorities.reset(X509_STORE_new());
      X509_STORE_add_cert(rule.authorities.get(), chain[0].get());
      X509_STORE_set_purpose(rule.authorities.get(), X509_PURPOSE_SSL_CLIENT);
      rule.authority = std::move(chain[0]);
    }
    self.rules.emplace(lower(r.name), std::move(rule));
  }
  return server;
}

ssl_ptr tls_server_context::make_connection() const {
  ssl_ptr connection{SSL_new(impl_->contexts.front().get())};
  SSL_set_accept_state(connection.get());
  return connection;
}

result<std::shared_ptr<tls_client_context>> tls_client_context::make(
    const tls_client_options& options) {
  auto client = std::make_shared<tls_client_context>();
  client->verify_ = options.verify;
  client->context_.reset(SSL_CTX_new(TLS_client_method()));
  auto* context = client->context_.get();
  apply_common(context);
  if (options.verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (options.system_authorities) SSL_CTX_set_default_verify_paths(context);
    auto authorities = read_chain(options.authorities_pem);
    if (authorities.empty() && !options.authorities_pem.empty())
      return error{error_category::invalid_input, "tls_authorities", "service",
                   "no certificate in the text of the authorities"};
    for (auto& authority : authorities)
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
  }
  if (!options.certificate_pem.empty() &&
      !use_identity(context, {options.certificate_pem, options.key_pem}))
    return error{error_category::invalid_input, "tls_identity", "service", tls_failure_text()};
  if (auto wire = wire_protocols(options.protocols); !wire.empty())
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size()));
  return client;
}

ssl_ptr tls_client_context::make_connection(const std::string& host) const {
  ssl_ptr connection{SSL_new(context_.get())};
  SSL_set_connect_state(connection.get());
  auto* parameters = SSL_get0_param(connection.get());
  if (verify_ && X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) {
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(connection.get(), host.c_str());
  }
  ERR_clear_error();
  const bool address = host.find(':') != std::string::npos ||
                       host.find_first_not_of("0123456789.") == std::string::npos;
  if (!address) SSL_set_tlsext_host_name(connection.get(), host.c_str());
  return connection;
}

std::string tls_failure_text() {
  std::string text;
  while (auto code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof line);
    if (!text.empty()) text += "; ";
    text += line;
  }
  return text.empty() ? "no TLS detail" : text;
}

std::string peer_certificate_pem(SSL* connection) {
  auto* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr) return {};
  const bio_ptr bio{BIO_new(BIO_s_mem())};
  PEM_write_bio_X509(bio.get(), certificate);
  return text_of(bio.get());
}

std::string_view selected_protocol(SSL* connection) {
  const unsigned char* data = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(connection, &data, &size);
  return {reinterpret_cast<const char*>(data), size};
}

bool certificate_covers(SSL* connection, std::string_view host) {
  auto* certificate = SSL_get_certificate(connection);
  // An empty name would be one that ends somewhere behind it.
  return certificate != nullptr && !host.empty() &&
         X509_check_host(certificate, host.data(), host.size(),
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                         nullptr) == 1;
}

std::string server_name(SSL* connection) {
  const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string{} : lower(name);
}

}  // namespace postern::runtime
