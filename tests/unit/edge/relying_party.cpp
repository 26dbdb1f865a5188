#define CAF_SUITE relying_party
#include "edge/relying_party.hpp"

#include "tests/unit/edge/samples.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::samples;

CAF_TEST(path and origin are those of the external url) {
  CAF_CHECK_EQUAL(application_path(wiki), "/");
  CAF_CHECK_EQUAL(application_origin(wiki), "https://wiki.example:8443");
  CAF_CHECK_EQUAL(application_path(reports), "/deep/reports/");
  CAF_CHECK_EQUAL(application_origin(reports), "https://intranet.example");
}

CAF_TEST(reserved pages are found below the application only) {
  CAF_CHECK(find_reserved_page(wiki, "/.postern/callback") == reserved_page::callback);
  CAF_CHECK(find_reserved_page(reports, "/deep/reports/.postern/logout") == reserved_page::logout);
  CAF_CHECK(find_reserved_page(wiki, "/.postern/") == reserved_page::other);
  CAF_CHECK(find_reserved_page(wiki, "/.postern") == reserved_page::other);
  for (const auto* path : {"/", "/.posternx", "/a/.postern/callback", "/.Postern/callback"})
    CAF_CHECK(!find_reserved_page(wiki, path));
  CAF_CHECK(!find_reserved_page(reports, "/.postern/callback"));
}

CAF_TEST(an application that signs its users in itself reserves nothing) {
  auto open = wiki;
  open.preauthentication = config::preauthentication_kind::passthrough;
  CAF_CHECK(!find_reserved_page(open, "/.postern/callback"));
}

CAF_TEST(issuer and client are those of the service unless the application has its own) {
  const auto urls = make_urls();
  CAF_CHECK_EQUAL(issuer_of(wiki, urls), "https://sts.example");
  CAF_CHECK_EQUAL(client_id_of(wiki), "wiki");
  auto foreign = wiki;
  foreign.issuer = "https://login.example";
  foreign.client_id = "id-1";
  CAF_CHECK_EQUAL(issuer_of(foreign, urls), "https://login.example");
  CAF_CHECK_EQUAL(client_id_of(foreign), "id-1");
  CAF_CHECK_EQUAL(callback_url(reports), "https://intranet.example/deep/reports/.postern/callback");
}

CAF_TEST(targets within the application stay to the last byte) {
  for (const std::string target :
       {"/", "/a?b=%2F%20x&c", "//evil.example/", "/https://evil.example/"})
    CAF_CHECK_EQUAL(safe_target(wiki, target), target);
  CAF_CHECK_EQUAL(safe_target(reports, "/deep/reports/x?y"), "/deep/reports/x?y");
}

CAF_TEST(targets elsewhere become the start of the application) {
  for (const auto* target : {"", "x", "https://evil.example/", "?q", "*"})
    CAF_CHECK_EQUAL(safe_target(wiki, target), "/");
  for (const auto* target : {"/", "/deep/", "/deep/reports", "/deep/reportsx/", "/other/"})
    CAF_CHECK_EQUAL(safe_target(reports, target), "/deep/reports/");
}

CAF_TEST(nobody is sent back to a reserved page) {
  CAF_CHECK_EQUAL(safe_target(wiki, "/.postern/callback?code=1"), "/");
  CAF_CHECK_EQUAL(safe_target(wiki, "/.postern/logout"), "/");
}

CAF_TEST(bytes that do not belong into a url are encoded) {
  CAF_CHECK_EQUAL(safe_target(wiki, "/a\r\nSet-Cookie: x"), "/a%0D%0ASet-Cookie:%20x");
  CAF_CHECK_EQUAL(safe_target(wiki, "/\xc3\xbc<\">#"), "/%C3%BC%3C%22%3E%23");
}

CAF_TEST(an absolute url always leads to the host of the application) {
  for (const auto* target : {"//evil.example/", "/\\evil.example", "/@evil.example", "/.."}) {
    const auto url = absolute_url(wiki, safe_target(wiki, target));
    CAF_CHECK(url.starts_with("https://wiki.example:8443/"));
  }
}
