#define CAF_SUITE translation
#include "edge/translation.hpp"

#include "edge/session_cookie.hpp"
#include "tests/unit/edge/samples.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::samples;
using namespace std::string_literals;

namespace {

config::application moved() {
  auto a = make_application("moved", "https://app.example.com:8443/out/");
  a.internal_url = "http://10.0.0.5:8080/in/";
  return a;
}

struct fixture {
  config::application application = moved();
  actors::identity user{"https://sts.example", "42",           "bob", "Bob Brown",
                        "bob@example.com",     {"staff", "it"}};
  bool anonymous = false;

  /// All fields that the origin gets, a line each.
  std::string translated(const std::string& target, const std::string& fields,
                         const std::string& method = "GET") {
    head = method + " " + target + " HTTP/1.1\r\nHost: app.example.com:8443\r\n" + fields + "\r\n";
    runtime::http1_request_parser parser;
    CAF_REQUIRE(parser.parse_head(head).has_value());
    const auto checked = check_request(parser);
    CAF_REQUIRE(checked.has_value());
    const auto urls = split_application_urls(application);
    translated_request out;
    translate_request(out, *checked, parser.fields(), application, urls,
                      {client, "request-1", anonymous ? nullptr : &user});
    std::string text = "\n";
    for (const auto& f : out.fields())
      text += std::string{f.name} + ": " + std::string{f.value} + "\n";
    return text;
  }
  bool has(const std::string& text, const std::string& line) {
    return contains(text, "\n" + line + "\n");
  }

  std::string head, client = "192.0.2.1";
};

application_urls urls_of(std::string external, std::string internal) {
  auto a = make_application("a", std::move(external));
  a.internal_url = std::move(internal);
  return split_application_urls(a);
}

}  // namespace

CAF_TEST(urls are taken apart once) {
  const auto urls = split_application_urls(moved());
  CAF_CHECK_EQUAL(urls.external_origin, "https://app.example.com:8443");
  CAF_CHECK_EQUAL(urls.external_host, "app.example.com");
  CAF_CHECK_EQUAL(urls.external_path, "/out/");
  CAF_CHECK_EQUAL(urls.internal_origin, "http://10.0.0.5:8080");
  CAF_CHECK_EQUAL(urls.internal_authority, "10.0.0.5:8080");
  CAF_CHECK_EQUAL(urls.internal_path, "/in/");
}

CAF_TEST(fields of ours are reserved in every spelling) {
  for (const auto* name : {"X-Postern-User",
                           "x-postern-user",
                           "X_Postern_User",
                           "x-Postern_gRoups",
                           "X-POSTERN-ANYTHING",
                           "postern-application",
                           "Postern_Request_Id",
                           "X-Request-Id",
                           "x_request_id",
                           "X-Forwarded-For",
                           "X_Forwarded_For",
                           "x-forwarded-proto",
                           "X-Forwarded_Host",
                           "X-Forwarded-Port",
                           "X-Forwarded-User",
                           "x.forwarded.user",
                           "X.Postern.User",
                           "x-postern~user",
                           "X!Request!Id",
                           "X-Original-URL",
                           "X_Rewrite_URL",
                           "X-Real-IP",
                           "x_real_ip",
                           "Forwarded",
                           "Host",
                           "Cookie",
                           "Connection",
                           "Keep-Alive",
                           "Keep_Alive",
                           "Proxy-Connection",
                           "TE",
                           "Transfer-Encoding",
                           "Transfer_Encoding",
                           "Upgrade",
                           "Proxy-Authorization",
                           "",
                           ":path"})
    CAF_CHECK_EQUAL(std::string{name} + (is_reserved_request_field(name) ? "" : " passes"), name);
  for (const auto* name : {"Accept", "Authorization", "Content-Length", "X-Posternx", "X-Forwarded",
                           "Hosts", "Cookies", "Via"})
    CAF_CHECK_EQUAL(std::string{name} + (is_reserved_request_field(name) ? " is dropped" : ""),
                    name);
}

CAF_TEST(what ends at a hop ends here for responses too) {
  for (const auto* name : {"Connection", "keep-alive", "Proxy-Connection", "TRANSFER-ENCODING",
                           "Upgrade", "Postern-Cause", "postern_cause", ":status", ""})
    CAF_CHECK(is_dropped_response_field(name));
  for (const auto* name : {"Content-Length", "Set-Cookie", "Trailer", "X-Postern-User"})
    CAF_CHECK(!is_dropped_response_field(name));
}

CAF_TEST(locations move to the external side) {
  const auto urls = split_application_urls(moved());
  const std::pair<const char*, const char*> table[] = {
      {"http://10.0.0.5:8080/in/a?b#c", "https://app.example.com:8443/out/a?b#c"},
      {"HTTP://10.0.0.5:8080/in/a", "https://app.example.com:8443/out/a"},
      {"http://10.0.0.5:8080/in", "https://app.example.com:8443/out/"},
      {"http://10.0.0.5:8080/in?x", "https://app.example.com:8443/out/?x"},
      {"http://10.0.0.5:8080/other", "https://app.example.com:8443/other"},
      {"http://10.0.0.5:8080/in/a;s=1?url=b", "https://app.example.com:8443/out/a;s=1?url=b"},
      {"http://10.0.0.5:80801/in/", "http://10.0.0.5:80801/in/"},
      {"http://10.0.0.5:8080.evil/in/", "http://10.0.0.5:8080.evil/in/"},
      {"//10.0.0.5:8080/in/a", "https://app.example.com:8443/out/a"},
      {"//other/in/a", "//other/in/a"},
      {"http://app.example.com:8443/in/a", "https://app.example.com:8443/out/a"},
      {"/in/a", "/out/a"},
      {"/elsewhere", "/elsewhere"},
      {"a/b", "a/b"},
      {"", ""},
      {"https://login.example/?return=http://10.0.0.5:8080/in/",
       "https://login.example/?return=http://10.0.0.5:8080/in/"},
      {"5; url=http://10.0.0.5:8080/in/a", "5; url=https://app.example.com:8443/out/a"},
      {"0;URL=http://10.0.0.5:8080/in/a", "0;URL=https://app.example.com:8443/out/a"},
      {"0; url='http://10.0.0.5:8080/in/a'", "0; url='https://app.example.com:8443/out/a'"},
      {"5", "5"},
      {"5; url=", "5; url="}};
  for (const auto& [value, expected] : table)
    CAF_CHECK_EQUAL(translate_location(value, urls), expected);
}

CAF_TEST(a location may name the default port of its scheme) {
  auto a = make_application("plain", "https://a.example/");
  a.internal_url = "http://10.0.0.5/";
  auto urls = split_application_urls(a);
  for (const auto* same : {"http://10.0.0.5:80/x?y", "http://10.0.0.5:/x?y", "//10.0.0.5:80/x?y",
                           "http://a.example:80/x?y"})
    CAF_CHECK_EQUAL(translate_location(same, urls), "https://a.example/x?y");
  CAF_CHECK_EQUAL(translate_location("http://10.0.0.5:80", urls), "https://a.example/");
  for (const auto* other : {"http://10.0.0.5:443/x", "http://10.0.0.5:8/x", "http://10.0.0.5:800/x",
                            "http://10.0.0.5:80@evil.example/x", "https://10.0.0.5:80/x"})
    CAF_CHECK_EQUAL(translate_location(other, urls), other);
  a.internal_url = "https://10.0.0.5/";
  urls = split_application_urls(a);
  CAF_CHECK_EQUAL(translate_location("https://10.0.0.5:443/x", urls), "https://a.example/x");
  CAF_CHECK_EQUAL(translate_location("https://10.0.0.5:80/x", urls), "https://10.0.0.5:80/x");
}

CAF_TEST(locations at the root keep their query) {
  const auto urls = urls_of("https://a.example/", "http://10.0.0.5/");
  CAF_CHECK_EQUAL(translate_location("http://10.0.0.5", urls), "https://a.example/");
  CAF_CHECK_EQUAL(translate_location("http://10.0.0.5?x", urls), "https://a.example/?x");
  CAF_CHECK_EQUAL(translate_location("/x", urls), "/x");
}

CAF_TEST(cookies are moved to the external side) {
  const auto urls = split_application_urls(moved());
  const std::pair<const char*, const char*> table[] = {
      {"a=b", "a=b"},
      {"a=b; HttpOnly; Max-Age=3", "a=b; HttpOnly; Max-Age=3"},
      {"a=b; Path=/in/x; Secure", "a=b; Path=/out/x; Secure"},
      {"a=b; PATH=/in/", "a=b; Path=/out/"},
      {"a=b; path=/in", "a=b; Path=/out/"},
      {"a=b; Path=/", "a=b; Path=/"},
      {"a=b; Path=/inside", "a=b; Path=/inside"},
      {"a=b; Domain=10.0.0.5; Secure", "a=b; Secure"},
      {"a=b; domain=.corp.internal", "a=b"},
      {"a=b; Domain=app.example.com", "a=b; Domain=app.example.com"},
      {"a=b; Domain=.example.com", "a=b; Domain=.example.com"},
      {"a=b; Domain=ample.com", "a=b"},
      {"a=b;", "a=b;"},
      {"a=\"x;y\"", "a=\"x;y\""}};
  for (const auto& [value, expected] : table)
    CAF_CHECK_EQUAL(translate_set_cookie(value, urls), expected);
}

CAF_TEST(an origin cannot set cookies of ours) {
  const auto urls = split_application_urls(moved());
  const auto own = session_cookie_name(moved());
  for (const auto& value : {own + "=x", own + "=x; Path=/", " " + own + " =x", own})
    CAF_CHECK_EQUAL(translate_set_cookie(value, urls), "");
}

CAF_TEST_FIXTURE_SCOPE(translation_tests, fixture)

CAF_TEST(a request goes to the internal url) {
  const auto text = translated("/out/a?b", "Accept: */*\r\n");
  for (const auto* line :
       {":method: GET", ":scheme: http", ":authority: 10.0.0.5:8080", ":path: /in/a?b",
        "Accept: */*", "postern-application: moved", "x-request-id: request-1", "via: 1.1 postern"})
    CAF_CHECK_EQUAL(line + (has(text, line) ? ""s : " is missing in " + text), line);
  application.translate_host_header = false;
  CAF_CHECK(has(translated("/out/", ""), ":authority: app.example.com:8443"));
  CAF_CHECK(has(translated("*", "", "OPTIONS"), ":path: *"));
}

CAF_TEST(forwarding fields are made anew) {
  const auto sent =
      "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-Proto: http\r\nX-Real-IP: "
      "6.6.6.6\r\n"
      "X_Forwarded_For: 6.6.6.6\r\nX-Forwarded-Host: 6.6.6.6\r\nX-Request-Id: 6.6.6.6\r\n"s;
  auto text = translated("/out/", sent);
  CAF_CHECK(!contains(text, "6.6.6.6"));
  CAF_CHECK(has(text, "x-forwarded-for: 192.0.2.1"));
  CAF_CHECK(has(text, "x-forwarded-proto: https"));
  CAF_CHECK(has(text, "x-forwarded-host: app.example.com:8443"));
  CAF_CHECK(has(text, "forwarded: for=192.0.2.1;host=\"app.example.com:8443\";proto=https"));
  client = "2001:db8::1";
  text = translated("/out/", "");
  CAF_CHECK(has(text, "x-forwarded-for: 2001:db8::1"));
  CAF_CHECK(contains(text, "for=\"[2001:db8::1]\";"));
}

CAF_TEST(the identity is the one that signed in and no other) {
  const auto forged =
      "X-Postern-User: eve\r\nx_postern_user: eve\r\nX-Postern-Groups: eve\r\nX-Postern-New: eve\r\n"s;
  auto text = translated("/out/", forged);
  CAF_CHECK(!contains(text, "eve"));
  for (const auto* line : {"x-postern-user: bob", "x-postern-email: bob@example.com",
                           "x-postern-name: Bob Brown", "x-postern-groups: staff,it"})
    CAF_CHECK(has(text, line));
  user = {"i", "1", "bob\r\nX-Admin: yes", "", "", {}};
  text = translated("/out/", "");
  CAF_CHECK(has(text, "x-postern-user: bobX-Admin: yes"));
  CAF_CHECK(!contains(text, "x-postern-email"));
  user = {"i", "1", "bob", "  Bob\t", "", {"staff,administrators", "100%"}};
  text = translated("/out/", "");
  CAF_CHECK(has(text, "x-postern-name: Bob"));
  CAF_CHECK(has(text, "x-postern-groups: staff%2Cadministrators,100%25"));
  anonymous = true;
  CAF_CHECK(!contains(translated("/out/", forged), "x-postern-"));
}

CAF_TEST(fields that a connection option names end here) {
  for (const auto* connection :
       {"Connection: X-Hop, close\r\n", "Connection: close\r\nConnection: x-hop\r\n",
        "Connection: x-hop\r\nConnection: keep-alive\r\n"})
    CAF_CHECK(
        !contains(translated("/out/", "X-Hop: gone\r\nX-End: stays\r\n"s + connection), "gone"));
  const auto text = translated("/out/",
                               "X-Hop: a\r\nTE: trailers, gzip\r\nKeep-Alive: 5\r\nConnection: "
                               "keep-alive\r\nUpgrade: h2c\r\n");
  CAF_CHECK(has(text, "X-Hop: a"));
  CAF_CHECK(has(text, "te: trailers"));
  CAF_CHECK(!contains(text, "gzip"));
  CAF_CHECK(!contains(text, "h2c"));
  CAF_CHECK(!contains(text, "eep-"));
}

CAF_TEST(the session cookie stays here and the others go on as one) {
  const auto own = session_cookie_name(application);
  const auto text = translated("/out/", "Cookie: a=1; " + own + "=secret; b=2\r\nCookie: c=3\r\n");
  CAF_CHECK(!contains(text, "secret"));
  CAF_CHECK(has(text, "cookie: a=1; b=2; c=3"));
  CAF_CHECK(!contains(translated("/out/", "Cookie: " + own + "=secret\r\n"), "cookie"));
}

CAF_TEST(a websocket becomes an extended connect) {
  const auto text = translated(
      "/out/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n");
  CAF_CHECK(has(text, ":method: CONNECT"));
  CAF_CHECK(has(text, ":protocol: websocket"));
  CAF_CHECK(!contains(text, "pgrade: "));
}

CAF_TEST_FIXTURE_SCOPE_END()
