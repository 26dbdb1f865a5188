#define CAF_SUITE token_file

#include "control/token_file.hpp"

#include <caf/test/dsl.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdlib.h>
#include <sys/stat.h>

using namespace postern::control;

namespace {

namespace fs = std::filesystem;

struct fixture {
  fixture() {
    std::string name = (fs::temp_directory_path() / "postern-XXXXXX").string();
    CAF_REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~fixture() { fs::remove_all(folder); }

  std::string write(const std::string& text, unsigned mode) const {
    auto path = (folder / "token").string();
    std::ofstream{path} << text;
    CAF_REQUIRE_EQUAL(chmod(path.c_str(), mode), 0);
    return path;
  }
  std::string read(const std::string& path, const std::string& input = "") const {
    std::istringstream in{input};
    auto token = read_token(path, in);
    return token ? *token : "refused: " + token.error().message;
  }

  fs::path folder;
};

unsigned mode_of(const fs::path& path) {
  struct stat status{};
  CAF_REQUIRE_EQUAL(stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(token_file_tests, fixture)

CAF_TEST(what is written is read back and only its owner may read it) {
  auto path = folder / "new" / "deep" / "token";
  CAF_REQUIRE(write_token(path.string(), "abc.DEF-1_2~3+/=").has_value());
  CAF_CHECK_EQUAL(read(path.string()), "abc.DEF-1_2~3+/=");
  CAF_CHECK_EQUAL(mode_of(path), 0600u);
  CAF_CHECK_EQUAL(mode_of(path.parent_path()), 0700u);
}

CAF_TEST(a new token replaces the old one and leaves no draft) {
  auto path = write("old", 0644);
  CAF_REQUIRE(write_token(path, "new").has_value());
  CAF_CHECK_EQUAL(read(path), "new");
  CAF_CHECK_EQUAL(mode_of(path), 0600u);
  CAF_CHECK_EQUAL(std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}), 1);
}

CAF_TEST(a file that others may read is refused) {
  for (unsigned mode : {0640u, 0604u, 0620u, 0602u, 0644u, 0660u}) {
    auto path = write("token", mode);
    CAF_CHECK(
        read(path).starts_with("refused: " + path + ": expected a file that only you may read"));
  }
  CAF_CHECK_EQUAL(read(write("token", 0400)), "token");
}

CAF_TEST(what is no token is refused and not repeated) {
  for (auto text : {"", " \n", "two words", "a\nb", "a\x01", "a\"b"}) {
    auto said = read(write(text, 0600));
    CAF_CHECK(said.starts_with("refused: "));
    CAF_CHECK_EQUAL(said.find("words"), std::string::npos);
  }
  CAF_CHECK(read(write(std::string(40'000, 'a'), 0600)).starts_with("refused: "));
}

CAF_TEST(blanks around a token do not count) {
  CAF_CHECK_EQUAL(read(write("  token\r\n", 0600)), "token");
}

CAF_TEST(standard input is a source too) {
  CAF_CHECK_EQUAL(read("-", "token\n"), "token");
  CAF_CHECK_EQUAL(read("-", ""), "refused: standard input: expected a token, found nothing");
}

CAF_TEST(a missing file tells how to sign in) {
  auto path = (folder / "token").string();
  CAF_CHECK_EQUAL(read(path),
                  "refused: " + path + ": no token there; sign in with `posternctl login`");
}

CAF_TEST(a folder or a pipe is no token file) {
  CAF_CHECK(read(folder.string()).starts_with("refused: "));
  auto pipe = (folder / "pipe").string();
  CAF_REQUIRE_EQUAL(mkfifo(pipe.c_str(), 0600), 0);
  CAF_CHECK_EQUAL(read(pipe), "refused: " + pipe + ": expected a regular file");
}

CAF_TEST(a token that cannot be used is not written) {
  auto path = (folder / "token").string();
  CAF_CHECK(!write_token(path, "a b"));
  CAF_CHECK(!write_token(path, ""));
  CAF_CHECK(!fs::exists(path));
}

CAF_TEST_FIXTURE_SCOPE_END()
