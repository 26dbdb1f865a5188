#define CAF_SUITE https_client
#include "runtime/https_client.hpp"

#include "tests/unit/runtime/event_loop.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <caf/test/dsl.hpp>

#include <optional>

using namespace postern::runtime;
using namespace postern::test;
using namespace std::chrono_literals;

namespace {

/// A server of one canned answer, and what it was asked.
struct fixture {
  shard home{0};
  tcp_acceptor acceptor{home.get_executor(), {asio::ip::address_v4::loopback(), 0}};
  std::string asked;

  std::string url(const std::string& target) {
    return "http://localhost:" + std::to_string(acceptor.local_endpoint().port()) + target;
  }

  void serve(std::string answer, std::string until = "\r\n\r\n") {
    start(home, [this, answer, until]() -> awaitable<void> {
      auto socket = co_await acceptor.async_accept(use_awaitable);
      co_await asio::async_read_until(socket, asio::dynamic_buffer(asked), until, use_awaitable);
      if (answer.empty())
        co_await socket.async_wait(tcp_socket::wait_read,
                                   asio::as_tuple(use_awaitable));  // silent until the client goes
      else
        co_await asio::async_write(socket, asio::buffer(answer), asio::as_tuple(use_awaitable));
    });
  }

  result<http_response> get(std::string from, http_request request = {http_verb::get, "/", 11},
                            fetch_options options = {}) {
    std::optional<result<http_response>> answer;
    start(home,
          [&]() -> awaitable<void> { answer = co_await fetch(home, from, request, options); });
    CAF_REQUIRE(run_until(home, [&] { return answer.has_value(); }));
    return *answer;
  }
};

std::string shown(std::string_view url) {
  const auto parts = split_url(url);
  if (!parts) return parts.error().cause;
  return (parts->tls ? "tls " : "plain ") + parts->host + " " + std::to_string(parts->port) + " " +
         parts->authority + " " + parts->target;
}

}  // namespace

CAF_TEST(urls are taken apart) {
  const std::pair<const char*, const char*> table[] = {
      {"https://a.example", "tls a.example 443 a.example /"},
      {"https://a.example/", "tls a.example 443 a.example /"},
      {"http://a.example/b/c?d=e&f#g", "plain a.example 80 a.example /b/c?d=e&f"},
      {"https://a.example?q", "tls a.example 443 a.example /?q"},
      {"https://a.example:8443/x%2Fy", "tls a.example 8443 a.example:8443 /x%2Fy"},
      {"https://a.example:443/", "tls a.example 443 a.example /"},
      {"http://a.example:443/", "plain a.example 443 a.example:443 /"},
      {"https://a.example:/x", "tls a.example 443 a.example /x"},
      {"http://10.0.0.5:8080/", "plain 10.0.0.5 8080 10.0.0.5:8080 /"},
      {"https://[::1]:8443/", "tls ::1 8443 [::1]:8443 /"},
      {"HTTPS://a.example/", "tls a.example 443 a.example /"},
  };
  for (const auto& [url, expected] : table)
    CAF_CHECK_EQUAL(shown(url), expected);
}

CAF_TEST(what is no web url is refused) {
  for (const auto* url : {"", "a.example", "/path", "ftp://a.example/", "https://", "https:///x",
                          "https://a.example:x/", "https://a.example:70000/",
                          "https://a.example:0/", "https://a b/", "https://a.example/%zz"})
    CAF_CHECK_EQUAL(std::string{url} + shown(url), std::string{url} + "url_malformed");
}

CAF_TEST_FIXTURE_SCOPE(https_client_tests, fixture)

CAF_TEST(a request carries what its url says) {
  serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nhi");
  http_request request{http_verb::get, "/ignored", 11};
  request.set(http_field::host, "ignored");
  const auto response = get(url("/a?b=c"), request);
  CAF_REQUIRE(response.has_value());
  CAF_CHECK_EQUAL(response->result_int(), 200u);
  CAF_CHECK_EQUAL(response->body(), "hi");
  CAF_CHECK(asked.starts_with("GET /a?b=c HTTP/1.1\r\n"));
  CAF_CHECK(asked.find("Host: " + url("").substr(7) + "\r\n") != std::string::npos);
  CAF_CHECK(asked.find("Connection: close\r\n") != std::string::npos);
  CAF_CHECK(asked.find("User-Agent: Postern/") != std::string::npos);
  CAF_CHECK(asked.find("ignored") == std::string::npos);
}

CAF_TEST(content is sent and any status is an answer) {
  serve("HTTP/1.1 418 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "a=1&b");
  http_request request{http_verb::post, "/", 11};
  request.body() = "a=1&b";
  request.set(http_field::user_agent, "own");
  const auto response = get(url("/"), request);
  CAF_REQUIRE(response.has_value());
  CAF_CHECK_EQUAL(response->result_int(), 418u);
  CAF_CHECK_EQUAL(response->body(), "abc");
  CAF_CHECK(asked.find("Content-Length: 5\r\n") != std::string::npos);
  CAF_CHECK(asked.find("User-Agent: own\r\n") != std::string::npos);
}

CAF_TEST(a server that does not answer is given up) {
  serve("");
  fetch_options options;
  options.timeout = 1ms;
  const auto late = get(url("/"), {http_verb::get, "/", 11}, options);
  CAF_REQUIRE(late.has_error());
  CAF_CHECK(late.error().category == error_category::timeout);
  CAF_CHECK_EQUAL(late.error().cause, "fetch_timeout");
}

CAF_TEST(more content than was asked for is refused) {
  fetch_options options;
  options.content_limit = 10;
  serve("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
  CAF_CHECK(get(url("/"), {http_verb::get, "/", 11}, options).has_value());
  serve("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789a");
  CAF_CHECK_EQUAL(get(url("/"), {http_verb::get, "/", 11}, options).error().cause, "fetch_failed");
  serve("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n");
  CAF_CHECK_EQUAL(get(url("/"), {http_verb::get, "/", 11}, options).error().cause, "fetch_failed");
}

CAF_TEST(an answer that is cut short or no http is none) {
  for (const auto* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "SSH-2.0-x\r\n\r\n"}) {
    serve(answer);
    const auto failed = get(url("/"));
    CAF_REQUIRE(failed.has_error());
    CAF_CHECK(failed.error().category == error_category::bad_gateway);
    CAF_CHECK_EQUAL(failed.error().cause, "fetch_failed");
  }
}

CAF_TEST(nobody there is said as it is) {
  const auto nowhere = url("/");
  acceptor.close();
  CAF_CHECK_EQUAL(get(nowhere).error().cause, "connection_refused");
  CAF_CHECK_EQUAL(get("no url").error().cause, "url_malformed");
}

CAF_TEST_FIXTURE_SCOPE_END()
