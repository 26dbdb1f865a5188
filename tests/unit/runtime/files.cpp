#define CAF_SUITE files
#include "runtime/files.hpp"

#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/unit_test.hpp>

#include <sys/stat.h>

using namespace postern::runtime;
using postern::test::temp_directory;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat s{};
  return ::stat(path.c_str(), &s) == 0 ? s.st_mode & 07777 : 0;
}

}  // namespace

CAF_TEST(a file is read whole and byte by byte) {
  const temp_directory folder;
  std::string content(100'000, 'x');
  content[50'000] = '\0';
  CAF_CHECK(read_file(folder.write("a", content)).value() == content);
  CAF_CHECK_EQUAL(read_file(folder.write("b", "")).value(), "");
}

CAF_TEST(what cannot be read says which file and why) {
  const temp_directory folder;
  const auto missing = read_file(folder / "none").error();
  CAF_CHECK(missing.category == error_category::not_found);
  CAF_CHECK_EQUAL(missing.cause, "file_missing");
  CAF_CHECK(missing.detail.find("/none: ") != std::string::npos);
  const auto unreadable = read_file(folder / "").error();  // a folder
  CAF_CHECK(unreadable.category == error_category::invalid_input);
  CAF_CHECK_EQUAL(unreadable.cause, "file_unreadable");
}

CAF_TEST(a write replaces content and mode and leaves nothing beside it) {
  const temp_directory folder;
  const auto path = folder.write("key", "old and longer");
  ::chmod(path.c_str(), 0644);
  const auto mask = ::umask(077);
  CAF_CHECK(write_file_atomically(path, "new", 0640).has_value());
  ::umask(mask);
  CAF_CHECK_EQUAL(read_file(path).value(), "new");
  CAF_CHECK_EQUAL(mode_of(path), 0640u);
  CAF_CHECK(!std::filesystem::exists(path + ".new"));
}

CAF_TEST(what an interrupted write left behind is no obstacle) {
  const temp_directory folder;
  folder.write("key.new", "half of a sec");
  CAF_CHECK(write_file_atomically(folder / "key", "secret", 0600).has_value());
  CAF_CHECK_EQUAL(read_file(folder / "key").value(), "secret");
  CAF_CHECK_EQUAL(mode_of(folder / "key"), 0600u);
}

CAF_TEST(a write that fails keeps what was there) {
  const temp_directory folder;
  std::filesystem::create_directories(folder / "taken/inside");
  const auto onto_folder = write_file_atomically(folder / "taken", "x", 0600);
  CAF_REQUIRE(onto_folder.has_error());
  CAF_CHECK(onto_folder.error().category == error_category::unavailable);
  CAF_CHECK_EQUAL(onto_folder.error().cause, "file_unwritable");
  CAF_CHECK(std::filesystem::is_directory(folder / "taken/inside"));
  CAF_CHECK(!std::filesystem::exists(folder / "taken.new"));
  CAF_CHECK_EQUAL(write_file_atomically(folder / "none/x", "x", 0600).error().cause,
                  "file_unwritable");
}

CAF_TEST(a folder is held once and given back at the end) {
  const temp_directory folder;
  {
    auto held = lock_folder(folder / "");
    CAF_REQUIRE(held.has_value());
    CAF_CHECK_EQUAL(lock_folder(folder / "").error().cause, "folder_in_use");
    const auto kept = std::move(*held);
    CAF_CHECK_EQUAL(lock_folder(folder / "").error().cause, "folder_in_use");
  }
  CAF_CHECK(lock_folder(folder / "").has_value());
  CAF_CHECK_EQUAL(lock_folder(folder / "none").error().cause, "file_unwritable");
}

CAF_TEST(folders are made with those above them and kept if they are there) {
  const temp_directory folder;
  CAF_CHECK(make_folder(folder / "a/b", 0700).has_value());
  CAF_CHECK_EQUAL(mode_of(folder / "a/b"), 0700u);
  CAF_CHECK(make_folder(folder / "a/b", 0755).has_value());
  CAF_CHECK_EQUAL(mode_of(folder / "a/b"), 0700u);
  folder.write("file", "");
  CAF_CHECK_EQUAL(make_folder(folder / "file/below", 0700).error().cause, "file_unwritable");
}
