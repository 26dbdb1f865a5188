#define CAF_SUITE request_rules
#include "edge/request_rules.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;
using namespace std::string_literals;

namespace {

/// "host authority target path" of a request and its flags, or "cause: detail".
std::string shown(const std::string& head) {
  runtime::http1_request_parser parser;
  if (auto parsed = parser.parse_head(head); !parsed) return parsed.error().cause;
  const auto request = check_request(parser);
  if (!request) return request.error().cause + ": " + request.error().detail;
  auto text = std::string{request->method} + " " + std::string{request->host} + " " +
              std::string{request->authority} + " " + std::string{request->target} + " " +
              std::string{request->path};
  if (request->websocket) text += " websocket";
  if (request->expects_continue) text += " continue";
  if (!request->keep_alive) text += " close";
  if (request->has_content) text += " content";
  return text;
}

std::string get(const std::string& target, const std::string& fields = {}) {
  return shown("GET " + target + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n");
}

std::string post(const std::string& fields) {
  return shown("POST / HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n");
}

const auto plain = "GET a.example a.example / /"s;

}  // namespace

CAF_TEST(an ordinary request passes) {
  CAF_CHECK_EQUAL(get("/"), plain);
  CAF_CHECK_EQUAL(get("/a/b?c=/d?e"), "GET a.example a.example /a/b?c=/d?e /a/b");
  CAF_CHECK_EQUAL(post("Content-Length: 3\r\n"), "POST a.example a.example / / content");
  CAF_CHECK_EQUAL(post("Content-Length: 0\r\n"), "POST a.example a.example / /");
  CAF_CHECK_EQUAL(post("Transfer-Encoding: Chunked\r\n"), "POST a.example a.example / / content");
}

CAF_TEST(lengths and codings that smuggle are refused) {
  for (const auto* fields : {
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
           "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\n",
           "Content-Length: 5, 5\r\n",
           "Transfer-Encoding : chunked\r\n",
           "Transfer-Encoding\t: chunked\r\n",
           " Transfer-Encoding: chunked\r\n",
           "X: y\r\n Transfer-Encoding: chunked\r\n",
           "X: y\nTransfer-Encoding: chunked\r\n",
           "X: y\rTransfer-Encoding: chunked\r\n",
       })
    CAF_CHECK_EQUAL(fields + post(fields).substr(0, 14), fields + "malformed_head"s);
}

CAF_TEST(codings that are spelled in other ways are refused) {
  for (const auto* coding :
       {"gzip", "identity", "gzip, chunked", "chunked, gzip", "chunked, chunked", "xchunked",
        "chunked-x", "\"chunked\"", "'chunked'", "chunked;q=1", "chunked,", ",chunked", "cow", ""})
    for (const auto* length : {"", "Content-Length: 5\r\n"}) {
      const auto said = post("Transfer-Encoding: "s + coding + "\r\n" + length);
      CAF_CHECK(said.starts_with("coding_refused") || said.starts_with("malformed_head"));
    }
  CAF_CHECK(shown("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                .starts_with("malformed_head"));
}

CAF_TEST(there is one host and it is a host) {
  for (const auto* fields : {"",
                             "Host:\r\n",
                             "Host: a\r\nHost: a\r\n",
                             "Host: a\r\nhost: b\r\n",
                             "Host: a,b\r\n",
                             "Host: a b\r\n",
                             "Host: u@a\r\n",
                             "Host: a/b\r\n",
                             "Host: a?b\r\n",
                             "Host: a#b\r\n",
                             "Host: a\\b\r\n",
                             "Host: :80\r\n",
                             "Host: a:b\r\n",
                             "Host: a:80:90\r\n",
                             "Host: [::1\r\n",
                             "Host: [::1]x\r\n",
                             "Host: [::1]x:80\r\n",
                             "Host: a%2eb\r\n",
                             "Host : a\r\n",
                             "Host: \xc3\xa4\r\n"})
    CAF_CHECK_EQUAL(
        std::string{fields} + shown("GET / HTTP/1.1\r\n"s + fields + "\r\n").substr(0, 14),
        std::string{fields} + "malformed_head");
  CAF_CHECK_EQUAL(shown("GET / HTTP/1.1\r\nhOST: A.example:8443\r\n\r\n"),
                  "GET A.example A.example:8443 / /");
  CAF_CHECK_EQUAL(shown("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"), "GET [::1] [::1]:8443 / /");
}

CAF_TEST(hosts are split from their ports) {
  const std::pair<const char*, const char*> table[] = {
      {"a", "a"},     {"a:1", "a"},       {"a:", "a"},          {"", ""},
      {":1", ""},     {"[::1]", "[::1]"}, {"[::1]:1", "[::1]"}, {"[::1", ""},
      {"[::1]x", ""}, {"a:b", ""},        {"a:1:2", ""},        {"::1", ""}};
  for (const auto& [authority, host] : table)
    CAF_CHECK_EQUAL(host_of(authority), host);
}

CAF_TEST(an absolute target must name the same host) {
  CAF_CHECK_EQUAL(get("https://a.example/x?y"), "GET a.example a.example /x?y /x");
  CAF_CHECK_EQUAL(get("HTTP://A.EXAMPLE"), plain);
  for (const auto* target :
       {"https://b.example/", "https://a.example:1/", "https://a.example.b/",
        "https://u@a.example/", "https://a.example@b/", "https://", "https:///",
        "https://a.example?x", "ftp://a.example/", "javascript://a.example/", "a.example",
        "a.example:443", "//a.example/"})
    if (std::string_view{target} == "//a.example/")
      CAF_CHECK_EQUAL(get(target),
                      "GET a.example a.example //a.example/ //a.example/");  // a path, no authority
    else
      CAF_CHECK_EQUAL(target + get(target).substr(0, 14), target + "malformed_head"s);
}

CAF_TEST(an asterisk is for options only) {
  CAF_CHECK(get("*").starts_with("malformed_head"));
  CAF_CHECK_EQUAL(shown("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "OPTIONS a a * *");
  CAF_CHECK(shown("OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("malformed_head"));
}

CAF_TEST(targets have no fragments backslashes or controls) {
  for (const auto& target : {"/a#b"s, "/#"s, "/a\\b"s, "/\\..\\b"s, "/?a\\b"s, "/a\x01"s, "/a\x7f"s,
                             "https://a.example/a#b"s})
    CAF_CHECK(get(target).starts_with("malformed_head"));
}

CAF_TEST(methods that would speak to the service or echo secrets are refused) {
  for (const auto* method : {"TRACE", "CONNECT"})
    CAF_CHECK(shown(method + " / HTTP/1.1\r\nHost: a\r\n\r\n"s).starts_with("method_refused"));
  CAF_CHECK_EQUAL(shown("trace / HTTP/1.1\r\nHost: a\r\n\r\n"),
                  "trace a a / /");  // methods are case-sensitive
  for (const auto* method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
    CAF_CHECK(is_idempotent(method));
  for (const auto* method : {"POST", "PATCH", "get", ""})
    CAF_CHECK(!is_idempotent(method));
}

CAF_TEST(expectations are the one that is known) {
  CAF_CHECK_EQUAL(post("Content-Length: 3\r\nExpect: 100-Continue\r\n"),
                  "POST a.example a.example / / continue content");
  CAF_CHECK_EQUAL(get("/", "Expect: 100-continue\r\n"), plain);  // nothing to wait for
  CAF_CHECK(post("Expect: 200-ok\r\n").starts_with("expectation_refused"));
  CAF_CHECK(post("Expect: 200-ok\r\nExpect: 100-continue\r\n").starts_with("malformed_head"));
  CAF_CHECK_EQUAL(
      shown("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"),
      "POST a a / / close content");
}

CAF_TEST(connections are kept as their version and options say) {
  CAF_CHECK_EQUAL(get("/", "Connection: close\r\n"), plain + " close");
  CAF_CHECK_EQUAL(get("/", "Connection: x, Close\r\n"), plain + " close");
  CAF_CHECK_EQUAL(get("/", "Connection: keep-alive\r\nConnection: close\r\n"), plain + " close");
  CAF_CHECK_EQUAL(get("/", "Connection: closed\r\n"), plain);
  CAF_CHECK_EQUAL(shown("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), "GET a a / / close");
  CAF_CHECK_EQUAL(shown("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"),
                  "GET a a / /");
}

CAF_TEST(a websocket upgrade is recognised and complete) {
  const auto upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"s,
             key = "Sec-WebSocket-Key: x\r\n"s;
  CAF_CHECK_EQUAL(get("/", upgrade + key), plain + " websocket");
  CAF_CHECK_EQUAL(get("/", "Upgrade: websocket\r\n" + key), plain);
  CAF_CHECK_EQUAL(get("/", "Connection: upgrade\r\nUpgrade: h2c\r\n"), plain);
  CAF_CHECK(get("/", upgrade).starts_with("malformed_head"));
  CAF_CHECK(get("/", upgrade + key + "Content-Length: 3\r\n").starts_with("malformed_head"));
  CAF_CHECK(post(upgrade + key).starts_with("malformed_head"));
}

namespace {

std::string shown2(runtime::field_list fields, bool has_content = false) {
  const auto request = check_http2_request(fields, has_content);
  if (!request) return request.error().cause;
  auto text = std::string{request->method} + " " + std::string{request->host} + " " +
              std::string{request->target} + " " + std::string{request->path};
  if (request->websocket) text += " websocket";
  if (request->expects_continue) text += " continue";
  if (request->has_content) text += " content";
  return text;
}

runtime::field_list head2(std::string_view method, std::string_view path,
                          std::string_view authority = "a.example:8443") {
  return {{":method", method}, {":scheme", "https"}, {":authority", authority}, {":path", path}};
}

}  // namespace

CAF_TEST(an ordinary request of HTTP 2 passes) {
  CAF_CHECK_EQUAL(shown2(head2("GET", "/a?b=//")), "GET a.example /a?b=// /a");
  CAF_CHECK_EQUAL(shown2(head2("POST", "/"), true), "POST a.example / / content");
  CAF_CHECK_EQUAL(shown2(head2("OPTIONS", "*")), "OPTIONS a.example * *");
  auto expecting = head2("POST", "/");
  expecting.push_back({"expect", "100-continue"});
  CAF_CHECK_EQUAL(shown2(expecting, true), "POST a.example / / continue content");
  CAF_CHECK_EQUAL(shown2({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "b"}}),
                  "GET b / /");
}

CAF_TEST(a request of HTTP 2 names one host in one way) {
  auto two = head2("GET", "/");
  two.push_back({"host", "b.example"});
  CAF_CHECK_EQUAL(shown2(two), "malformed_head");
  auto same = head2("GET", "/");
  same.push_back({"host", "A.EXAMPLE:8443"});
  CAF_CHECK_EQUAL(shown2(same), "GET a.example / /");
  for (const auto* authority : {"", "a@b", "a b", "a:b", "a/b", "[::1"})
    CAF_CHECK_EQUAL(shown2(head2("GET", "/", authority)), "malformed_head");
  CAF_CHECK_EQUAL(
      shown2({{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a.example"}, {":path", "/"}}),
      "malformed_head");
}

CAF_TEST(only a WebSocket opens by CONNECT over HTTP 2) {
  auto websocket = head2("CONNECT", "/chat");
  websocket.push_back({":protocol", "websocket"});
  CAF_CHECK_EQUAL(shown2(websocket, true), "CONNECT a.example /chat /chat websocket");
  CAF_CHECK_EQUAL(shown2(head2("CONNECT", "/chat")), "method_refused");
  auto other = head2("CONNECT", "/chat");
  other.push_back({":protocol", "connect-udp"});
  CAF_CHECK_EQUAL(shown2(other), "method_refused");
  CAF_CHECK_EQUAL(shown2(head2("TRACE", "/")), "method_refused");
  for (const auto* path : {"", "chat", "/a b", "/a#b", "/a\\b", "*"})
    CAF_CHECK_EQUAL(shown2(head2("GET", path)), "malformed_head");
}
