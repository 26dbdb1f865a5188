#define CAF_SUITE origin_response

#include "connector/origin_response.hpp"

#include "connector/limits.hpp"
#include "runtime/limits.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::connector;
using postern::runtime::field_list;

namespace {

/// Writes down what it is told.
struct listener final : response_events {
  void on_interim_response(unsigned status, const field_list&) override {
    interim += std::to_string(status) + ' ';
  }
  void on_response_head(unsigned status, const field_list& fields, bool has_content) override {
    head = std::to_string(status) + (has_content ? " with content" : " without content");
    for (const auto& [name, value] : fields)
      head.append("|").append(name).append("=").append(value);
  }
  void on_response_content(std::string_view piece) override { content += piece; }

  std::string interim, head, content;
};

struct fixture {
  listener heard;
  origin_response response{heard};

  fixture() { response.begin(false, false); }

  response_progress take(std::string bytes) { return response.take(bytes); }
  /// The same, `size` bytes at a time.
  response_progress take_in_pieces(const std::string& bytes, size_t size) {
    auto progress = response_progress::more;
    for (size_t at = 0; at < bytes.size() && progress == response_progress::more; at += size)
      progress = take(bytes.substr(at, size));
    return progress;
  }
};

constexpr auto more = response_progress::more;
constexpr auto done = response_progress::done;
constexpr auto malformed = response_progress::malformed;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(origin_response_tests, fixture)

CAF_TEST(a response with a length ends by it) {
  CAF_CHECK(!response.has_started());
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: B\r\n\r\nhello") == done);
  CAF_CHECK_EQUAL(heard.head, "200 with content|content-length=5|x-a=B");
  CAF_CHECK_EQUAL(heard.content, "hello");
  CAF_CHECK(response.allows_reuse());
}

CAF_TEST(a response may come byte by byte) {
  for (size_t size = 1; size < 7; ++size) {
    response.begin(false, false);
    heard = {};
    CAF_CHECK(take_in_pieces("HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 "
                             "OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 7\r\n\r\n",
                             size) == done);
    CAF_CHECK_EQUAL(heard.interim, "103 ");
    CAF_CHECK_EQUAL(heard.content, "hello world");
    CAF_CHECK(response.allows_reuse());
    CAF_CHECK(response.take_trailers() == (trailer_list{{"x-sum", "7"}}));
  }
}

CAF_TEST(an unframed response ends with the connection) {
  CAF_CHECK(take("HTTP/1.1 200 OK\r\n\r\nsome") == more);
  CAF_CHECK(response.direct() > 1'000'000);
  CAF_CHECK(response.passed(10) == more);
  CAF_CHECK(response.close(true) == done);
  CAF_CHECK_EQUAL(heard.content, "some");
  CAF_CHECK(!response.allows_reuse());
}

CAF_TEST(an unframed response that breaks off is not whole) {
  CAF_CHECK(take("HTTP/1.1 200 OK\r\n\r\nsome") == more);
  CAF_CHECK(response.close(false) == malformed);
}

CAF_TEST(content may pass by as far as the length goes) {
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789") == more);
  CAF_CHECK_EQUAL(response.direct(), 90u);
  CAF_CHECK(response.passed(89) == more);
  CAF_CHECK(response.passed(1) == done);
  CAF_CHECK(response.allows_reuse());
}

CAF_TEST(chunks do not pass by unread) {
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel") == more);
  CAF_CHECK_EQUAL(response.direct(), 0u);
}

CAF_TEST(an answer to HEAD has no content and its connection is not used again) {
  response.begin(true, false);
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") == done);
  CAF_CHECK_EQUAL(heard.head, "200 without content|content-length=5");
  CAF_CHECK(!response.allows_reuse());
}

CAF_TEST(statuses without content end with their head) {
  for (const auto* status : {"204", "304"}) {
    response.begin(false, false);
    CAF_CHECK(take(std::string{"HTTP/1.1 "} + status + " X\r\n\r\n") == done);
    CAF_CHECK(response.allows_reuse());
  }
}

CAF_TEST(a connection that the origin wants to close is not used again) {
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") == done);
  CAF_CHECK(!response.allows_reuse());
  response.begin(false, false);
  CAF_CHECK(take("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n") == done);
  CAF_CHECK(!response.allows_reuse());
}

CAF_TEST(bytes behind a response spoil the connection) {
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n") == done);
  CAF_CHECK_EQUAL(heard.content, "ab");
  CAF_CHECK(!response.allows_reuse());
  response.begin(false, false);
  CAF_CHECK(take("HTTP/1.1 204 No\r\n\r\nx") == done);
  CAF_CHECK(!response.allows_reuse());
  response.begin(false, false);
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx") == done);
  CAF_CHECK(!response.allows_reuse());
}

CAF_TEST(a response that breaks off is malformed) {
  for (const auto* start : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "HTTP/1.1 2",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    response.begin(false, false);
    CAF_CHECK(take(start) == more);
    CAF_CHECK(response.has_started());
    CAF_CHECK(response.close(true) == malformed);
    CAF_CHECK(!response.problem().empty());
    CAF_CHECK(!response.allows_reuse());
  }
}

CAF_TEST(nonsense is malformed) {
  for (const auto* text :
       {"NONSENSE\r\n\r\n", "HTTP/1.1 xyz OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"}) {
    response.begin(false, false);
    CAF_CHECK(take(text) == malformed);
    CAF_CHECK(!response.allows_reuse());
  }
}

CAF_TEST(a head without end is refused at its bound) {
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nX: ") == more);
  CAF_CHECK(take(std::string(postern::runtime::limits::head_bytes, 'x')) == malformed);
}

CAF_TEST(a 101 that was asked for opens the connection) {
  response.begin(false, true);
  CAF_CHECK(take("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\nbytes") == more);
  CAF_CHECK(response.is_switched());
  CAF_CHECK_EQUAL(heard.content, "bytes");
  CAF_CHECK(response.close(true) == done);
  CAF_CHECK(!response.allows_reuse());
}

CAF_TEST(a refused upgrade is an ordinary response) {
  response.begin(false, true);
  CAF_CHECK(take("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno") == done);
  CAF_CHECK(!response.is_switched());
  CAF_CHECK(response.allows_reuse());
}

CAF_TEST(success in place of an upgrade is no opening) {
  for (const auto* status : {"200", "204", "299"}) {
    response.begin(false, true);
    CAF_CHECK(take(std::string{"HTTP/1.1 "} + status + " OK\r\nContent-Length: 2\r\n\r\nno") ==
              malformed);
    CAF_CHECK_EQUAL(response.problem(), std::string{"no WebSocket there: status "} + status);
    CAF_CHECK_EQUAL(heard.head, "");
    CAF_CHECK(!response.allows_reuse());
  }
}

CAF_TEST(interim responses have a bound) {
  const std::string one = "HTTP/1.1 102 Processing\r\n\r\n";
  std::string many;
  for (unsigned i = 0; i < limits::interim_responses; ++i)
    many += one;
  for (int round = 0; round < 2; ++round) {
    response.begin(false, false);
    CAF_CHECK(take(many + "HTTP/1.1 204 No\r\n\r\n") == done);
  }
  response.begin(false, false);
  heard = {};
  CAF_CHECK(take(many) == more);
  CAF_CHECK(take(one + one) == malformed);
  CAF_CHECK_EQUAL(response.problem(), "too many interim responses");
  CAF_CHECK_EQUAL(heard.interim.size(), 4 * limits::interim_responses);
}

CAF_TEST(trailers that are not the users are left out) {
  CAF_CHECK(take("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: x\r\n"
                 "Postern-Error: origin_refused\r\nX-A: b\r\n\r\n") == done);
  CAF_CHECK(response.take_trailers() == (trailer_list{{"x-a", "b"}}));
}

CAF_TEST(a second framing in the trailers is malformed) {
  CAF_CHECK(
      take("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n") ==
      malformed);
}

CAF_TEST_FIXTURE_SCOPE_END()
