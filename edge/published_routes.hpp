#pragma once
// What is prepared once per published application and shard, so that a request finds it by one
// look-up.

#include "actors/contracts.hpp"
#include "config/route_table.hpp"
#include "edge/translation.hpp"

#include <memory>
#include <unordered_map>

namespace postern::edge {

/// An application as the edge serves it.
struct published_application {
  actors::application_ptr application;  ///< as published, its issuer never empty
  application_urls urls;
  actors::group_queue_actor queue;  ///< null: the group has no queue yet
  std::string cookie_name;          ///< of the session cookie
  bool scoped = false;  ///< it does not have its host, or its origin, to itself: paths are checked
};

/// Built anew for each routing; immutable.
class published_routes {
 public:
  /// `own_issuer` is that of applications that name none.
  published_routes(const actors::routing& routing, const std::string& own_issuer);

  /// Null if the host, or the path on it, is not published. `needs_slash` as in config::route.
  const published_application* find(std::string_view host, std::string_view path,
                                    bool& needs_slash) const noexcept;
  /// Whether a careless origin might take the path of a request to `to` for that of another
  /// application, or of none: dot segments, or careless_reading() in any letter case. Such a
  /// request is refused: no spelling leads around a sign-in.
  bool leads_elsewhere(std::string_view host, std::string_view path,
                       const published_application& to) const;
  /// By its name; null if no such application is published.
  const published_application* find_named(std::string_view name) const noexcept;
  bool contains_host(std::string_view host) const noexcept { return table_.contains_host(host); }

 private:
  config::route_table table_;
  std::unordered_map<const config::application*, published_application> prepared_;
  std::unordered_map<std::string_view, const published_application*> by_name_;
};

/// Whether a path has "." or ".." segments, plain or percent-encoded, or encoded slashes that would
/// make some.
bool has_dot_segments(std::string_view path) noexcept;

/// A path as a careless origin might read it: percent-decoded, "\\" as "/", slashes merged,
/// ";parameters" cut off.
std::string careless_reading(std::string_view path);

}  // namespace postern::edge
