#define CAF_SUITE refusal
#include "edge/refusal.hpp"

#include "edge/problem.hpp"
#include "edge/refusal_text.hpp"
#include "tests/unit/edge/samples.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/unit_test.hpp>

#include <array>

using namespace postern;
using namespace postern::edge;
using postern::edge::samples::contains;
using runtime::error;
using runtime::error_category;

namespace {

const error not_assigned{error_category::forbidden, "not_assigned", "assignment", "secret detail"};

std::string text(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

bool is_page(std::string_view mode, std::string_view destination, std::string_view with,
             std::string_view accept) {
  return choose_form(mode, destination, with, accept) == refusal_form::page;
}

}  // namespace

CAF_TEST(navigations get a page) {
  CAF_CHECK(is_page("navigate", "document", "", "*/*"));
  CAF_CHECK(is_page("navigate", "", "", ""));
  CAF_CHECK(is_page("navigate", "iframe", "", ""));
  CAF_CHECK(is_page("", "document", "", ""));
}

CAF_TEST(fetch metadata counts more than what accept says) {
  CAF_CHECK(!is_page("cors", "empty", "", "text/html"));
  CAF_CHECK(!is_page("same-origin", "empty", "", "text/html"));
  CAF_CHECK(!is_page("no-cors", "image", "", "text/html"));
  CAF_CHECK(!is_page("navigate", "object", "", "text/html"));
  CAF_CHECK(!is_page("websocket", "websocket", "", ""));
}

CAF_TEST(without fetch metadata a script is known by its header) {
  CAF_CHECK(!is_page("", "", "XMLHttpRequest", "text/html"));
}

CAF_TEST(without fetch metadata accept has to name html) {
  CAF_CHECK(is_page("", "", "", "text/html"));
  CAF_CHECK(is_page("", "", "", "image/png, TEXT/HTML;level=1;q=0.5"));
  CAF_CHECK(is_page("", "", "", "application/xhtml+xml"));
  for (const auto* accept : {"", "*/*", "application/json", "text/html;q=0", "text/html ; q=0.000",
                             "text/htmlx", "text/plain, */*;q=0.8"})
    CAF_CHECK(!is_page("", "", "", accept));
}

CAF_TEST(a problem says status cause source and request but never the detail) {
  const auto response = make_refusal(not_assigned, "r-1", refusal_form::problem);
  CAF_CHECK_EQUAL(response.result_int(), 403u);
  CAF_CHECK_EQUAL(text(response["Content-Type"]), "application/problem+json");
  CAF_CHECK_EQUAL(text(response["X-Request-Id"]), "r-1");
  CAF_CHECK_EQUAL(text(response["Cache-Control"]), "no-store");
  const auto problem = boost::json::parse(response.body()).as_object();
  CAF_CHECK(problem.at("type").as_string() == "about:blank");
  CAF_CHECK(problem.at("title").as_string() == "Forbidden");
  CAF_CHECK_EQUAL(problem.at("status").as_int64(), 403);
  CAF_CHECK(problem.at("cause").as_string() == "not_assigned");
  CAF_CHECK(problem.at("source").as_string() == "assignment");
  CAF_CHECK(problem.at("request_id").as_string() == "r-1");
  CAF_CHECK(contains(std::string{problem.at("detail").as_string()}, "not assigned to you"));
  CAF_CHECK(!contains(response.body(), "secret detail"));
}

CAF_TEST(a page says the same in words and runs nothing) {
  const auto response = make_refusal(not_assigned, "r-1", refusal_form::page);
  CAF_CHECK_EQUAL(response.result_int(), 403u);
  CAF_CHECK_EQUAL(text(response["Content-Type"]), "text/html; charset=utf-8");
  CAF_CHECK(contains(text(response["Content-Security-Policy"]), "default-src 'none'"));
  CAF_CHECK(contains(text(response["Content-Security-Policy"]), "frame-ancestors 'none'"));
  CAF_CHECK_EQUAL(text(response["X-Content-Type-Options"]), "nosniff");
  for (const auto* part : {"not assigned to you", "not_assigned", "Assignment", "r-1", "Ask your"})
    CAF_CHECK(contains(response.body(), part));
  CAF_CHECK(!contains(response.body(), "secret detail"));
}

CAF_TEST(nothing that came from outside becomes markup) {
  error why{error_category::bad_gateway, "<b>cause", "<i>source", {}};
  const std::array links{refusal_link{"<u>again", "https://x/\"><script>"}};
  const auto response = make_refusal(why, "<s>id", refusal_form::page, links);
  for (const auto* part : {"<b>cause", "<i>source", "<s>id", "<u>again", "<script>"})
    CAF_CHECK(!contains(response.body(), part));
  CAF_CHECK(contains(response.body(), "&lt;b&gt;cause"));
}

CAF_TEST(buttons are shown on pages) {
  const std::array links{refusal_link{"Sign in as somebody else", "https://x/.postern/logout"}};
  const auto response = make_refusal(not_assigned, "r", refusal_form::page, links);
  CAF_CHECK(contains(response.body(), "href=\"https://x/.postern/logout\""));
}

CAF_TEST(the group without a connector is named) {
  const error why{error_category::timeout, "no_connector", "connector_group", "branch"};
  CAF_CHECK(contains(explain(why), "\"branch\""));
  CAF_CHECK(contains(make_refusal(why, "r", refusal_form::problem).body(), "branch"));
  CAF_CHECK(!contains(explain({error_category::timeout, "no_connector", "connector", "10.0.0.1"}),
                      "10.0.0.1"));
}

CAF_TEST(status codes are the precise ones) {
  const auto status = [](error_category category, const char* cause) {
    return static_cast<unsigned>(refusal_status({category, cause, {}, {}}));
  };
  CAF_CHECK_EQUAL(status(error_category::too_large, "head_too_large"), 431u);
  CAF_CHECK_EQUAL(status(error_category::too_large, "content_too_large"), 413u);
  CAF_CHECK_EQUAL(status(error_category::timeout, "request_timeout"), 408u);
  CAF_CHECK_EQUAL(status(error_category::timeout, "origin_timeout"), 504u);
  CAF_CHECK_EQUAL(status(error_category::invalid_input, "method_refused"), 501u);
  CAF_CHECK_EQUAL(status(error_category::invalid_input, "malformed_head"), 400u);
  CAF_CHECK_EQUAL(status(error_category::bad_gateway, "connector_lost"), 502u);
}

CAF_TEST(waiting is advised where it helps) {
  const auto pause = [](error_category category, const char* cause) {
    return text(make_refusal({category, cause, {}, {}}, "r", refusal_form::page)["Retry-After"]);
  };
  CAF_CHECK(!pause(error_category::overloaded, "queue_full").empty());
  CAF_CHECK(!pause(error_category::unavailable, "store_unavailable").empty());
  CAF_CHECK_EQUAL(pause(error_category::unavailable, "maintenance"), "300");
  CAF_CHECK(pause(error_category::forbidden, "not_assigned").empty());
}

CAF_TEST(a 401 carries a challenge) {
  const error why{error_category::unauthenticated, "session_expired", "session", {}};
  CAF_CHECK_EQUAL(text(make_refusal(why, "r", refusal_form::problem)["WWW-Authenticate"]),
                  "Bearer");
  CAF_CHECK(
      text(make_refusal(not_assigned, "r", refusal_form::problem)["WWW-Authenticate"]).empty());
}

CAF_TEST(every category has words and unknown sources stay as they are) {
  for (unsigned i = 0; i <= static_cast<unsigned>(error_category::internal); ++i) {
    const auto& words =
        find_refusal_text({static_cast<error_category>(i), "never_heard_of", {}, {}});
    CAF_CHECK(!words.title.empty() && !words.text.empty() && !words.next.empty());
  }
  CAF_CHECK_EQUAL(source_name("sts"), "Sign-in service");
  CAF_CHECK_EQUAL(source_name(""), "Postern");
  CAF_CHECK_EQUAL(source_name("elsewhere"), "elsewhere");
}
