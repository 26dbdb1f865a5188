#define CAF_SUITE service_link
#include "connector/service_link.hpp"

#include "connector/tunnel.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/temp_directory.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <caf/test/dsl.hpp>

#include <optional>

using namespace postern;
using namespace postern::connector;
using namespace std::chrono_literals;
using runtime::error;
using runtime::error_category;

namespace {

using link_ptr = std::shared_ptr<const service_link>;

/// A node that takes one connection, and a link that trusts its authority.
struct fixture {
  uint16_t port() const { return acceptor.local_endpoint().port(); }
  std::string node() const { return "127.0.0.1:" + std::to_string(port()); }

  link_ptr link(const std::optional<identity>& who = {},
                std::shared_ptr<const runtime::proxy_settings> proxies = nullptr) const {
    return service_link::make("https://connectors.example/", authority.pem(), who, proxies).value();
  }
  /// Shakes hands with the next connection as `name`, who asks for certificates of the authority.
  /// `deaf`: it has never heard of any (RFC 7301).
  void serve(const std::string& name, bool deaf = false) {
    auto tls = runtime::tls_server_context::make(
                   {authority.server({name})},
                   {{"connectors.example", authority.pem(), {tunnel_protocol}}}, {tunnel_protocol})
                   .value();
    test::start(home, [this, tls, deaf]() -> runtime::awaitable<void> {
      auto socket = co_await acceptor.async_accept(runtime::use_awaitable);
      accepted.emplace(std::move(socket), tls->make_connection());
      auto* settings = SSL_get_SSL_CTX(accepted->tls());
      if (deaf) SSL_CTX_set_alpn_select_cb(settings, nullptr, nullptr);
      static_cast<void>(co_await accepted->handshake(home.timers(), 10s));
      shaken = true;
    });
  }
  runtime::result<runtime::transport> dialled(link_ptr by, const std::string& to) {
    std::optional<runtime::result<runtime::transport>> got;
    test::start(home, [&]() -> runtime::awaitable<void> {
      got.emplace(co_await by->dial_tunnel(home, to));
    });
    CAF_REQUIRE(test::run_until(home, [&] { return got.has_value(); }));
    return std::move(*got);
  }
  error failure(link_ptr by, const std::string& to) {
    auto got = dialled(std::move(by), to);
    CAF_REQUIRE(got.has_error());
    return got.error();
  }
  /// Through a proxy that nobody runs, but for these hosts.
  static std::shared_ptr<const runtime::proxy_settings> proxied(std::vector<std::string> but) {
    return std::make_shared<const runtime::proxy_settings>(
        runtime::http_proxy{"proxy.localhost", 1, {}}, std::move(but));
  }
  /// Whether the way to the node is the proxy's.
  bool goes_through(std::shared_ptr<const runtime::proxy_settings> proxies) {
    auto got = dialled(link({}, std::move(proxies)), node());
    return got.has_error() && got.error().source == "proxy";
  }

  runtime::shard home{0};
  runtime::tcp_acceptor acceptor{home.get_executor(), {boost::asio::ip::address_v4::loopback(), 0}};
  test::tls_authority authority;
  std::optional<runtime::transport> accepted;
  bool shaken = false;
  test::temp_directory folder;
};

runtime::http_response answer(unsigned status, std::string content) {
  runtime::http_response response{static_cast<runtime::http_status>(status), 11};
  response.body() = std::move(content);
  return response;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(service_link_tests, fixture)

CAF_TEST(a link is made of a url and an identity that fits) {
  CAF_CHECK_EQUAL(link()->url("/.well-known/est/cacerts"),
                  "https://connectors.example/.well-known/est/cacerts");
  const auto no_url = service_link::make("connectors.example", {}, {}).error();
  CAF_CHECK_EQUAL(no_url.cause, "url_malformed");
  const auto mine = authority.client(), other = authority.client();
  const auto odd =
      service_link::make("https://a.example/", {}, identity{mine.key_pem, other.certificate_pem})
          .error();
  CAF_CHECK_EQUAL(odd.cause, "tls_identity");
}

CAF_TEST(one particular node has to prove the name of the service) {
  serve("connectors.example");
  const auto mine = authority.client();
  auto got = dialled(link(identity{mine.key_pem, mine.certificate_pem}), node());
  CAF_REQUIRE(got.has_value());
  CAF_CHECK(test::run_until(home, [&] { return shaken; }));
  CAF_CHECK(!runtime::peer_certificate_pem(accepted->tls()).empty());
}

CAF_TEST(a node that proves another name gets no tunnel) {
  serve("node-1.example");
  const auto why = failure(link(), node());
  CAF_CHECK_EQUAL(why.cause, "tls_certificate");
  CAF_CHECK_EQUAL(why.source, "service");
}

CAF_TEST(whoever speaks no tunnels gets none) {
  serve("connectors.example", true);
  const auto why = failure(link(), node());
  CAF_CHECK(why.category == error_category::bad_gateway);
  CAF_CHECK_EQUAL(why.cause, "tunnel_protocol");
}

CAF_TEST(an address of a node that is none is not dialled) {
  const auto by = link();
  for (const auto* address : {"node-1:8443", "127.0.0.1", "127.0.0.1:0", ":8443"}) {
    const auto why = failure(by, address);
    CAF_CHECK_EQUAL(why.cause, "node_address");
  }
}

CAF_TEST(a node is reached through the proxy unless its name or its address is excepted) {
  serve("connectors.example");
  CAF_CHECK(goes_through(proxied({})));
  CAF_CHECK(goes_through(proxied({"other.example", "10.0.0.0/8"})));
  CAF_CHECK(!goes_through(proxied({"connectors.example"})));
  CAF_CHECK(test::run_until(home, [&] { return shaken; }));
  shaken = false;
  serve("connectors.example");
  CAF_CHECK(!goes_through(proxied({"127.0.0.0/8"})));
  CAF_CHECK(test::run_until(home, [&] { return shaken; }));
}

CAF_TEST(proxies are those that the file names) {
  config::connector own;
  own.proxy = "none";
  CAF_CHECK(make_proxies(own).value() == nullptr);
  own.proxy = "http://proxy.example:3128";
  own.no_proxy = {"direct.example"};
  own.proxy_credentials_file = folder.write("credentials", "joe:secret \r\nmore\n");
  const auto proxies = make_proxies(own).value();
  CAF_REQUIRE(proxies != nullptr);
  const auto proxy = proxies->proxy();
  CAF_CHECK_EQUAL(proxy.shown(), "proxy.example:3128");
  CAF_CHECK_EQUAL(proxy.credentials, "joe:secret");
  CAF_CHECK(proxies->proxy_for("connectors.example", 443) != nullptr);
  CAF_CHECK(proxies->proxy_for("direct.example", 443) == nullptr);
}

CAF_TEST(proxies that cannot be used are said and their secrets are not) {
  config::connector own;
  own.proxy = "ftp://joe:secret@proxy.example";
  const auto malformed = make_proxies(own).error();
  CAF_CHECK_EQUAL(malformed.cause, "proxy_malformed");
  CAF_CHECK(malformed.detail.find("secret") == std::string::npos);
  own.proxy = "http://proxy.example:3128";
  own.proxy_credentials_file = folder / "none";
  const auto missing = make_proxies(own).error();
  CAF_CHECK_EQUAL(missing.cause, "file_missing");
  own.proxy_credentials_file = folder.write("credentials", "secret\n");
  const auto odd = make_proxies(own).error();
  CAF_CHECK_EQUAL(odd.cause, "proxy_credentials_malformed");
  CAF_CHECK(odd.detail.find("secret") == std::string::npos);
}

CAF_TEST(a refusal is what its problem says) {
  const auto why = refusal_of(answer(
      403, R"({"cause":"connector_revoked","source":"connector","title":"t","request_id":"r-1"})"));
  CAF_CHECK(why.category == error_category::forbidden);
  CAF_CHECK_EQUAL(why.cause, "connector_revoked");
  CAF_CHECK_EQUAL(why.source, "connector");
  CAF_CHECK_EQUAL(why.detail, "t (status 403, request r-1)");
  const auto longer = refusal_of(answer(409, R"({"title":"t","detail":"d"})"));
  CAF_CHECK_EQUAL(longer.detail, "d (status 409)");
}

CAF_TEST(an answer that is no problem is told by its status) {
  for (const auto* content : {"", "<html>", "[1]", R"({"cause":7,"source":{}})"}) {
    const auto why = refusal_of(answer(503, content));
    CAF_CHECK(why.category == error_category::unavailable);
    CAF_CHECK_EQUAL(why.cause, "unexpected_status");
    CAF_CHECK_EQUAL(why.source, "service");
    CAF_CHECK_EQUAL(why.detail, "(status 503)");
  }
  CAF_CHECK(refusal_of(answer(401, "")).category == error_category::unauthenticated);
  CAF_CHECK(refusal_of(answer(404, "")).category == error_category::not_found);
  CAF_CHECK(refusal_of(answer(418, "")).category == error_category::invalid_input);
  CAF_CHECK(refusal_of(answer(500, "")).category == error_category::bad_gateway);
}

CAF_TEST_FIXTURE_SCOPE_END()
