#define CAF_SUITE exchange
// Which answers are read as JSON, and what every request of posternctl says of itself.
#include "control/exchange.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;
using namespace postern::control;

namespace {

bool taken_for_json(const std::string& type) {
  runtime::http_response response{runtime::http_status::ok, 11};
  response.set(runtime::http_field::content_type, type);
  return is_json(response);
}

}  // namespace

CAF_TEST(json is what calls itself so with or without parameters and in any case) {
  for (const auto* type :
       {"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8",
        "application/json ;charset=utf-8", "application/json\t", "Application/JSON",
        "application/problem+json", "application/problem+json; charset=utf-8",
        "application/vnd.postern.v1+JSON", "text/x+json"}) {
    CAF_MESSAGE(type);
    CAF_CHECK(taken_for_json(type));
  }
}

CAF_TEST(what only looks like json is not read as it) {
  for (const auto* type :
       {"text/html", "text/json", "application/jsonp", "application/json-seq",
        "application/json+xml", "application/xjson", "json", "text/html; type=application/json",
        "text/plain; format=problem+json", "application/problem+json-seq", ""}) {
    CAF_MESSAGE(type);
    CAF_CHECK(!taken_for_json(type));
  }
  CAF_CHECK(!is_json(runtime::http_response{runtime::http_status::ok, 11}));
}

CAF_TEST(a request has its target as it was given and asks for json or a problem) {
  const std::string all = "/api/v1/connectors?name=a%20b#c and more";
  const auto request =
      make_request(runtime::http_verb::delete_, std::string_view{all}.substr(0, 29));
  CAF_CHECK(request.method() == runtime::http_verb::delete_);
  const std::string target{request.target()};
  CAF_CHECK_EQUAL(target, "/api/v1/connectors?name=a%20b");
  CAF_CHECK_EQUAL(request.version(), 11u);
  const std::string accept{request[runtime::http_field::accept]};
  CAF_CHECK_EQUAL(accept, "application/json, application/problem+json");
  const std::string agent{request[runtime::http_field::user_agent]};
  CAF_CHECK_EQUAL(agent, "posternctl/" POSTERN_VERSION);
  CAF_CHECK(request.find(runtime::http_field::authorization) == request.end());
  CAF_CHECK(request.body().empty());
}
