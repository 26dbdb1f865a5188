#pragma once
// Small files that matter: read whole, replaced atomically.

#include "runtime/error.hpp"

#include <string>
#include <string_view>

namespace postern::runtime {

/// The whole file. Errors: `not_found` "file_missing", `invalid_input` "file_unreadable"; the
/// detail names it.
result<std::string> read_file(const std::string& path);

/// Writes a temporary file beside `path` with `mode`, syncs it, renames it over `path` and syncs
/// the folder: after a crash there is the old content or the new one. Errors: `unavailable`
/// "file_unwritable".
result<void> write_file_atomically(const std::string& path, std::string_view content,
                                   unsigned mode);

/// Makes a folder and those above it with `mode`; no error if it is there.
result<void> make_folder(const std::string& path, unsigned mode);

}  // namespace postern::runtime
