#pragma once
// Small files that matter: read whole, replaced atomically.

#include "runtime/error.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace postern::runtime {

/// The whole file. Errors: `not_found` "file_missing", `invalid_input` "file_unreadable"; the
/// detail names it.
result<std::string> read_file(const std::string& path);

/// Writes a temporary file beside `path` with `mode`, syncs it, renames it over `path` and syncs
/// the folder: after a crash there is the old content or the new one. Errors: `unavailable`
/// "file_unwritable".
result<void> write_file_atomically(const std::string& path, std::string_view content,
                                   unsigned mode);

/// Holds a folder for one process: until its end, however that comes about (flock).
class folder_lock {
 public:
  folder_lock() = default;
  folder_lock(folder_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  folder_lock& operator=(folder_lock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~folder_lock();

 private:
  explicit folder_lock(int fd) : fd_(fd) {}
  friend result<folder_lock> lock_folder(const std::string& path);
  int fd_ = -1;
};

/// Errors: `conflict` "folder_in_use" if another process holds it; `unavailable` "file_unwritable".
result<folder_lock> lock_folder(const std::string& path);

/// Makes a folder and those above it with `mode`; no error if it is there.
result<void> make_folder(const std::string& path, unsigned mode);

}  // namespace postern::runtime
