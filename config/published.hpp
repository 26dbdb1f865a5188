#pragma once
// What an administrator publishes: groups and applications, as they stand in published.toml, in the
// admin API and in the store.

#include "config/result.hpp"

#include <boost/url/url.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

using std::chrono::milliseconds;

enum class preauthentication_kind : uint8_t { oidc, passthrough };

/// What a connector speaks to an origin.
enum class origin_protocol_kind : uint8_t {
  http1,  ///< HTTP/1.1
  h2,     ///< HTTP/2 over TLS, agreed by ALPN; an origin that does not agree is refused
  h2c,    ///< HTTP/2 over plain TCP, known beforehand (RFC 9113, section 3.3)
};

/// A connector group: the unit of high availability.
struct group {
  std::string name;

  bool operator==(const group&) const = default;
};

/// A published application. Names and defaults are fixed by the admin API; see
/// config/published.toml for a commented sample.
struct application {
  std::string name;  ///< [a-z0-9-]{1,63}, unique
  std::string
      external_url;  ///< https (or http for a passthrough test set-up), host name, path ends in "/"
  std::string internal_url;  ///< http or https, path ends in "/"
  preauthentication_kind preauthentication = preauthentication_kind::oidc;
  std::string group;
  std::vector<std::string> assigned;  ///< "user:NAME" or "group:NAME"; with oidc nobody else may
  milliseconds connect_timeout{5'000};
  milliseconds response_timeout{85'000};  ///< until the response head
  milliseconds idle_timeout{180'000};     ///< without a byte either way
  bool http_only_cookie = true;
  bool secure_cookie = true;
  bool persistent_cookie = false;
  bool translate_host_header = true;
  origin_protocol_kind origin_protocol = origin_protocol_kind::http1;
  bool validate_backend_certificate = true;
  std::string backend_authorities;  ///< PEM certificates: the only authorities trusted for the
                                    ///< origin; empty: those of the connector's machine
  std::string backend_server_name;  ///< name sent to the origin (SNI) and looked for in its
                                    ///< certificate; empty: the host of internal_url
  std::string backend_client_certificate;  ///< file of certificate and key on the connector's
                                           ///< machine; empty: the connector sends none
  bool maintenance = false;
  std::string issuer;              ///< empty: the service's default issuer
  std::string client_id;           ///< empty: the application's name
  std::string client_secret_file;  ///< empty: a public client (the built-in STS needs no secret)

  bool operator==(const application&) const = default;
};

/// Everything published at one time; immutable once shared. `version` rises with every accepted
/// change.
struct published {
  uint64_t version = 0;
  std::vector<group> groups;              ///< ordered by name
  std::vector<application> applications;  ///< ordered by name

  const application* find_application(std::string_view name) const noexcept;
  const group* find_group(std::string_view name) const noexcept;
};

/// Reads published.toml. Unknown keys, wrong types and values out of bounds are problems with a
/// line. `backend_ca_file` names a file whose text becomes `backend_authorities`; a relative name
/// is taken from the folder of published.toml.
result<published> load_published(const std::string& path);
/// The same from text; `file` is for messages only.
result<published> parse_published(std::string_view text, const std::string& file);

/// Checks one application or group by itself (names, URLs, bounds). The problem's file and line are
/// empty.
result<void> validate(const application& a);
result<void> validate(const group& g);

/// Checks that an application asks for none of the service's own host names (in lower case).
result<void> validate_host(const application& a, std::span<const std::string> service_hosts);

/// Checks that everything fits together: unique names, unique external URLs, groups that exist.
result<void> validate(const published& p);

/// "1500ms", "30s", "5m", "8h", "365d" and back; whole non-negative numbers only.
result<milliseconds> parse_duration(std::string_view text);
std::string format_duration(milliseconds d);

}  // namespace postern::config
