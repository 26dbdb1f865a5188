#pragma once
// Finds the application of a request by host name and path. Who uses it: the edge, once per
// request, so a look-up costs one hash and a few compares and allocates nothing. Immutable: a new
// snapshot makes a new table.

#include "config/published.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace postern::config {

/// What a look-up found.
struct route {
  const application* match = nullptr;  ///< lives as long as the table; nullptr: no such application
  /// The path is the application's without its final "/": answer with a redirect that adds it,
  /// because relative links of the page would else lead out of the application.
  bool needs_slash = false;
};

class route_table {
 public:
  route_table() = default;
  /// Keeps the snapshot alive. Applications whose URL does not parse are skipped; a valid snapshot
  /// has none.
  explicit route_table(std::shared_ptr<const published> snapshot);

  /// `host` without port, in any case; `path` as in the request target without query, dot segments
  /// already removed. The longest application path that is a prefix of it at a "/" wins.
  route find(std::string_view host, std::string_view path) const noexcept;

  /// The same as an origin reads the path that tells no letter case (of ASCII). Of applications
  /// whose paths differ in nothing else, the one as spelled.
  route find_ignoring_case(std::string_view host, std::string_view path) const noexcept;

  /// Whether any application has this host name; tells which TLS server names are ours.
  bool contains_host(std::string_view host) const noexcept;

  const std::shared_ptr<const published>& snapshot() const noexcept { return snapshot_; }

 private:
  struct entry {
    std::string path;  ///< begins and ends with "/"
    const application* target;
  };
  /// Hash and compare without regard to ASCII case, by view: so that a look-up needs no lowered
  /// copy.
  struct host_hash {
    using is_transparent = void;
    size_t operator()(std::string_view host) const noexcept;
  };
  struct host_equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept;
  };

  std::shared_ptr<const published> snapshot_;
  std::unordered_map<std::string, std::vector<entry>, host_hash, host_equal>
      hosts_;  ///< longest path first
};

}  // namespace postern::config
