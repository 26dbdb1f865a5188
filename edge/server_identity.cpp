#include "edge/server_identity.hpp"

#include "runtime/files.hpp"
#include "runtime/https_client.hpp"
#include "runtime/x509.hpp"

#include <algorithm>
#include <unistd.h>

namespace postern::edge {

using runtime::result;

namespace {

// Browsers refuse server certificates that are valid for more than 398 days.
constexpr auto server_lifetime = std::chrono::hours{24 * 397};
constexpr auto authority_lifetime = std::chrono::hours{24 * 3650};
// A clock that is a little behind ours must not refuse what we sign now.
constexpr auto backdating = std::chrono::hours{1};

std::vector<std::string> names_of(const config::node& options, const config::published& published) {
  std::vector<std::string> names{options.names.service, options.names.admin};
  if (options.sts.enabled) names.push_back(options.names.sts);
  for (const auto& application : published.applications)
    if (auto url = runtime::split_url(application.external_url)) names.push_back(url->host);
  std::erase(names, std::string{});
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

server_identity::server_identity(const config::node& options, std::string connector_authority_pem,
                                 const runtime::wall_clock& clock, runtime::random_source& random)
    : options_(options),
      connector_authority_pem_(std::move(connector_authority_pem)),
      clock_(clock),
      random_(random) {}

result<void> server_identity::start() {
  auto configured = read_files();
  if (!configured) return configured.error();
  configured_ = std::move(*configured);
  if (!configured_.empty()) return {};
  return shared_store_ ? load_shared_authority() : load_authority();
}

result<std::vector<runtime::tls_identity>> server_identity::read_files() const {
  std::vector<runtime::tls_identity> found;
  for (const auto& files : options_.tls.certificates) {
    auto certificate = runtime::read_file(files.certificate_file);
    if (!certificate) return certificate.error();
    auto key = runtime::read_file(files.key_file);
    if (!key) return key.error();
    found.push_back({std::move(*certificate), std::move(*key)});
  }
  return found;
}

void server_identity::share(std::shared_ptr<runtime::store> store,
                            std::shared_ptr<const runtime::key_ring> wrapping) {
  shared_store_ = std::move(store);
  wrapping_ = std::move(wrapping);
}

result<authority_pair> server_identity::make_authority() {
  const auto fresh = runtime::private_key::generate();
  const auto now = clock_.now();
  auto signed_by_itself =
      runtime::self_sign(fresh, {.serial_hex = random_.hex(16),
                                 .common_name = "Postern server authority " + random_.hex(4),
                                 .organization = "Postern",
                                 .not_before = now - backdating,
                                 .not_after = now + authority_lifetime,
                                 .use = runtime::certificate_profile::usage::authority});
  if (!signed_by_itself) return signed_by_itself.error();
  return authority_pair{fresh.pem(), std::move(*signed_by_itself)};
}

result<void> server_identity::load_shared_authority() {
  auto found = find_shared_authority(*shared_store_, *wrapping_);
  if (!found) return found.error();
  if (!*found) {
    auto fresh = make_authority();
    if (!fresh) return fresh.error();
    auto shared = share_authority(*shared_store_, *wrapping_, std::move(*fresh));
    if (!shared) return shared.error();
    *found = std::move(*shared);
  }
  authority_key_pem_ = std::move((*found)->key_pem);
  authority_pem_ = std::move((*found)->certificate_pem);
  // For people; the node itself does not read it.
  return runtime::write_file_atomically(options_.data_directory + "/server-ca.pem", authority_pem_,
                                        0644);
}

result<void> server_identity::load_authority() {
  const auto key_path = options_.data_directory + "/server-ca.key",
             certificate_path = options_.data_directory + "/server-ca.pem";
  auto key = runtime::read_file(key_path);
  auto certificate = runtime::read_file(certificate_path);
  // Who trusts an authority trusts no other: only one that is not there is made anew.
  for (const auto* file : {&key, &certificate})
    if (!*file && file->error().category != runtime::error_category::not_found)
      return file->error();
  if (key && certificate) {
    authority_key_pem_ = std::move(*key);
    authority_pem_ = std::move(*certificate);
    return {};
  }
  auto fresh = make_authority();
  if (!fresh) return fresh.error();
  authority_key_pem_ = std::move(fresh->key_pem);
  authority_pem_ = std::move(fresh->certificate_pem);
  // The key goes first, and what is left of an old pair goes before it: a certificate without its
  // key would be kept for ever.
  ::unlink(certificate_path.c_str());
  if (auto written = runtime::write_file_atomically(key_path, authority_key_pem_, 0600); !written)
    return written.error();
  return runtime::write_file_atomically(certificate_path, authority_pem_, 0644);
}

result<runtime::tls_identity> server_identity::own_identity(const std::vector<std::string>& names,
                                                            runtime::timestamp now) const {
  auto issuer = runtime::private_key::parse_pem(authority_key_pem_);
  if (!issuer) return issuer.error();
  const auto key = runtime::private_key::generate();
  // Clients read the alternative names (RFC 9525); a common name has room for 64 characters.
  const auto& service = options_.names.service;
  auto certificate = runtime::sign_key(key,
                                       {.serial_hex = random_.hex(16),
                                        .common_name = service.size() > 64 ? "" : service,
                                        .organization = "Postern",
                                        .dns_names = names,
                                        .not_before = now - backdating,
                                        .not_after = now + server_lifetime,
                                        .use = runtime::certificate_profile::usage::server},
                                       *issuer, authority_pem_);
  if (!certificate) return certificate.error();
  return runtime::tls_identity{*certificate + authority_pem_, key.pem()};
}

result<void> server_identity::show(std::vector<runtime::tls_identity> configured,
                                   std::vector<std::string> names) {
  const auto now = clock_.now();
  auto identities = configured;
  if (identities.empty()) {
    auto own = own_identity(names, now);
    if (!own) return own.error();
    identities.push_back(std::move(*own));
  }
  auto context =
      runtime::tls_server_context::make(identities,
                                        {{options_.names.service,
                                          connector_authority_pem_,
                                          {std::string{tunnel_protocol}, "h2", "http/1.1"}}},
                                        {"h2", "http/1.1"});
  if (!context) return context.error();
  configured_ = std::move(configured);
  names_ = std::move(names);
  renewal_ = now + server_lifetime / 2;
  std::lock_guard lock{reading_};
  current_ = std::move(*context);
  return {};
}

result<void> server_identity::update(const config::published& published) {
  auto names = names_of(options_, published);
  std::lock_guard lock{changing_};
  if (current() && (names == names_ || !configured_.empty())) return {};
  return show(configured_, std::move(names));
}

result<bool> server_identity::refresh() {
  auto configured = read_files();
  if (!configured) return configured.error();
  std::lock_guard lock{changing_};
  const bool old = configured_.empty() ? clock_.now() >= renewal_ : *configured != configured_;
  if (!current() || !old) return false;
  if (auto shown = show(std::move(*configured), names_); !shown) return shown.error();
  return true;
}

std::shared_ptr<const runtime::tls_server_context> server_identity::current() const {
  std::lock_guard lock{reading_};
  return current_;
}

}  // namespace postern::edge
