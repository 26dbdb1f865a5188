#include "control/token_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::control {

namespace {

/// Tokens grow with the number of groups; beyond this no server takes the header.
constexpr size_t longest_token = size_t{32} << 10;

class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

failure file_failure(const std::string& path, const std::string& why) {
  return bad_input(path + ": " + why);
}

failure system_failure(const std::string& path) {
  return file_failure(path, std::strerror(errno));
}

outcome<std::string> trimmed(const std::string& path, std::string text) {
  static constexpr auto blanks = " \t\r\n";
  text.erase(text.find_last_not_of(blanks) + 1);
  text.erase(0, text.find_first_not_of(blanks));
  if (text.empty()) return file_failure(path, "expected a token, found nothing");
  if (text.size() > longest_token || !is_token(text)) {
    return file_failure(path, "expected a token, found something else");
  }
  return text;
}

/// The descriptor is asked, not the path: what is checked is what is read.
outcome<void> check_owner(const std::string& path, int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return system_failure(path);
  if (!S_ISREG(status.st_mode)) return file_failure(path, "expected a regular file");
  if (status.st_uid != ::geteuid())
    return file_failure(path, "expected a file of your own, it belongs to another user");
  if ((status.st_mode & 077) != 0) {
    return file_failure(path, "expected a file that only you may read (chmod 600 " + path + ")");
  }
  return {};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// Makes a rename durable.
void sync_folder(const std::filesystem::path& folder) {
  descriptor fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (fd) ::fsync(fd.get());
}

outcome<void> make_folder(const std::filesystem::path& folder) {
  if (folder.empty() || std::filesystem::is_directory(folder)) return {};
  std::error_code code;
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), code);
  if (code) return file_failure(folder.string(), code.message());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return system_failure(folder.string());
  return {};
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-._~+/="}.find(c) != std::string_view::npos;
  });
}

outcome<std::string> default_token_file() {
  auto from = [](const char* variable, const char* below) -> std::string {
    const char* folder = std::getenv(variable);
    return folder && *folder == '/' ? std::string{folder} + below : std::string{};
  };
  auto path = from("XDG_CONFIG_HOME", "/postern/token");
  if (path.empty()) path = from("HOME", "/.config/postern/token");
  if (path.empty())
    return bad_input("neither XDG_CONFIG_HOME nor HOME names a folder; use --token-file");
  return path;
}

outcome<std::string> read_token(const std::string& path, std::istream& input) {
  if (path == "-") {
    std::string text(longest_token + 1, '\0');
    input.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(input.gcount()));
    return trimmed("standard input", std::move(text));
  }
  descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd && errno == ENOENT)
    return file_failure(path, "no token there; sign in with `posternctl login`");
  if (!fd) return system_failure(path);
  if (auto checked = check_owner(path, fd.get()); !checked) return checked.error();
  std::string text(longest_token + 2, '\0');
  auto got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) return system_failure(path);
  text.resize(static_cast<size_t>(got));
  return trimmed(path, std::move(text));
}

outcome<void> write_token(const std::string& path, std::string_view token) {
  if (!is_token(token)) return refusal("the STS sent an access token that cannot be used");
  auto folder = std::filesystem::path{path}.parent_path();
  if (auto made = make_folder(folder); !made) return made;
  auto draft = path + ".new-XXXXXX";
  descriptor fd{::mkostemp(draft.data(), O_CLOEXEC)};  // mode 0600
  if (!fd) return system_failure(draft);
  bool written = write_all(fd.get(), std::string{token} + "\n") && ::fsync(fd.get()) == 0 &&
                 ::rename(draft.c_str(), path.c_str()) == 0;
  if (!written) {
    auto failed = system_failure(path);
    ::unlink(draft.c_str());
    return failed;
  }
  sync_folder(folder.empty() ? "." : folder);
  return {};
}

}  // namespace postern::control
