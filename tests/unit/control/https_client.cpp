#define CAF_SUITE https_client

#include "control/https_client.hpp"

#include "runtime/x509.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <caf/test/dsl.hpp>

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <thread>

using namespace postern;
using namespace postern::control;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// An authority, and a certificate of it for admin.localhost.
struct identities {
  identities() {
    auto now = std::chrono::system_clock::now();
    runtime::certificate_profile root;
    root.serial_hex = "01";
    root.common_name = "test authority";
    root.not_before = now - std::chrono::hours{1};
    root.not_after = now + std::chrono::hours{1};
    root.use = runtime::certificate_profile::usage::authority;
    auto root_key = runtime::private_key::generate();
    authority = runtime::self_sign(root_key, root).value();
    auto leaf = root;
    leaf.serial_hex = "02";
    leaf.common_name = "admin.localhost";
    leaf.dns_names = {"admin.localhost"};
    leaf.use = runtime::certificate_profile::usage::server;
    auto leaf_key = runtime::private_key::generate();
    certificate = runtime::sign_key(leaf_key, leaf, root_key, authority).value();
    key = leaf_key.pem();
  }
  std::string authority;
  std::string certificate;
  std::string key;
};

/// Takes one connection on loopback; answers one request, or keeps silent until the client leaves.
class one_connection {
 public:
  one_connection(const identities& who, std::string body, bool silent = false)
      : tls_(asio::ssl::context::tls_server), body_(std::move(body)), silent_(silent) {
    tls_.use_certificate_chain(asio::buffer(who.certificate));
    tls_.use_private_key(asio::buffer(who.key), asio::ssl::context::pem);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~one_connection() {
    if (!thread_.joinable()) return;
    // Ends an accept that nobody came to.
    boost::system::error_code ignored;
    tcp::socket{io_}.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  config::web_url url(const std::string& host) const {
    return {"https", host, acceptor_.local_endpoint().port(), "/"};
  }
  /// Target and Host of the request, once it has been answered.
  std::string seen() {
    thread_.join();
    return seen_;
  }

 private:
  void serve() {
    boost::system::error_code code;
    asio::ssl::stream<tcp::socket> stream{io_, tls_};
    acceptor_.accept(stream.next_layer(), code);
    if (silent_) {
      char byte;
      while (!code)
        stream.next_layer().read_some(asio::buffer(&byte, 1), code);
      return;
    }
    stream.handshake(asio::ssl::stream_base::server, code);
    if (code) return;
    boost::beast::flat_buffer buffer;
    runtime::http_request request;
    boost::beast::http::read(stream, buffer, request, code);
    if (code) return;
    auto host = request[runtime::http_field::host];
    seen_ = std::string{request.target()} + " " + std::string{host};
    runtime::http_response response{runtime::http_status::ok, 11};
    response.body() = body_;
    response.prepare_payload();
    boost::beast::http::write(stream, response, code);
  }

  asio::io_context io_;
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  asio::ssl::context tls_;
  std::string body_;
  bool silent_;
  std::string seen_;
  std::thread thread_;
};

struct fixture {
  fixture() {
    std::string name = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
    CAF_REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
    std::ofstream{folder / "ca.pem"} << who.authority;
  }
  ~fixture() { std::filesystem::remove_all(folder); }

  std::string get(const config::web_url& where, bool trusted,
                  std::chrono::milliseconds timeout = std::chrono::seconds{20}) {
    auto client = https_client::make({trusted ? (folder / "ca.pem").string() : "", timeout});
    CAF_REQUIRE(client.has_value());
    auto response = client->send(where, make_request(runtime::http_verb::get, "/x"));
    return response ? response->body() : "refused: " + response.error().message;
  }

  identities who;
  std::filesystem::path folder;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(https_client_tests, fixture)

CAF_TEST(names under localhost are this machine and the certificate must be theirs) {
  {
    one_connection server{who, "hello"};
    auto where = server.url("admin.localhost");
    CAF_CHECK_EQUAL(get(where, true), "hello");
    CAF_CHECK_EQUAL(server.seen(), "/x " + where.authority());
  }
  one_connection server{who, "hello"};
  auto said = get(server.url("other.localhost"), true);
  CAF_CHECK_NOT_EQUAL(said.find("certificate not accepted: hostname mismatch"), std::string::npos);
}

CAF_TEST(an unknown authority is not trusted) {
  one_connection server{who, "hello"};
  auto said = get(server.url("admin.localhost"), false);
  CAF_CHECK_NOT_EQUAL(said.find("certificate not accepted: "), std::string::npos);
  CAF_CHECK_NOT_EQUAL(said.find("--ca FILE"), std::string::npos);
}

CAF_TEST(a server that says nothing is left at the deadline) {
  one_connection server{who, "", true};
  auto said = get(server.url("admin.localhost"), true, std::chrono::milliseconds{100});
  CAF_CHECK_NOT_EQUAL(said.find("no answer within 100ms"), std::string::npos);
}

CAF_TEST(a closed port is named) {
  config::web_url where;
  {
    one_connection server{who, ""};
    where = server.url("admin.localhost");
  }
  CAF_CHECK_NOT_EQUAL(get(where, true).find("connect: Connection refused"), std::string::npos);
}

CAF_TEST(an endless response is cut) {
  one_connection server{who, std::string(17u << 20, 'x')};
  CAF_CHECK_NOT_EQUAL(get(server.url("admin.localhost"), true).find("receive: body limit exceeded"),
                      std::string::npos);
}

CAF_TEST(plain http and missing authorities are refused) {
  auto where = config::web_url{"http", "admin.localhost", 80, "/"};
  CAF_CHECK_EQUAL(get(where, true), "refused: http://admin.localhost/: expected an https URL");
  auto none = https_client::make({"/nonexistent/ca.pem", std::chrono::seconds{1}});
  CAF_REQUIRE(!none);
  CAF_CHECK(none.error().status == exit_status::bad_input);
  std::ofstream{folder / "empty.pem"} << "no certificate";
  CAF_CHECK(!https_client::make({(folder / "empty.pem").string(), std::chrono::seconds{1}}));
}

CAF_TEST_FIXTURE_SCOPE_END()
