#pragma once
// The administrator's access token on disk: only its owner may read it, and it is never half
// written. Tokens come from files or standard input only, because argv is public on a machine.

#include "control/outcome.hpp"

#include <istream>
#include <string>
#include <string_view>

namespace postern::control {

/// $XDG_CONFIG_HOME/postern/token, else $HOME/.config/postern/token. Refuses if neither variable is
/// set.
outcome<std::string> default_token_file();

/// Reads a token from a file, or from `input` for "-". Refuses a file that the group or others may
/// read or write, that belongs to somebody else than the caller, or that holds no token.
outcome<std::string> read_token(const std::string& path, std::istream& input);

/// Writes the file with mode 0600, durable and atomic: a crash leaves the old or the new token.
/// Makes the folder (0700).
outcome<void> write_token(const std::string& path, std::string_view token);

/// Whether the text can stand in a Bearer credential (RFC 6750, section 2.1).
bool is_token(std::string_view text) noexcept;

}  // namespace postern::control
