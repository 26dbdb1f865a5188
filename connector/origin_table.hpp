#pragma once
// Where each application's origin is, as exchanges need it: built anew from each configuration,
// immutable, shared by all shards.

#include "actors/messages.hpp"
#include "config/connector.hpp"
#include "runtime/dial.hpp"

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

  bool validated = true;  ///< whether the certificate of an https origin is checked
  std::string ca_file;    ///< whose authorities are trusted for it; empty: the system's
};

/// All origins of one configuration.
class origin_table {
 public:
  /// `own` adds what only this connector's network knows. An origin that is as it was in `previous`
  /// (may be null) keeps its id and its TLS context. Reads the files of authorities: not for a
  /// shard with traffic, except that these are few and read once. One that cannot be read is logged
  /// and trusts nobody.
  static std::shared_ptr<const origin_table> make(const actors::connector_configuration& from,
                                                  const config::connector& own,
                                                  const origin_table* previous);

  /// Null if the connector does not serve it. Lives as long as the table.
  const origin* find(std::string_view application) const noexcept;
  /// Whether connections to an origin of that id may be used.
  bool holds(uint64_t id) const noexcept;

 private:
  struct hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, origin, hash, std::equal_to<>> by_application_;
};

}  // namespace postern::connector
