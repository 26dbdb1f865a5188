#define CAF_SUITE origin_fields

#include "connector/origin_fields.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::connector;
using postern::runtime::field_list;

namespace {

field_list request(std::initializer_list<postern::runtime::field_view> more,
                   std::string_view method = "GET") {
  field_list fields{
      {":method", method}, {":scheme", "http"}, {":authority", "wiki:8080"}, {":path", "/a?b=c"}};
  fields.insert(fields.end(), more);
  return fields;
}

std::string head_of(const field_list& fields, bool ended = true) {
  std::string out;
  return write_request_head(fields, ended, out) ? out : "refused";
}

request_traits traits_of(const field_list& fields, bool ended = true) {
  std::string out;
  return write_request_head(fields, ended, out).value();
}

bool has_line(const std::string& head, const std::string& line) {
  return head.find("\r\n" + line + "\r\n") != std::string::npos;
}

field_list selected(const field_list& fields, unsigned status = 200) {
  field_list out;
  select_response_fields(fields, status, out);
  return out;
}

}  // namespace

CAF_TEST(a request line and Host come from the pseudo fields) {
  CAF_CHECK_EQUAL(head_of(request({})), "GET /a?b=c HTTP/1.1\r\nhost: wiki:8080\r\n\r\n");
}

CAF_TEST(fields of the tunnel end at the connector) {
  const auto head = head_of(
      request({{"postern-application", "wiki"}, {"postern-request-id", "1"}, {"x-a", "b"}}));
  CAF_CHECK_EQUAL(head, "GET /a?b=c HTTP/1.1\r\nhost: wiki:8080\r\nx-a: b\r\n\r\n");
}

CAF_TEST(fields between two hops stay behind) {
  const auto head = head_of(request({{"connection", "x-hop, close"},
                                     {"x-hop", "1"},
                                     {"keep-alive", "5"},
                                     {"proxy-connection", "a"},
                                     {"upgrade", "h2c"},
                                     {"host", "evil"},
                                     {"transfer-encoding", "chunked"},
                                     {"te", "gzip"},
                                     {"x-kept", "2"}}));
  CAF_CHECK_EQUAL(head, "GET /a?b=c HTTP/1.1\r\nhost: wiki:8080\r\nx-kept: 2\r\n\r\n");
}

CAF_TEST(trailers may still be asked for) {
  const auto head = head_of(request({{"te", "trailers"}}));
  CAF_CHECK(has_line(head, "te: trailers"));
  CAF_CHECK(has_line(head, "connection: te"));
}

CAF_TEST(cookie pairs become one field) {
  const auto head = head_of(request({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}}));
  CAF_CHECK(has_line(head, "cookie: a=1; b=2"));
  CAF_CHECK_EQUAL(head.find("cookie"), head.rfind("cookie"));
}

CAF_TEST(content is framed by its length if that is known) {
  const auto fields = request({{"content-length", "5"}}, "POST");
  CAF_CHECK(traits_of(fields, false).framing == content_framing::length);
  CAF_CHECK(has_line(head_of(fields, false), "content-length: 5"));
  CAF_CHECK_EQUAL(head_of(fields, false).find("chunked"), std::string::npos);
}

CAF_TEST(a length of nothing makes the head the whole request) {
  for (const auto* length : {"0", "00"}) {
    const auto fields = request({{"content-length", length}}, "POST");
    CAF_CHECK(traits_of(fields, false).framing == content_framing::none);
    CAF_CHECK(has_line(head_of(fields, false), std::string{"content-length: "} + length));
    CAF_CHECK_EQUAL(head_of(fields, false).find("chunked"), std::string::npos);
  }
}

CAF_TEST(content of unknown length is chunked) {
  const auto fields = request({}, "POST");
  CAF_CHECK(traits_of(fields, false).framing == content_framing::chunked);
  CAF_CHECK(has_line(head_of(fields, false), "transfer-encoding: chunked"));
}

CAF_TEST(a post without content says so and a get does not) {
  CAF_CHECK(has_line(head_of(request({}, "POST")), "content-length: 0"));
  CAF_CHECK(!has_line(head_of(request({}, "GET")), "content-length: 0"));
  CAF_CHECK(traits_of(request({}, "POST")).framing == content_framing::none);
}

CAF_TEST(methods that must not be repeated are known) {
  for (const auto* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
    CAF_CHECK(traits_of(request({}, method)).idempotent);
  for (const auto* method : {"POST", "PATCH", "get", "LOCK"})
    CAF_CHECK(!traits_of(request({}, method)).idempotent);
  CAF_CHECK(traits_of(request({}, "HEAD")).head);
}

CAF_TEST(an expectation counts only where content follows) {
  const auto fields = request({{"expect", "100-Continue"}, {"content-length", "5"}}, "POST");
  CAF_CHECK(traits_of(fields, false).expects_continue);
  CAF_CHECK(!traits_of(fields, true).expects_continue);
  CAF_CHECK(has_line(head_of(fields, false), "expect: 100-Continue"));
}

CAF_TEST(an extended connect becomes an upgrade) {
  field_list fields{{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"},
                    {":authority", "wiki"}, {":path", "/chat"},         {"sec-websocket-key", "k"},
                    {"content-length", "7"}};
  CAF_CHECK_EQUAL(head_of(fields, false),
                  "GET /chat HTTP/1.1\r\nhost: wiki\r\nsec-websocket-key: k\r\n"
                  "connection: Upgrade\r\nupgrade: websocket\r\n\r\n");
  const auto traits = traits_of(fields, false);
  CAF_CHECK(traits.websocket);
  CAF_CHECK(traits.framing == content_framing::raw);
}

CAF_TEST(what makes no request is refused and leaves nothing behind) {
  CAF_CHECK_EQUAL(head_of({}), "refused");
  CAF_CHECK_EQUAL(head_of({{":method", "GET"}, {":path", "/"}}), "refused");
  CAF_CHECK_EQUAL(
      head_of({{":method", "GET"}, {":path", "/ HTTP/1.1\r\nx: y"}, {":authority", "a"}}),
      "refused");
  CAF_CHECK_EQUAL(head_of({{":method", "G T"}, {":path", "/"}, {":authority", "a"}}), "refused");
  CAF_CHECK_EQUAL(head_of({{":method", "GET"}, {":path", "/"}, {":authority", "a\rb"}}), "refused");
  CAF_CHECK_EQUAL(head_of({{":method", "CONNECT"}, {":path", "/"}, {":authority", "a"}}),
                  "refused");
  std::string out;
  CAF_CHECK(!write_request_head({}, true, out));
  CAF_CHECK(out.empty());
}

CAF_TEST(pseudo fields behind others do not count) {
  CAF_CHECK_EQUAL(head_of({{":method", "GET"}, {":authority", "a"}, {"x", "y"}, {":path", "/"}}),
                  "refused");
}

CAF_TEST(a response loses what was for the connector only) {
  const auto kept = selected({{"connection", "X-Hop"},
                              {"x-hop", "1"},
                              {"transfer-encoding", "chunked"},
                              {"postern-error", "forged"},
                              {"set-cookie", "a=1"},
                              {"set-cookie", "b=2"},
                              {"content-length", "3"}});
  CAF_REQUIRE_EQUAL(kept.size(), 3u);
  CAF_CHECK_EQUAL(kept[0].value, "a=1");
  CAF_CHECK_EQUAL(kept[1].value, "b=2");
  CAF_CHECK_EQUAL(kept[2].name, "content-length");
}

CAF_TEST(connection may come in several lines) {
  const field_list lines{{"connection", "keep-alive"}, {"x-hop", "1"}, {"connection", "a, X-Hop"}};
  CAF_CHECK(selected(lines).empty());
  auto asked = request({});
  asked.insert(asked.end(), lines.begin(), lines.end());
  CAF_CHECK(!has_line(head_of(asked), "x-hop: 1"));
  field_list out;
  CAF_REQUIRE(select_request_fields(asked, true, out));
  CAF_CHECK_EQUAL(out.size(), 4u);
}

CAF_TEST(a response that has no content has no length) {
  CAF_CHECK(selected({{"content-length", "0"}}, 204).empty());
  CAF_CHECK(selected({{"content-length", "0"}}, 101).empty());
  CAF_CHECK_EQUAL(selected({{"content-length", "9"}}, 304).size(), 1u);
}

CAF_TEST(trailers may say nothing about framing or routing) {
  for (const auto* name : {"content-length", "transfer-encoding", "host", "te", "trailer",
                           ":status", "", "postern-error"})
    CAF_CHECK(!is_trailer(name));
  CAF_CHECK(is_trailer("x-checksum"));
}

CAF_TEST(field names become lower case and values stay) {
  std::string head = "HTTP/1.1 200 OK\r\nContent-TYPE: Text/HTML: X\r\nX-A:B\r\n\r\n";
  lower_case_field_names(head);
  CAF_CHECK_EQUAL(head, "HTTP/1.1 200 OK\r\ncontent-type: Text/HTML: X\r\nx-a:B\r\n\r\n");
}

CAF_TEST(heads without fields stay as they are) {
  for (std::string head : {"", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n\r\n", "A\n"}) {
    const auto before = head;
    lower_case_field_names(head);
    CAF_CHECK_EQUAL(head, before);
  }
}

CAF_TEST(an origin over HTTP 2 gets the same fields as they are) {
  field_list out;
  const auto traits = select_request_fields({{":method", "POST"},
                                             {":scheme", "http"},
                                             {":authority", "a"},
                                             {":path", "/x"},
                                             {"te", "trailers, deflate"},
                                             {"connection", "x-hop"},
                                             {"x-hop", "1"},
                                             {"postern-application", "wiki"},
                                             {"expect", "100-continue"},
                                             {"cookie", "a=b"},
                                             {"cookie", "c=d"}},
                                            false, out);
  CAF_REQUIRE(traits.has_value());
  CAF_CHECK(traits->expects_continue);
  CAF_CHECK(!traits->idempotent);
  std::string text;
  for (const auto& [name, value] : out)
    text += std::string{name} + "=" + std::string{value} + ";";
  CAF_CHECK_EQUAL(text,
                  ":method=POST;:scheme=http;:authority=a;:path=/x;te=trailers;"
                  "expect=100-continue;cookie=a=b;cookie=c=d;");
}

CAF_TEST(pseudo fields of a response end at the connector) {
  field_list out;
  select_response_fields({{":status", "200"}, {"x", "y"}}, 200, out);
  CAF_REQUIRE_EQUAL(out.size(), 1u);
  CAF_CHECK_EQUAL(out[0].name, "x");
}
