#include "connector/origin_table.hpp"

#include "config/url.hpp"
#include "connector/identity_files.hpp"
#include "runtime/files.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <sys/stat.h>
#include <tuple>

namespace postern::connector {

namespace {

using tls_ptr = std::shared_ptr<const runtime::tls_client_context>;

uint64_t next_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

runtime::error defect(const char* cause, std::string detail) {
  return {runtime::error_category::bad_gateway, cause, "origin", std::move(detail)};
}

/// TLS contexts of one table: reading the system's authorities takes milliseconds, so applications
/// share them.
class tls_cache {
 public:
  runtime::result<tls_ptr> get(const origin& o, const char* protocol) {
    auto& known = contexts_[{o.validated, o.authorities_pem, o.client_pem, protocol}];
    if (known) return known;
    runtime::tls_client_options options{.verify = o.validated,
                                        .system_authorities = o.authorities_pem.empty(),
                                        .authorities_pem = o.authorities_pem,
                                        .protocols = {protocol}};
    if (!o.client_pem.empty()) {
      auto who = parse_identity(o.client_pem);
      if (!who) return who.error();
      options.certificate_pem = std::move(who->certificate_pem);
      options.key_pem = std::move(who->key_pem);
    }
    auto made = runtime::tls_client_context::make(options);
    if (!made) return made.error();
    return known = std::move(*made);
  }

 private:
  std::map<std::tuple<bool, std::string, std::string, std::string>, tls_ptr> contexts_;
};

std::string without_brackets(const std::string& host) {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

origin_table::file_stamp stamp_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec, found.st_size,
          found.st_ino};
}

origin describe(const config::application& a, const config::web_url& url,
                const config::connector& own) {
  origin o{.application = a.name,
           .target = {.host = without_brackets(url.host),
                      .port = url.port,
                      .tls = nullptr,
                      .address = {},
                      .server_name = a.backend_server_name},
           .connect_timeout = a.connect_timeout,
           .response_timeout = a.response_timeout,
           .idle_timeout = a.idle_timeout,
           .protocol = a.origin_protocol,
           .http2_target = {},
           .validated = a.validate_backend_certificate,
           .authorities_pem = a.backend_authorities,
           .client_pem = {},
           .defect = {.category = runtime::error_category::none}};
  const auto* more = own.find_origin(a.name);
  if (more && more->host == o.target.host && more->port == o.target.port)
    o.target.address = more->address;
  return o;
}

/// The names of the files of this machine that an application needs; empty: none.
struct own_files {
  std::string authorities, client_certificate;
};

own_files files_of(const config::application& a, const config::connector& own,
                   const std::string& client_certificates) {
  own_files files;
  if (!a.backend_client_certificate.empty())
    files.client_certificate = client_certificates + "/" + a.backend_client_certificate;
  if (const auto* more = own.find_origin(a.name)) {
    files.authorities = more->ca_file;
    if (!more->client_certificate_file.empty())
      files.client_certificate = more->client_certificate_file;
  }
  return files;
}

void read_files(const own_files& files, origin& o) {
  if (!files.authorities.empty()) {
    auto pem = runtime::read_file(files.authorities);
    if (!pem) {
      o.defect =
          defect("origin_certificate", "the authorities cannot be read: " + pem.error().detail);
      return;
    }
    o.authorities_pem = std::move(*pem);
  }
  if (!files.client_certificate.empty()) {
    auto pem = runtime::read_file(files.client_certificate);
    const auto who = pem ? parse_identity(*pem) : runtime::result<identity>{pem.error()};
    if (!who) {
      o.defect =
          defect("origin_client_certificate", "the client certificate " + files.client_certificate +
                                                  " cannot be used: " + who.error().detail);
      return;
    }
    o.client_pem = std::move(*pem);
  }
}

/// Whether a connection made for one may carry exchanges of the other.
bool same_peer(const origin& a, const origin& b) {
  return a.target.host == b.target.host && a.target.port == b.target.port &&
         a.target.address == b.target.address && a.target.server_name == b.target.server_name &&
         a.protocol == b.protocol && a.validated == b.validated &&
         a.authorities_pem == b.authorities_pem && a.client_pem == b.client_pem &&
         a.defect.cause == b.defect.cause;
}

void add_tls(tls_cache& contexts, origin& o) {
  auto plain = contexts.get(o, "http/1.1");
  auto multiplexed = o.protocol == config::origin_protocol_kind::h2
                         ? contexts.get(o, "h2")
                         : runtime::result<tls_ptr>{tls_ptr{}};
  if (!plain || !multiplexed) {
    o.defect =
        defect("origin_certificate", plain ? multiplexed.error().detail : plain.error().detail);
    return;
  }
  o.target.tls = std::move(*plain);
  o.http2_target.tls = std::move(*multiplexed);
}

}  // namespace

std::shared_ptr<const origin_table> origin_table::make(const actors::connector_configuration& from,
                                                       const config::connector& own,
                                                       const std::string& client_certificates,
                                                       const origin_table* previous) {
  auto table = std::make_shared<origin_table>();
  tls_cache contexts;
  for (const auto& a : from.applications) {
    const auto url = config::parse_web_url(a.internal_url);
    if (!url) continue;  // the decoder of configurations refuses these
    const bool tls = url->scheme == "https";
    auto o = describe(a, *url, own);
    if (tls) {
      const auto files = files_of(a, own, client_certificates);
      for (const auto& file : {files.authorities, files.client_certificate})
        if (!file.empty()) table->files_.emplace(file, stamp_of(file));
      read_files(files, o);
    }
    o.http2_target = o.target;
    const auto* old = previous ? previous->find(a.name) : nullptr;
    const bool kept = old && (old->target.tls != nullptr || !old->defect.cause.empty()) == tls &&
                      same_peer(*old, o);
    o.id = kept ? old->id : next_id();
    if (kept) {
      o.target.tls = old->target.tls;
      o.http2_target.tls = old->http2_target.tls;
    } else if (tls && o.defect.cause.empty()) {
      add_tls(contexts, o);
    }
    if (!o.defect.cause.empty() && !(kept && old->defect.detail == o.defect.detail))
      runtime::log_event(
          spdlog::level::err, "an origin cannot be used",
          {{"application", a.name}, {"cause", o.defect.cause}, {"detail", o.defect.detail}});
    table->by_application_.insert_or_assign(a.name, std::move(o));
  }
  return table;
}

bool origin_table::files_changed() const {
  return std::any_of(files_.begin(), files_.end(),
                     [](const auto& entry) { return stamp_of(entry.first) != entry.second; });
}

const origin* origin_table::find(std::string_view application) const noexcept {
  const auto i = by_application_.find(application);
  return i == by_application_.end() ? nullptr : &i->second;
}

bool origin_table::holds(uint64_t id) const noexcept {
  return std::any_of(by_application_.begin(), by_application_.end(),
                     [&](const auto& entry) { return entry.second.id == id; });
}

}  // namespace postern::connector
