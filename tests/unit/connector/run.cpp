#define CAF_SUITE run
// What `postern-connector run` refuses before it serves. How it serves and ends is shown by
// tests/end_to_end.
#include "connector/run.hpp"

#include "connector/identity_files.hpp"
#include "runtime/files.hpp"
#include "tests/unit/runtime/temp_directory.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <caf/test/dsl.hpp>

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

using namespace postern;
using namespace postern::connector;

namespace {

constexpr const char* service = "service = \"https://connect.localhost/\"\n";

/// Standard error goes to a file as long as this lives.
class captured_errors {
 public:
  explicit captured_errors(const std::string& file) : before_(::dup(2)) {
    const int to = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(to, 2);
    ::close(to);
  }
  ~captured_errors() {
    ::fflush(stderr);
    ::dup2(before_, 2);
    ::close(before_);
  }
  captured_errors(const captured_errors&) = delete;
  captured_errors& operator=(const captured_errors&) = delete;

 private:
  int before_;
};

struct fixture {
  test::temp_directory folder;
  state_directory state{folder / "state"};
  run_options options{.state_directory = state.path(), .shards = 1};

  fixture() {
    CAF_REQUIRE(state.make().has_value());
    const auto who = test::tls_authority{}.client();
    CAF_REQUIRE(state.store_identity({who.key_pem, who.certificate_pem}).has_value());
    configure("");
  }
  /// Lines below the one that names the service.
  void configure(const std::string& lines) const {
    folder.write("state/connector.toml", service + lines);
  }
  /// The line that it ends with, without the program's name.
  std::string refusal() {
    const auto file = folder / "errors";
    int code = 0;
    {
      const captured_errors captured{file};
      code = run(options);
    }
    CAF_CHECK_EQUAL(code, 2);
    auto text = runtime::read_file(file).value();
    CAF_CHECK_EQUAL(std::ranges::count(text, '\n'), 1);
    const std::string begin = "postern-connector: ";
    CAF_REQUIRE(text.starts_with(begin) && text.ends_with('\n'));
    text.pop_back();
    return text.substr(begin.size());
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(run_tests, fixture)

CAF_TEST(whoever has not enrolled is told how to) {
  std::filesystem::remove(state.identity_file());
  CAF_CHECK_EQUAL(refusal(),
                  state.path() + " holds no identity: run `postern-connector enroll` first");
  options.state_directory = folder / "nowhere";
  CAF_CHECK(refusal().starts_with(options.state_directory + " holds no identity"));
}

CAF_TEST(an identity that is torn is not run with and not shown) {
  const auto whole = runtime::read_file(state.identity_file()).value();
  const auto text = whole.substr(0, whole.size() / 2);
  folder.write("state/identity.pem", text);
  const auto why = refusal();
  CAF_CHECK(why.find("PRIVATE KEY-----") == std::string::npos);
  CAF_CHECK(!why.empty());
}

CAF_TEST(a second process of one identity is refused until the first has ended) {
  configure("nonsense = 1\n");
  {
    const auto first = runtime::lock_folder(state.path());
    CAF_REQUIRE(first.has_value());
    CAF_CHECK(refusal().find("nonsense") == std::string::npos);
  }
  CAF_CHECK(refusal().find("nonsense") != std::string::npos);
  // Whoever was refused holds nothing.
  CAF_CHECK(runtime::lock_folder(state.path()).has_value());
}

CAF_TEST(a configuration that is missing or wrong is refused with its place) {
  configure("\nnonsense = 1\n");
  CAF_CHECK(refusal().starts_with(state.configuration_file() + ":3: "));
  std::filesystem::remove(state.configuration_file());
  CAF_CHECK(refusal().find(state.configuration_file()) != std::string::npos);
}

CAF_TEST(authorities that are none are refused at the line that names them) {
  configure("name = \"n\"\nca_file = \"ca.pem\"\n");
  const auto place = state.configuration_file() + ":3: ca_file: expected ";
  CAF_CHECK(refusal().starts_with(place + "a file, found: "));
  folder.write("state/ca.pem", "no certificate");
  CAF_CHECK_EQUAL(refusal(), place + "PEM certificates, found something that is none (" +
                                 state.path() + "/ca.pem)");
}

CAF_TEST(credentials of a proxy that are none are refused and not shown) {
  configure("proxy = \"http://proxy.localhost:3128\"\nproxy_credentials_file = \"proxy\"\n");
  const auto place =
      state.configuration_file() + ":3: proxy_credentials_file: expected a line USER:PASSWORD";
  CAF_CHECK(refusal().starts_with(place));
  folder.write("state/proxy", "secret-word\n");
  const auto why = refusal();
  CAF_CHECK(why.starts_with(place));
  CAF_CHECK(why.find("secret-word") == std::string::npos);
}

CAF_TEST(a log that cannot be written ends it before anything is dialled) {
  configure("[log]\nfile = \"identity.pem/x.log\"\n");
  const auto stale = folder.write("state/ready.json", "{}");
  CAF_CHECK(refusal().find("identity.pem/x.log") != std::string::npos);
  CAF_CHECK(std::filesystem::exists(stale));
}

CAF_TEST_FIXTURE_SCOPE_END()
