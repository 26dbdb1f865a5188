#pragma once
// Whether the certificates and keys that node.toml names can be used. config/ has looked at their
// text; what is in them needs OpenSSL. Used by edge/main before a node starts.

#include "config/node.hpp"

#include <optional>
#include <string>

namespace postern::edge {

/// The first that cannot be used, as one line: FILE:LINE: KEY: expected ..., found ... (file).
/// `file` is the configuration that `options` came from.
std::optional<std::string> find_unusable_certificate(const config::node& options,
                                                     const std::string& file);

}  // namespace postern::edge
