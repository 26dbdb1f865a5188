#define CAF_SUITE http1_parser
#include "runtime/http1_parser.hpp"

#include "runtime/limits.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::runtime;
using namespace std::string_literals;

namespace {

struct collected final : content_sink {
  void on_content(std::string_view piece) override { content += piece; }
  void on_trailer(std::string_view name, std::string_view value) override {
    trailers += std::string{name} + "=" + std::string{value} + ";";
  }
  std::string content, trailers;
};

/// The cause of what is wrong with a request head, or an empty text.
std::string head_cause(const std::string& head) {
  http1_request_parser parser;
  const auto parsed = parser.parse_head(head);
  return parsed ? std::string{} : parsed.error().cause;
}

std::string with_fields(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

/// What comes of chunked content: "content|trailers|rest", "more" if it is not complete, or the
/// cause of the error.
std::string chunked(const std::string& bytes) {
  http1_request_parser parser;
  const auto head = with_fields("Transfer-Encoding: chunked\r\n");
  CAF_REQUIRE(parser.parse_head(head).has_value());
  collected got;
  const auto taken = parser.parse_content(bytes, got);
  if (!taken) return taken.error().cause;
  return parser.done() ? got.content + "|" + got.trailers + "|" + bytes.substr(*taken) : "more";
}

}  // namespace

CAF_TEST(the end of a head is found wherever its pieces were cut) {
  const std::string head = "GET / HTTP/1.1\r\n\r\nrest";
  for (size_t from = 0; from < 18; ++from)
    CAF_CHECK_EQUAL(find_head_end(head, from), 18u);
  CAF_CHECK_EQUAL(find_head_end("GET / HTTP/1.1\r\n\r", 0), std::string_view::npos);
  CAF_CHECK_EQUAL(find_head_end("", 0), std::string_view::npos);
}

CAF_TEST(a request head is taken apart) {
  const auto head =
      "PATCH /a?b HTTP/1.1\r\nHost: x\r\nA:  1 \r\na:2\r\nEmpty:\r\nContent-Length: 3\r\n\r\n"s;
  http1_request_parser parser;
  CAF_REQUIRE(parser.parse_head(head).has_value());
  CAF_CHECK_EQUAL(parser.method(), "PATCH");
  CAF_CHECK_EQUAL(parser.target(), "/a?b");
  CAF_CHECK_EQUAL(parser.version(), 11);
  CAF_REQUIRE_EQUAL(parser.fields().size(), 5u);
  CAF_CHECK_EQUAL(parser.fields()[1].value, "1");
  CAF_CHECK_EQUAL(parser.fields()[2].name, "a");
  CAF_CHECK_EQUAL(parser.fields()[3].value, "");
  CAF_CHECK(parser.length() == std::optional<uint64_t>{3});
  CAF_CHECK(!parser.is_chunked());
  collected got;
  CAF_CHECK_EQUAL(parser.parse_content("ab", got).value(), 2u);
  CAF_CHECK(!parser.done());
  CAF_CHECK_EQUAL(parser.parse_content("cGET /", got).value(), 1u);
  CAF_CHECK(parser.done());
  CAF_CHECK_EQUAL(got.content, "abc");
}

CAF_TEST(line breaks that others might read differently are refused) {
  for (const auto& head : {
           "GET / HTTP/1.1\nHost: a\r\n\r\n"s,                   // bare LF
           "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"s,           //
           "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"s,           // bare CR
           "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"s,               //
           "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"s,   // folded
           "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n"s,  //
           "GET / HTTP/1.1\r\n Host: a\r\n\r\n"s,                // folded into the request line
           "GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"s,      // NUL
       }) {
    CAF_CHECK(has_forbidden_line_breaks(head));
    CAF_CHECK_EQUAL(head_cause(head), "malformed_head");
  }
  CAF_CHECK(!has_forbidden_line_breaks("GET / HTTP/1.1\r\nHost: a\r\nX:\tb c\r\n\r\n"));
}

CAF_TEST(malformed request heads are refused) {
  for (const auto& head : {
           with_fields("Content-Length : 5\r\n"),   // a space before the colon
           with_fields("Content-Length\t: 5\r\n"),  //
           with_fields("Transfer-Encoding : chunked\r\n"),
           with_fields(": nameless\r\n"),
           with_fields("no colon\r\n"),
           with_fields("X: a\x01"
                       "b\r\n"),
           with_fields("X: a\x7f"
                       "b\r\n"),
           with_fields("X(y): a\r\n"),
           "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"s,
           "GET / x HTTP/1.1\r\nHost: a\r\n\r\n"s,
           "GET /\tx HTTP/1.1\r\nHost: a\r\n\r\n"s,
           "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"s,
           " GET / HTTP/1.1\r\nHost: a\r\n\r\n"s,
           "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"s,
           "GET / HTTP/2.0\r\nHost: a\r\n\r\n"s,
           "GET / HTTP/1.2\r\nHost: a\r\n\r\n"s,
           "GET / http/1.1\r\nHost: a\r\n\r\n"s,
           "GET /\r\nHost: a\r\n\r\n"s,
           "\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: a\r\n"s,
       })
    CAF_CHECK_EQUAL(head + head_cause(head), head + "malformed_head");
}

CAF_TEST(lengths that contradict each other or overflow are refused) {
  for (const auto* fields : {
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: -1\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: 5 5\r\n",
           "Content-Length: 5,6\r\n",
           "Content-Length:\r\n",
           "Content-Length: 99999999999999999999999\r\n",
       })
    CAF_CHECK_EQUAL(std::string{fields} + head_cause(with_fields(fields)),
                    std::string{fields} + "malformed_head");
}

CAF_TEST(a head has bounds in bytes and in fields) {
  std::string many;
  for (size_t i = 0; i < limits::head_fields; ++i)
    many += "X: y\r\n";
  CAF_CHECK_EQUAL(head_cause(with_fields(many)), "head_too_large");
  CAF_CHECK_EQUAL(head_cause(with_fields(many.substr(6))), "");
  CAF_CHECK_EQUAL(head_cause(with_fields("X: " + std::string(limits::head_bytes, 'y') + "\r\n")),
                  "head_too_large");
}

CAF_TEST(chunked content comes without its framing) {
  CAF_CHECK_EQUAL(chunked("5\r\nhello\r\n0\r\n\r\n"), "hello||");
  CAF_CHECK_EQUAL(chunked("5\r\nhello\r\n00A\r\n 123456789\r\n0\r\n\r\nGET /"),
                  "hello 123456789||GET /");
  CAF_CHECK_EQUAL(chunked("1;name=value\r\nx\r\n0;last\r\n\r\n"), "x||");
  CAF_CHECK_EQUAL(chunked("0\r\nX-Sum: 1\r\nY:2\r\n\r\n"), "|X-Sum=1;Y=2;|");
  CAF_CHECK_EQUAL(chunked("5\r\nhel"), "more");
}

CAF_TEST(chunked content may be cut anywhere) {
  const auto all = "5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n"s;
  for (size_t cut = 0; cut <= all.size(); ++cut) {
    http1_request_parser parser;
    const auto head = with_fields("Transfer-Encoding: chunked\r\n");
    CAF_REQUIRE(parser.parse_head(head).has_value());
    collected got;
    const auto taken = parser.parse_content(std::string_view{all}.substr(0, cut), got).value();
    CAF_CHECK(taken <= cut);
    CAF_CHECK_EQUAL(parser.parse_content(std::string_view{all}.substr(taken), got).value(),
                    all.size() - taken);
    CAF_CHECK(parser.done());
    CAF_CHECK_EQUAL(got.content + got.trailers, "hello!X-Sum=1;");
  }
}

CAF_TEST(chunked content may come byte by byte) {
  const std::pair<std::string, std::string> all[]{
      {"0\r\n\r\n", ""},
      {"00\r\nX-Sum: 1\r\n\r\n", "X-Sum=1;"},
      {"01\r\n0\r\n0\r\n\r\n", "0"},
      {"3\r\n0\r\n\r\n0\r\n\r\n", "0\r\n"},
  };
  for (const auto& [bytes, expected] : all) {
    http1_request_parser parser;
    const auto head = with_fields("Transfer-Encoding: chunked\r\n");
    CAF_REQUIRE(parser.parse_head(head).has_value());
    collected got;
    size_t taken = 0;
    for (size_t given = 1; given <= bytes.size(); ++given)
      taken +=
          parser.parse_content(std::string_view{bytes}.substr(taken, given - taken), got).value();
    CAF_CHECK(parser.done());
    CAF_CHECK_EQUAL(taken, bytes.size());
    CAF_CHECK_EQUAL(got.content + got.trailers, expected);
  }
}

CAF_TEST(a piece that ends within the head of a chunk is not taken) {
  http1_request_parser parser;
  const auto head = with_fields("Transfer-Encoding: chunked\r\n");
  CAF_REQUIRE(parser.parse_head(head).has_value());
  collected got;
  CAF_CHECK_EQUAL(parser.parse_content("5\r\nhello\r\n4000", got).value(), 8u);
  CAF_CHECK_EQUAL(parser.parse_content("\r\n4000", got).value(), 0u);
  CAF_CHECK(!parser.done());
}

CAF_TEST(malformed chunks are refused) {
  for (const auto& bytes : {
           "5\nhello\r\n0\r\n\r\n"s,             // bare LF
           "5\rhello\r\n0\r\n\r\n"s,             // bare CR
           "5\r\nhelloX\r\n0\r\n\r\n"s,          // longer than it says
           "5\r\nhello\n0\r\n\r\n"s,             //
           "\r\nhello\r\n0\r\n\r\n"s,            // no size
           "-5\r\nhello\r\n0\r\n\r\n"s,          //
           "0x5\r\nhello\r\n0\r\n\r\n"s,         //
           "5 5\r\nhello\r\n0\r\n\r\n"s,         //
           "5;\x01\r\nhello\r\n0\r\n\r\n"s,      //
           "fffffffffffffffff\r\nhello\r\n"s,    // overflow
           "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"s,  // bare LF within quotes
           "0;a=\"\n\"\r\n\r\n"s,                //
           "0\r\nX : 1\r\n\r\n"s,                // trailers obey the rules of fields
           "0\r\nX\r\n\r\n"s,                    //
       })
    CAF_CHECK_EQUAL(bytes + chunked(bytes), bytes + "malformed_content");
}

CAF_TEST(a bare line feed in chunked content is refused without waiting for more) {
  for (const auto& bytes : {"5\n"s, "0\n"s, "5;a=b\n"s, "5\r\nhello\n"s, "5\r\nhello\r\n0\n"s,
                            "0\r\nX-Sum: 1\n"s, "3\nabc\n0\n\n"s})
    CAF_CHECK_EQUAL(bytes + chunked(bytes), bytes + "malformed_content");
  for (const auto& bytes :
       {"5\r"s, "5\r\n\n\n"s, "5\r\nhello\r"s, "5\r\nhello\r\n"s, "0\r\nX: 1\r\n"s})
    CAF_CHECK_EQUAL(bytes + chunked(bytes), bytes + "more");
}

CAF_TEST(what follows a chunk is refused as soon when it comes by itself) {
  CAF_CHECK_EQUAL(chunked("5\r\nhello01\r\n"), "malformed_content");
  http1_request_parser parser;
  const auto head = with_fields("Transfer-Encoding: chunked\r\n");
  CAF_REQUIRE(parser.parse_head(head).has_value());
  collected got;
  CAF_CHECK_EQUAL(parser.parse_content("5\r\nhello", got).value(), 8u);
  const auto taken = parser.parse_content("01\r\n", got);
  CAF_CHECK(!taken.has_value());
}

CAF_TEST(chunk extensions are bounded) {
  const std::string longest = ";" + std::string(limits::chunk_extension_bytes - 1, 'a');
  CAF_CHECK_EQUAL(chunked("1" + longest + "\r\nx\r\n0\r\n\r\n"), "x||");
  CAF_CHECK_EQUAL(chunked("1" + longest + "a\r\nx\r\n0\r\n\r\n"), "malformed_content");
  CAF_CHECK_EQUAL(chunked("0" + longest + "a\r\n\r\n"), "malformed_content");
}

CAF_TEST(a response without framing ends with its connection) {
  http1_response_parser parser;
  const auto head = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"s;
  CAF_REQUIRE(parser.parse_head(head).has_value());
  CAF_CHECK_EQUAL(parser.status(), 200u);
  CAF_CHECK(!parser.length());
  collected got;
  CAF_CHECK_EQUAL(parser.parse_content("all of it", got).value(), 9u);
  CAF_CHECK(!parser.done());
  CAF_CHECK(parser.finish_by_close().has_value());
  CAF_CHECK(parser.done());
  CAF_CHECK_EQUAL(got.content, "all of it");
}

CAF_TEST(a response that ends before its framing says so is truncated) {
  for (const auto* framing : {"Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n"}) {
    http1_response_parser parser;
    const auto head = "HTTP/1.1 200 OK\r\n"s + framing + "\r\n";
    CAF_REQUIRE(parser.parse_head(head).has_value());
    collected got;
    CAF_REQUIRE(parser.parse_content("5\r\nab", got).has_value());
    CAF_CHECK_EQUAL(parser.finish_by_close().error().cause, "truncated_content");
  }
  http1_response_parser nothing;
  CAF_CHECK_EQUAL(nothing.finish_by_close().error().cause, "truncated_content");
}

CAF_TEST(responses that have no content end with their head) {
  for (const auto* status : {"204", "304"}) {
    http1_response_parser parser;
    const auto head = "HTTP/1.1 "s + status + " x\r\nContent-Length: 5\r\n\r\n";
    CAF_REQUIRE(parser.parse_head(head).has_value());
    CAF_CHECK(parser.done());
  }
  http1_response_parser to_head;
  to_head.expect_no_content();
  const auto head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"s;
  CAF_REQUIRE(to_head.parse_head(head).has_value());
  CAF_CHECK(to_head.done());
}
