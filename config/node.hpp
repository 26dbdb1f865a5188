#pragma once
// The file that `postern serve --config` reads; config/node.toml is a commented sample.

#include "config/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace postern::config {

struct listen_options {
  std::string address = "0.0.0.0";
  uint16_t port = 443;
  uint16_t public_port = 0;  ///< the port in URLs that users see; 0: the same as `port`
  uint16_t http_port = 0;    ///< answers http:// with a redirect to https://; 0: off
  unsigned shards = 0;       ///< 0: one per core
};

/// Host names of the service itself; every other name is looked up among the applications.
struct name_options {
  std::string service;  ///< where connectors enrol and dial; the only name that asks for a client
                        ///< certificate
  std::string admin;    ///< the admin API
  std::string sts;      ///< the built-in STS
};

struct certificate_files {
  std::string certificate_file;  ///< PEM chain
  std::string key_file;          ///< PEM
};

struct tls_options {
  /// Chosen by server name. None: an own authority (server-ca.pem in the data directory) signs what
  /// is needed.
  std::vector<certificate_files> certificates;
};

struct sts_options {
  bool enabled = true;
  std::string users_file;      ///< required when enabled
  std::string issuer;          ///< an external issuer; required when not enabled
  std::string issuer_ca_file;  ///< trusted for the issuer in addition to the system's authorities
};

struct connector_options {
  std::chrono::seconds certificate_lifetime = std::chrono::hours{24 * 365};
  std::chrono::seconds renew_after = std::chrono::hours{24 * 180};
  unsigned tunnels = 2;        ///< per connector to this node
  unsigned exchanges = 1'000;  ///< at once per tunnel
};

/// No session may be configured to last longer: what outlives a session (cookie keys, revocations)
/// goes by this.
inline constexpr std::chrono::seconds longest_session = std::chrono::hours{24 * 30};

struct session_options {
  std::chrono::seconds lifetime =
      std::chrono::hours{8};        ///< upper bound; the token's expiry may end it earlier
  std::chrono::seconds leeway{60};  ///< for clocks that differ, when tokens are checked
};

/// 0: no limit. An address is one of IPv4, or a network of 64 bits of IPv6.
struct limit_options {
  /// Of users at once, of the whole node; 0: nine tenths of what the file descriptors allow.
  uint32_t connections = 0;
  uint32_t connections_per_address = 0;   ///< at once
  uint32_t requests_per_address = 0;      ///< a second; more get 429
  uint32_t requests_per_application = 0;  ///< a second, of all users together
};

struct log_options {
  std::string level = "info";   ///< trace, debug, info, warn, error
  std::string format = "text";  ///< or "json"
  std::string file;             ///< empty: standard error
  bool access = true;           ///< one line per exchange
};

/// Where everything durable is.
struct store_options {
  std::string kind = "sqlite";  ///< a file in the data directory; or "postgres": a server
  /// Holds libpq's connection string or URI; required for "postgres". A file, because it may hold a
  /// password.
  std::string connection_file;
};

/// Several nodes as one service. Without an address the node is alone; with one it needs a store
/// that all nodes share.
struct cluster_options {
  std::string address;             ///< where other nodes reach this one, "IP:port"; also its name
  std::string listen_address;      ///< the IP address to listen on; empty: that of `address`
  std::string service_address;     ///< where connectors reach this very node, "IP:port"; empty: the
                                   ///< address of `address` with the port that users see
  std::string certificate_file;    ///< PEM chain; with key_file proves that this node is a member
  std::string key_file;            ///< PEM
  std::string authority_file;      ///< PEM; whom it has signed is a member
  std::vector<std::string> peers;  ///< addresses of the other nodes; empty: they find each other in
                                   ///< the store
};

struct node {
  listen_options listen;
  name_options names;
  tls_options tls;
  std::string data_directory;
  sts_options sts;
  connector_options connectors;
  session_options session;
  limit_options limits;
  log_options log;
  store_options store;
  cluster_options cluster;
  std::string administrators = "administrators";  ///< the group whose members may administer
};

/// Reads node.toml; relative file names are taken from the folder of the file.
result<node> load_node(const std::string& path);
/// The same from text; `file` is for messages and relative names.
result<node> parse_node(std::string_view text, const std::string& file);

}  // namespace postern::config
