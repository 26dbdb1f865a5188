#pragma once
// The clients that Postern's own tools are at the built-in STS. Used by the tools, by the edge that
// registers them, and by the check that keeps applications from taking their places.

#include <string_view>

namespace postern::config {

inline constexpr std::string_view control_client = "posternctl";
inline constexpr std::string_view connector_client = "postern-connector";

/// Whether this client_id is a tool's: an application with it would be given tokens that
/// administer.
constexpr bool is_tool_client(std::string_view id) noexcept {
  return id == control_client || id == connector_client;
}

}  // namespace postern::config
