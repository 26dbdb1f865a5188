#pragma once
// The file connector.toml in a connector's state directory: `postern-connector enroll` writes it,
// `run` reads it, people may edit it. Everything else that a connector needs comes from the
// service; config/connector.toml is a commented sample.

#include "config/node.hpp"
#include "config/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

/// How this connector reaches the origin of one application, where the network of the connector
/// needs more than a name.
struct origin_options {
  std::string application;
  std::string ca_file;  ///< authorities for the origin's certificate, instead of the system's and
                        ///< of those that the service names
  std::string client_certificate_file;  ///< where the application's client certificate is, instead
                                        ///< of the state directory's folder; sent in any case
  std::string host;  ///< with `port` and `address`: what resolve = "host:port=address" overrides;
                     ///< empty: nothing
  uint16_t port = 0;
  std::string address;  ///< IP address

  bool operator==(const origin_options&) const = default;
};

struct connector {
  std::string service;  ///< "https://HOST[:PORT]/", normalized
  std::string ca_file;  ///< authorities for the service's certificate in addition to the system's;
                        ///< empty: none
  std::string name;     ///< how lists of connectors show it; empty: the machine's name
  /// The HTTP proxy towards the service: "http://HOST:PORT"; "none": go directly whatever the
  /// environment says; empty: what the environment says.
  std::string proxy;
  std::string proxy_credentials_file;  ///< one line "USER:PASSWORD"; empty: none
  std::vector<std::string> no_proxy;   ///< hosts that are reached without `proxy`
  log_options log;                     ///< `access` logs one line per exchange
  std::vector<origin_options> origins;

  /// The options of an application; nullptr if the file has none.
  const origin_options* find_origin(std::string_view application) const noexcept;
};

/// Reads connector.toml; relative file names are taken from the folder of the file.
result<connector> load_connector(const std::string& path);
/// The same from text; `file` is for messages and relative names.
result<connector> parse_connector(std::string_view text, const std::string& file);

/// The text that parse_connector reads back.
std::string to_toml(const connector& c);

/// Checks what a person typed as service URL and brings it into the form of `connector::service`.
result<std::string> parse_service_url(std::string_view text);

}  // namespace postern::config
