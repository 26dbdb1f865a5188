#pragma once
// What each command does: one request or a few, one text for standard output. No sockets and no
// files here but published.toml.

#include "control/admin_client.hpp"
#include "control/options.hpp"

#include <string>

namespace postern::control {

/// What a command has to say when it succeeds.
struct report {
  std::string text;  ///< standard output
  std::string note;  ///< standard error: for people, not for pipes
};

/// Reads and checks published.toml, sends it, and describes the changes.
outcome<report> apply(const apply_command& c, const admin_client& admin);

/// Lists or shows. `toml` is refused for kinds that no file describes.
outcome<report> get(const get_command& c, const admin_client& admin);

outcome<report> erase(const delete_command& c, const admin_client& admin);
outcome<report> revoke(const revoke_command& c, const admin_client& admin);
outcome<report> move(const move_command& c, const admin_client& admin);
outcome<report> drain(const drain_command& c, const admin_client& admin);
outcome<report> resume(const resume_command& c, const admin_client& admin);

/// The token alone goes to standard output.
outcome<report> create_token(const create_token_command& c, const admin_client& admin);

}  // namespace postern::control
