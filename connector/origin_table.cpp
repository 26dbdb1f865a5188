#include "connector/origin_table.hpp"

#include "config/url.hpp"
#include "runtime/files.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <atomic>
#include <map>

namespace postern::connector {

namespace {

using tls_ptr = std::shared_ptr<const runtime::tls_client_context>;

uint64_t next_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

/// TLS contexts of one table: reading the system's authorities takes milliseconds, so applications
/// share them.
class tls_cache {
 public:
  tls_ptr get(bool validated, const std::string& ca_file) {
    auto& known = contexts_[{validated, ca_file}];
    if (!known) known = make(validated, ca_file);
    return known;
  }

 private:
  static tls_ptr make(bool validated, const std::string& ca_file) {
    runtime::tls_client_options options{.verify = validated, .protocols = {"http/1.1"}};
    if (!ca_file.empty()) {
      options.system_authorities = false;
      auto pem = runtime::read_file(ca_file);
      if (pem)
        options.authorities_pem = std::move(*pem);
      else
        runtime::log_event(spdlog::level::err, "authorities of an origin cannot be read",
                           {{"file", ca_file}, {"detail", pem.error().detail}});
    }
    return runtime::tls_client_context::make(options).value();
  }

  std::map<std::pair<bool, std::string>, tls_ptr> contexts_;
};

std::string without_brackets(const std::string& host) {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

origin describe(const config::application& a, const config::web_url& url,
                const config::connector& own) {
  origin o{.application = a.name,
           .target = {.host = without_brackets(url.host),
                      .port = url.port,
                      .tls = nullptr,
                      .address = {}},
           .connect_timeout = a.connect_timeout,
           .response_timeout = a.response_timeout,
           .idle_timeout = a.idle_timeout,
           .validated = a.validate_backend_certificate,
           .ca_file = {}};
  if (const auto* more = own.find_origin(a.name)) {
    o.ca_file = more->ca_file;
    if (more->host == o.target.host && more->port == o.target.port)
      o.target.address = more->address;
  }
  return o;
}

/// Whether a connection made for one may carry exchanges of the other.
bool same_peer(const origin& a, const origin& b, bool tls) {
  return a.target.host == b.target.host && a.target.port == b.target.port &&
         a.target.address == b.target.address && (a.target.tls != nullptr) == tls &&
         (!tls || (a.validated == b.validated && a.ca_file == b.ca_file));
}

}  // namespace

std::shared_ptr<const origin_table> origin_table::make(const actors::connector_configuration& from,
                                                       const config::connector& own,
                                                       const origin_table* previous) {
  auto table = std::make_shared<origin_table>();
  tls_cache contexts;
  for (const auto& a : from.applications) {
    const auto url = config::parse_web_url(a.internal_url);
    if (!url) continue;  // the decoder of configurations refuses these
    const bool tls = url->scheme == "https";
    auto o = describe(a, *url, own);
    const auto* old = previous ? previous->find(a.name) : nullptr;
    const bool kept = old && same_peer(*old, o, tls);
    o.id = kept ? old->id : next_id();
    if (tls) o.target.tls = kept ? old->target.tls : contexts.get(o.validated, o.ca_file);
    table->by_application_.insert_or_assign(a.name, std::move(o));
  }
  return table;
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
