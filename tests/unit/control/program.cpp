#define CAF_SUITE program

#include "control/program.hpp"

#include "runtime/tls_context.hpp"
#include "tests/unit/runtime/temp_directory.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <caf/test/dsl.hpp>

#include <sstream>
#include <thread>

using namespace postern;
using namespace postern::control;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// An admin host on loopback that gives one answer to one request.
class admin_host {
 public:
  explicit admin_host(const test::tls_authority& by)
      : tls_(runtime::tls_server_context::make({by.server({"admin.localhost"})}, {}, {"http/1.1"})
                 .value()) {}
  ~admin_host() {
    if (serving_.joinable()) serving_.join();
  }

  std::string url() const {
    return "https://admin.localhost:" + std::to_string(acceptor_.local_endpoint().port());
  }
  void answer(std::string content) {
    serving_ = std::thread{[this, content = std::move(content)] { serve(content); }};
  }
  /// The head of the request, once it was answered.
  std::string asked() {
    serving_.join();
    return asked_;
  }

 private:
  void serve(const std::string& content) {
    auto socket = acceptor_.accept();
    const auto connection = tls_->make_connection();
    SSL_set_fd(connection.get(), socket.native_handle());
    if (SSL_accept(connection.get()) != 1) return;
    char piece[1'000];
    while (!asked_.ends_with("\r\n\r\n")) {
      const int got = SSL_read(connection.get(), piece, sizeof piece);
      if (got <= 0) return;
      asked_.append(piece, static_cast<size_t>(got));
    }
    const auto whole = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                       std::to_string(content.size()) + "\r\n\r\n" + content;
    SSL_write(connection.get(), whole.data(), static_cast<int>(whole.size()));
    SSL_shutdown(connection.get());
  }

  std::shared_ptr<const runtime::tls_server_context> tls_;
  asio::io_context io_;
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::thread serving_;
  std::string asked_;
};

/// Takes nothing, like a full disk.
struct full_buffer final : std::streambuf {};

struct fixture {
  exit_status posternctl(std::vector<std::string> words) { return posternctl(words, out); }
  exit_status posternctl(const std::vector<std::string>& words, std::ostream& to) {
    std::vector<const char*> argv{"posternctl"};
    for (const auto& word : words)
      argv.push_back(word.c_str());
    return run(static_cast<int>(argv.size()), argv.data(), {in, to, err});
  }
  /// The same at the admin host, whom the authority vouches for.
  std::vector<std::string> there(std::vector<std::string> words) const {
    for (const auto& word : {std::string{"--admin"}, host.url(), std::string{"--ca"}, ca})
      words.push_back(word);
    return words;
  }

  std::string printed() const { return out.str(); }
  std::string said() const { return err.str(); }

  test::temp_directory folder;
  test::tls_authority authority;
  std::string ca = folder.write("ca.pem", authority.pem());
  admin_host host{authority};
  std::istringstream in{"secret-token\n"};
  std::ostringstream out, err;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(program_tests, fixture)

CAF_TEST(help is printed and no failure) {
  CAF_CHECK(posternctl({"--help"}) == exit_status::success);
  CAF_CHECK(printed().find("posternctl") != std::string::npos);
  CAF_CHECK_EQUAL(said(), "");
}

CAF_TEST(a wrong command line is one line on the error stream) {
  CAF_CHECK(posternctl({"get", "applications", "--admin", "ftp://admin.example"}) ==
            exit_status::bad_input);
  CAF_CHECK_EQUAL(printed(), "");
  const auto line = said();
  CAF_CHECK(line.starts_with("posternctl: --admin: "));
  CAF_CHECK_EQUAL(line.find('\n'), line.size() - 1);
}

CAF_TEST(a sign in has to write its token to a file) {
  CAF_CHECK(posternctl(there({"login", "--token-file", "-"})) == exit_status::bad_input);
  CAF_CHECK(said().find("--token-file - is none") != std::string::npos);
}

CAF_TEST(without a token nothing is sent) {
  CAF_CHECK(posternctl(there({"get", "groups", "--token-file", folder / "none"})) ==
            exit_status::bad_input);
  CAF_CHECK(said().find("posternctl login") != std::string::npos);
}

CAF_TEST(a command goes to the admin host with the token and its answer is printed) {
  host.answer("[]");
  CAF_CHECK(posternctl(there({"get", "groups", "--token-file", "-"})) == exit_status::success);
  CAF_CHECK_EQUAL(printed(), "no groups\n");
  CAF_CHECK_EQUAL(said(), "");
  const auto head = host.asked();
  CAF_CHECK(head.starts_with("GET /api/v1/groups HTTP/1.1\r\n"));
  CAF_CHECK(head.find("Authorization: Bearer secret-token\r\n") != std::string::npos);
}

CAF_TEST(an authority that nobody named is not trusted and the token not shown to it) {
  host.answer("[]");
  CAF_CHECK(posternctl({"get", "groups", "--admin", host.url(), "--token-file", "-"}) ==
            exit_status::refused);
  CAF_CHECK_EQUAL(printed(), "");
  CAF_CHECK_EQUAL(host.asked(), "");
}

CAF_TEST(what could not be written is no success) {
  host.answer("[]");
  full_buffer disk;
  std::ostream full{&disk};
  CAF_CHECK(posternctl(there({"get", "groups", "--token-file", "-"}), full) ==
            exit_status::refused);
  CAF_CHECK_EQUAL(said(), "");  // nothing else was wrong
}

CAF_TEST_FIXTURE_SCOPE_END()
