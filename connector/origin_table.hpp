#pragma once
// Where each application's origin is, as exchanges need it: built anew from each configuration,
// immutable, shared by all shards.

#include "actors/messages.hpp"
#include "config/connector.hpp"
#include "runtime/dial.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postern::connector {

/// One application's origin.
struct origin {
  /// The same as long as connections to it may be used again: it changes with whatever decides who
  /// is at the other end. Unique in the process.
  uint64_t id = 0;
  std::string application;
  runtime::dial_target target;
  std::chrono::milliseconds connect_timeout{0};
  std::chrono::milliseconds response_timeout{0};
  std::chrono::milliseconds idle_timeout{0};

  config::origin_protocol_kind protocol = config::origin_protocol_kind::http1;
  /// The same place for HTTP/2; of use only if `protocol` says so. `target` stays for WebSockets.
  runtime::dial_target http2_target;

  bool validated = true;        ///< whether the certificate of an https origin is checked
  std::string authorities_pem;  ///< the only ones trusted for it; empty: the system's
  std::string client_pem;       ///< certificate and key for it, a secret; empty: none
  /// Why no connection may be made: a file of this machine is missing or useless. Its cause is one
  /// of the tunnel's (docs/tunnel-protocol.md, rule 8); empty: all is well.
  runtime::error defect;
};

/// All origins of one configuration.
class origin_table {
 public:
  /// `own` adds what only this connector's network knows; client certificates are in the folder
  /// `client_certificates`. An origin that is as it was in `previous` (may be null) keeps its id
  /// and its TLS contexts. Reads the files of authorities and client certificates: not for a shard
  /// with traffic, except that these are few and read once. One that cannot be used is logged, and
  /// a `defect` of its origin.
  static std::shared_ptr<const origin_table> make(const actors::connector_configuration& from,
                                                  const config::connector& own,
                                                  const std::string& client_certificates,
                                                  const origin_table* previous);

  /// Whether a file that was read, or was missing, is another one by now: make a new table.
  bool files_changed() const;

  /// Null if the connector does not serve it. Lives as long as the table.
  const origin* find(std::string_view application) const noexcept;
  /// Whether connections to an origin of that id may be used.
  bool holds(uint64_t id) const noexcept;

  /// What tells that a file has been replaced; all zero: it cannot be read.
  struct file_stamp {
    int64_t modified = 0;  ///< nanoseconds
    int64_t size = 0;
    uint64_t inode = 0;

    bool operator==(const file_stamp&) const = default;
  };

 private:
  struct hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, origin, hash, std::equal_to<>> by_application_;
  std::map<std::string, file_stamp> files_;
};

}  // namespace postern::connector
