#define CAF_SUITE html_page
#include "runtime/html_page.hpp"

#include "runtime/encoding.hpp"

#include <caf/test/unit_test.hpp>

namespace rt = postern::runtime;

CAF_TEST(the title is escaped and the content is not) {
  auto page = rt::html_page("a <b>", "<p>c</p>");
  CAF_CHECK(page.find("<title>a &lt;b&gt;") != std::string::npos);
  CAF_CHECK(page.find("<p>c</p>") != std::string::npos);
}

CAF_TEST(the page needs nothing but itself) {
  auto page = rt::html_page("t", "");
  CAF_CHECK(page.starts_with("<!doctype html>"));
  CAF_CHECK(page.find("http") == std::string::npos);
  CAF_CHECK(page.find("<script") == std::string::npos);
  CAF_CHECK(page.find("@import") == std::string::npos);
}

CAF_TEST(the policy allows the style of the page by its hash) {
  auto page = rt::html_page("t", "");
  auto begin = page.find("<style>") + 7;
  auto style = page.substr(begin, page.find("</style>") - begin);
  auto hash = "'sha256-" + rt::to_base64(rt::sha256(style)) + "'";
  CAF_CHECK(rt::html_page_policy().find("style-src " + hash + ";") != std::string::npos);
}

CAF_TEST(forms go nowhere unless the policy is told) {
  CAF_CHECK(rt::html_page_policy().ends_with("form-action 'none'"));
  CAF_CHECK(rt::html_page_policy("'self' https://a.example")
                .ends_with("form-action 'self' https://a.example"));
}
