#include "runtime/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::runtime {

namespace {

struct descriptor {
  int fd;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

/// What a failed write leaves is removed: it may be half of a secret.
struct temporary_file {
  std::string path;
  bool keep = false;
  ~temporary_file() {
    if (!keep) ::unlink(path.c_str());
  }
};

error unwritable(const std::string& path) {
  return {error_category::unavailable, "file_unwritable", "service",
          path + ": " + std::strerror(errno)};
}

std::string folder_of(const std::string& path) {
  auto folder = std::filesystem::path{path}.parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

result<std::string> read_file(const std::string& path) {
  descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    const bool missing = errno == ENOENT;
    return error{missing ? error_category::not_found : error_category::invalid_input,
                 missing ? "file_missing" : "file_unreadable", "service",
                 path + ": " + std::strerror(errno)};
  }
  std::string content;
  char piece[8192];
  for (;;) {
    const auto n = ::read(file.fd, piece, sizeof piece);
    if (n == 0) return content;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return error{error_category::invalid_input, "file_unreadable", "service",
                   path + ": " + std::strerror(errno)};
    content.append(piece, static_cast<size_t>(n));
  }
}

result<void> write_file_atomically(const std::string& path, std::string_view content,
                                   unsigned mode) {
  const auto temporary = path + ".new";
  temporary_file cleanup{temporary};
  {
    ::unlink(temporary.c_str());
    descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
    if (file.fd < 0) return unwritable(temporary);
    while (!content.empty()) {
      const auto n = ::write(file.fd, content.data(), content.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return unwritable(temporary);
      content.remove_prefix(static_cast<size_t>(n));
    }
    if (::fchmod(file.fd, mode) != 0 || ::fsync(file.fd) != 0) return unwritable(temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return unwritable(path);
  cleanup.keep = true;
  descriptor folder{::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd < 0 || ::fsync(folder.fd) != 0) return unwritable(path);
  return {};
}

folder_lock::~folder_lock() {
  if (fd_ >= 0) ::close(fd_);
}

result<folder_lock> lock_folder(const std::string& path) {
  folder_lock lock{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (lock.fd_ < 0) return unwritable(path);
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return error{error_category::conflict, "folder_in_use", "service",
                 path + ": another process works in it"};
  return unwritable(path);
}

result<void> make_folder(const std::string& path, unsigned mode) {
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) return {};
  std::filesystem::create_directories(path, failure);
  if (failure)
    return error{error_category::unavailable, "file_unwritable", "service",
                 path + ": " + failure.message()};
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode), failure);
  return {};
}

}  // namespace postern::runtime
