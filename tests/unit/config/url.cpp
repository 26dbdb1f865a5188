#define CAF_SUITE url

#include "config/url.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;

CAF_TEST(a URL is taken apart) {
  auto u = parse_web_url("HTTPS://Wiki.Example.COM:8443/a/B/");
  CAF_REQUIRE(u.has_value());
  CAF_CHECK_EQUAL(u->scheme, "https");
  CAF_CHECK_EQUAL(u->host, "wiki.example.com");
  CAF_CHECK_EQUAL(u->port, 8443);
  CAF_CHECK_EQUAL(u->path, "/a/B/");
  CAF_CHECK_EQUAL(u->text(), "https://wiki.example.com:8443/a/B/");
}

CAF_TEST(a default port is filled in and not written) {
  CAF_CHECK_EQUAL(parse_web_url("https://a").value().text(), "https://a/");
  CAF_CHECK_EQUAL(parse_web_url("http://a:080/")->text(), "http://a/");
  CAF_CHECK_EQUAL(parse_web_url("http://a:443/")->text(), "http://a:443/");
  CAF_CHECK_EQUAL(parse_web_url("https://[::1]:8443/")->authority(), "[::1]:8443");
}

CAF_TEST(what could mislead a reader is refused) {
  for (auto text : {"", "wiki", "ftp://a/", "//a/", "https:///", "https://a/?q", "https://a/#f",
                    "https://a b/", "https://a:0/", "https://a:/", "https://a:65536/",
                    "https://a:99999/", "https://a:000443/", "https://a/\n", "https://a/%zz/",
                    "http://127.0.0.1.example/", "https://10.0.0.1.example:8443/a/"}) {
    CAF_CHECK(!parse_web_url(text));
  }
}

CAF_TEST(a password in a URL is not repeated in the message) {
  CAF_CHECK_EQUAL(parse_web_url("https://me:secret@a/").error().message,
                  "expected a URL without user and password");
}

CAF_TEST(host names are told from addresses) {
  for (auto host : {"a", "localhost", "wiki.localhost", "wiki.example.com", "xn--bcher-kva.example",
                    "1.example"}) {
    CAF_CHECK(is_host_name(host));
  }
  for (auto host : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "A", "10.0.0.5", "1.2",
                    "256.1.1.1", "[::1]", "*.a"}) {
    CAF_CHECK(!is_host_name(host));
  }
  CAF_CHECK(is_host_name(std::string(63, 'a')));
  CAF_CHECK(!is_host_name(std::string(64, 'a')));
}

CAF_TEST(loopback is this machine only) {
  for (auto host : {"localhost", "wiki.localhost", "127.0.0.1", "127.1.2.3", "[::1]"})
    CAF_CHECK(is_loopback(host));
  for (auto host : {"notlocalhost", "localhost.example", "127.evil.example", "10.0.0.1", ""})
    CAF_CHECK(!is_loopback(host));
}

CAF_TEST(plain paths hide nothing) {
  for (auto path : {"/", "/a/", "/a/B-1._~/"})
    CAF_CHECK(is_plain_path(path));
  for (auto path :
       {"", "a/", "/a", "//", "/a//b/", "/./", "/../", "/a/../b/", "/%61/", "/a;b/", "/a b/"}) {
    CAF_CHECK(!is_plain_path(path));
  }
}
