#define CAF_SUITE problem
#include "edge/problem.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/unit_test.hpp>

#include <map>

using namespace postern;
using namespace postern::edge;
using runtime::error;
using runtime::error_category;

namespace {

const error invalid{error_category::invalid_input, "published_invalid", "administration",
                    "/etc/secret.toml"};

std::string field(const runtime::http_response& response, boost::beast::string_view name) {
  const auto value = response[name];
  return {value.data(), value.size()};
}

boost::json::object content(const runtime::http_response& response) {
  return boost::json::parse(response.body()).as_object();
}

}  // namespace

CAF_TEST(a program is told what is wrong with its input in the words of the caller) {
  const std::string detail = "line 1: \"a\\b\"\nline 2: \xc3\xa4";
  const auto response = make_problem(invalid, "r-1", detail);
  CAF_CHECK_EQUAL(response.result_int(), 400u);
  CAF_CHECK_EQUAL(field(response, "Content-Type"), "application/problem+json");
  CAF_CHECK_EQUAL(std::string{content(response).at("detail").as_string()}, detail);
  CAF_CHECK(response.body().find("secret.toml") == std::string::npos);
}

CAF_TEST(what there is nothing to say about is left out) {
  const auto problem = content(make_problem({error_category::not_found, "x", "", {}}, "r", ""));
  CAF_CHECK(!problem.contains("detail"));
  CAF_CHECK(problem.at("source").as_string() == "service");
}

CAF_TEST(the title is that of the status and not of the category) {
  const auto response = make_problem({error_category::too_large, "head_too_large", "", {}}, "", "");
  const auto problem = content(response);
  CAF_CHECK_EQUAL(problem.at("status").as_int64(), 431);
  CAF_CHECK_EQUAL(response.result_int(), 431u);
  CAF_CHECK(problem.at("title").as_string() == "Request Header Fields Too Large");
}

CAF_TEST(every refusal is kept out of caches and sniffers and says whose it is) {
  const auto response = bare_refusal(invalid, "r-1");
  CAF_CHECK_EQUAL(field(response, "Cache-Control"), "no-store");
  CAF_CHECK_EQUAL(field(response, "X-Content-Type-Options"), "nosniff");
  CAF_CHECK_EQUAL(field(response, "X-Request-Id"), "r-1");
  CAF_CHECK(response.body().empty());
  CAF_CHECK(bare_refusal(invalid, "").count("X-Request-Id") == 0);
}

CAF_TEST(causes with a status of their own have it in any category) {
  const std::map<std::string, unsigned> statuses{
      {"misdirected", 421},          {"too_many_requests", 429},  {"coding_refused", 501},
      {"expectation_refused", 417},  {"method_not_allowed", 405}, {"method_refused", 501},
      {"content_type_refused", 415}, {"version_refused", 505},    {"request_timeout", 408},
  };
  for (const auto& [cause, status] : statuses)
    for (const auto category : {error_category::invalid_input, error_category::internal})
      CAF_CHECK_EQUAL(static_cast<unsigned>(refusal_status({category, cause, {}, {}})), status);
}

CAF_TEST(a pause is advised in seconds and only where waiting helps) {
  const auto pause = [](error_category category) { return retry_after({category, "x", {}, {}}); };
  CAF_CHECK(pause(error_category::overloaded) > 0);
  CAF_CHECK(pause(error_category::unavailable) > 0);
  for (const auto category :
       {error_category::invalid_input, error_category::unauthenticated, error_category::not_found,
        error_category::conflict, error_category::bad_gateway, error_category::internal}) {
    CAF_CHECK_EQUAL(pause(category), 0u);
    CAF_CHECK(bare_refusal({category, "x", {}, {}}, "r").count("Retry-After") == 0);
  }
  const error busy{error_category::overloaded, "queue_full", {}, {}};
  CAF_CHECK_EQUAL(field(bare_refusal(busy, "r"), "Retry-After"), std::to_string(retry_after(busy)));
}

CAF_TEST(only a 401 carries a challenge) {
  const auto challenge = [](error_category category) {
    return field(bare_refusal({category, "x", {}, {}}, "r"), "WWW-Authenticate");
  };
  CAF_CHECK_EQUAL(challenge(error_category::unauthenticated), "Bearer");
  CAF_CHECK_EQUAL(challenge(error_category::forbidden), "");
}
