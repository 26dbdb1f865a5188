#pragma once
// The command line of posternctl as values, and its help texts. Parsing reads no file but the
// environment.

#include "control/outcome.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace postern::control {

enum class output_format : uint8_t { table, json, toml };

struct login_command {};

struct apply_command {
  std::string file;  ///< published.toml; "-" for standard input
  bool dry_run = false;
  bool prune = false;
};

struct get_command {
  std::string kind;  ///< as typed
  std::string name;  ///< empty: all
  output_format format = output_format::table;
  uint32_t limit = 100;  ///< audit only
  uint64_t before = 0;   ///< audit only; a sequence number, 0: from the newest
};

struct delete_command {
  std::string kind;  ///< "application" or "group"
  std::string name;
};

struct revoke_command {
  std::string kind;  ///< "connector", "user" or "session"
  std::string name;
};

struct move_command {
  std::string connector;
  std::string group;
};

struct drain_command {
  std::string kind;  ///< "node" or "connector"
  std::string name;  ///< a node's cluster address or "self"; a connector's id
};

struct resume_command {
  std::string connector;
};

struct create_token_command {
  std::string group;
  uint32_t uses = 1;
  std::string lifetime = "1h";
  output_format format = output_format::table;
};

using command =
    std::variant<login_command, apply_command, get_command, delete_command, revoke_command,
                 move_command, drain_command, resume_command, create_token_command>;

struct options {
  std::string admin;       ///< URL of the admin host
  std::string ca_file;     ///< empty: the system's authorities only
  std::string token_file;  ///< empty: the default; "-" for standard input
  uint32_t timeout = 30;   ///< seconds per request
  control::command command;
};

/// Reads argv. Asking for help or version is a failure with the status `success` and the text to
/// print.
outcome<options> parse_options(int argc, const char* const* argv);

}  // namespace postern::control
