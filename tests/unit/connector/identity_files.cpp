#define CAF_SUITE identity_files

#include "connector/identity_files.hpp"

#include "runtime/x509.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

#include <csignal>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern::connector;
using namespace std::chrono_literals;
using postern::runtime::certificate_profile;
using postern::runtime::private_key;

namespace {

identity make_identity(const std::string& name) {
  const auto key = private_key::generate();
  const auto start = postern::runtime::from_unix_seconds(1'700'000'000);
  const certificate_profile profile{.serial_hex = "01",
                                    .common_name = name,
                                    .not_before = start,
                                    .not_after = start + 24h,
                                    .use = certificate_profile::usage::authority};
  return {key.pem(), postern::runtime::self_sign(key, profile).value()};
}

unsigned mode_of(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777 : 0;
}

struct fixture {
  postern::test::temp_directory folder;
  state_directory state{folder / "state"};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(identity_files_tests, fixture)

CAF_TEST(an identity is read as it was written) {
  const auto who = make_identity("a");
  CAF_REQUIRE(state.make());
  CAF_REQUIRE(state.store_identity(who));
  CAF_CHECK(state.load_identity().value() == who);
}

CAF_TEST(a chain stays in its order) {
  auto who = make_identity("a");
  who.certificate_pem += make_identity("issuer").certificate_pem;
  CAF_CHECK(parse_identity(to_pem(who)).value() == who);
}

CAF_TEST(nobody else may read it whatever the umask) {
  const auto before = ::umask(0);
  CAF_CHECK(state.make());
  CAF_CHECK(state.store_identity(make_identity("a")));
  ::umask(before);
  CAF_CHECK_EQUAL(mode_of(state.path()), 0700u);
  CAF_CHECK_EQUAL(mode_of(state.identity_file()), 0600u);
}

CAF_TEST(a directory that was open is closed) {
  CAF_REQUIRE_EQUAL(::mkdir(state.path().c_str(), 0777), 0);
  ::chmod(state.path().c_str(), 0777);
  CAF_CHECK(state.make());
  CAF_CHECK_EQUAL(mode_of(state.path()), 0700u);
}

CAF_TEST(trying a directory leaves it as it was) {
  CAF_CHECK(state.probe());
  CAF_CHECK_NOT_EQUAL(::access(state.path().c_str(), F_OK), 0);
  CAF_REQUIRE(state.make());
  CAF_CHECK(state.probe());
  CAF_CHECK_EQUAL(::rmdir(state.path().c_str()), 0);
}

CAF_TEST(a directory that takes no files is found) {
  CAF_REQUIRE(state.make());
  // No permission stops root: the name is taken instead.
  CAF_REQUIRE_EQUAL(::mkdir((state.path() + "/probe.new").c_str(), 0700), 0);
  CAF_CHECK_EQUAL(state.probe().error().cause, "file_unwritable");
}

CAF_TEST(no identity is no defect) {
  CAF_CHECK_EQUAL(state.load_identity().error().cause, "not_enrolled");
}

CAF_TEST(a key of somebody else is refused) {
  const auto mixed = make_identity("a").key_pem + make_identity("b").certificate_pem;
  CAF_CHECK_EQUAL(parse_identity(mixed).error().cause, "identity_malformed");
}

CAF_TEST(incomplete files are refused) {
  const auto who = make_identity("a");
  for (const auto& text :
       {std::string{}, who.key_pem, who.certificate_pem, who.key_pem + to_pem(who),
        to_pem(who).substr(0, to_pem(who).size() - 40), std::string{"-----BEGIN "}})
    CAF_CHECK_EQUAL(parse_identity(text).error().cause, "identity_malformed");
}

CAF_TEST(a writer that is killed at any moment leaves a pair that fits) {
  const identity two[] = {make_identity("a"), make_identity("b")};
  CAF_REQUIRE(state.make());
  CAF_REQUIRE(state.store_identity(two[0]));
  for (int round = 0; round < 20; ++round) {
    const auto writer = ::fork();
    CAF_REQUIRE(writer >= 0);
    if (writer == 0) {
      // Does not outlive a test that is given up.
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (size_t i = 0;; ++i)
        if (!state.store_identity(two[i % 2])) ::_exit(1);
    }
    // How far it gets is the scheduler's choice: whatever it is must be all right.
    for (int yields = 0; yields < 50 * round; ++yields)
      ::sched_yield();
    ::kill(writer, SIGKILL);
    int status = 0;
    ::waitpid(writer, &status, 0);
    CAF_CHECK(WIFSIGNALED(status));
    const auto found = state.load_identity();
    CAF_REQUIRE(found);
    CAF_CHECK(*found == two[0] || *found == two[1]);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
