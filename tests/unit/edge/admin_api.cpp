#define CAF_SUITE admin_api
// The HTTP of the admin API: who may call, what there is, and what is refused before a resource is
// asked. What the resources do stands in the other admin_* suites.
#include "edge/admin_api.hpp"

#include "tests/unit/edge/admin_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using edge::samples::contains;
using runtime::http_field;
using runtime::http_response;
using runtime::http_verb;
namespace json = boost::json;

namespace {

struct fixture : edge::testing::admin_fixture {
  http_response send(http_verb method, const std::string& target,
                     const std::string& authorization = "Bearer ann", const std::string& body = {},
                     const char* type = "application/json") {
    service_request request{{method, target, 11}, "admin.example", "192.0.2.1", "r-1", {}};
    if (!authorization.empty()) request.message.set(http_field::authorization, authorization);
    if (type != nullptr) request.message.set(http_field::content_type, type);
    request.message.body() = body;
    return answer_of_api(request);
  }
  http_response get(const std::string& path) { return send(http_verb::get, "/api/v1/" + path); }
  http_response post(const std::string& path, const std::string& body = {},
                     const char* type = "application/json") {
    return send(http_verb::post, "/api/v1/" + path, "Bearer ann", body, type);
  }

  http_response answer_of_api(service_request& request) {
    std::optional<http_response> got;
    test::start(home,
                [&]() -> runtime::awaitable<void> { got.emplace(co_await api.handle(request)); });
    CAF_REQUIRE(works_until([&] { return got.has_value(); }));
    return std::move(*got);
  }

  void check_refused(const http_response& got, unsigned status, const char* cause) {
    CAF_CHECK_EQUAL(got.result_int(), status);
    CAF_CHECK_EQUAL(field(got, http_field::content_type), "application/problem+json");
    const auto problem = parse(got.body());
    CAF_CHECK_EQUAL(text(problem, "cause"), cause);
    CAF_CHECK_EQUAL(text(problem, "request_id"), "r-1");
  }
  static std::string field(const http_response& response, http_field name) {
    const auto value = response[name];
    return {value.data(), value.size()};
  }

  admin_api api{context};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(admin_api_tests, fixture)

CAF_TEST(where everything is is told to anybody and only that) {
  const auto got = send(http_verb::get, "/.well-known/postern?x=1", "");
  CAF_CHECK_EQUAL(got.result_int(), 200u);
  CAF_CHECK_EQUAL(text(parse(got.body()), "issuer"), urls.issuer);
  CAF_CHECK_EQUAL(send(http_verb::head, "/.well-known/postern", "").result_int(), 200u);
  const auto posted = send(http_verb::post, "/.well-known/postern", "");
  check_refused(posted, 405, "method_not_allowed");
  CAF_CHECK_EQUAL(field(posted, http_field::allow), "GET");
  check_refused(send(http_verb::get, "/.well-known/postern/", ""), 401, "credentials_missing");
}

CAF_TEST(without a token nobody learns what there is) {
  for (const auto* target : {"/api/v1/applications", "/api/v1/nothing", "/api/v1/%zz", "/"})
    for (const auto* authorization : {"", "Basic YW5uOmFubg==", "Bearer", "ann"}) {
      const auto got = send(http_verb::get, target, authorization);
      check_refused(got, 401, "credentials_missing");
      CAF_CHECK_EQUAL(field(got, http_field::www_authenticate), "Bearer realm=\"postern-admin\"");
    }
}

CAF_TEST(a token that does not hold is told from none) {
  const auto got = send(http_verb::get, "/api/v1/applications", "Bearer mallory");
  check_refused(got, 401, "token_signature");
  CAF_CHECK_EQUAL(field(got, http_field::www_authenticate),
                  "Bearer realm=\"postern-admin\", error=\"invalid_token\"");
}

CAF_TEST(who is no administrator changes nothing and reads nothing) {
  check_refused(send(http_verb::delete_, "/api/v1/applications/wiki", "Bearer bob"), 403,
                "not_administrator");
  CAF_CHECK(published()->find_application("wiki") != nullptr);
  const auto read = send(http_verb::get, "/api/v1/applications", "Bearer bob");
  check_refused(read, 403, "not_administrator");
  CAF_CHECK(!contains(read.body(), "wiki"));
}

CAF_TEST(an administrator who was revoked administers no longer) {
  CAF_CHECK_EQUAL(post("users/ann/revoke").result_int(), 200u);
  check_refused(get("applications"), 401, "token_revoked");
}

CAF_TEST(what is changed is audited under the name that the token speaks of) {
  CAF_CHECK_EQUAL(send(http_verb::delete_, "/api/v1/applications/wiki").result_int(), 200u);
  CAF_CHECK_EQUAL(audited("application_erased").last.actor, "ann");
}

CAF_TEST(what there is not is not found) {
  for (const auto* target :
       {"/", "/api", "/api/v1", "/api/v1/", "/api/v2/applications", "/API/v1/applications",
        "/v1/applications", "/api/v1/Applications", "/api/v1/applications/",
        "/api/v1/applications/wiki/more", "/api/v1/connectors/c1/erase", "/api/v1/nodes/self",
        "/api/v1//applications", "/api/v1/%zz", "/api/v1/applications/w%0aiki", "*"})
    check_refused(send(http_verb::get, target), 404, "resource_unknown");
}

CAF_TEST(an empty name is no name) {
  for (const auto* path : {"connectors//revoke", "users//revoke", "sessions//revoke"})
    check_refused(post(path), 404, "resource_unknown");
}

CAF_TEST(a method that a resource does not have is answered with those it has) {
  const auto check_allowed = [this](http_verb method, const char* path, const char* allowed) {
    const auto got = send(method, std::string{"/api/v1/"} + path);
    check_refused(got, 405, "method_not_allowed");
    CAF_CHECK_EQUAL(field(got, http_field::allow), allowed);
    CAF_CHECK_EQUAL(text(parse(got.body()), "detail"), std::string{"this resource has "} + allowed);
  };
  check_allowed(http_verb::post, "applications", "GET");
  check_allowed(http_verb::put, "applications/wiki", "GET, DELETE");
  check_allowed(http_verb::options, "groups/berlin", "GET, DELETE");
  check_allowed(http_verb::get, "connectors/c1/revoke", "POST");
  check_allowed(http_verb::head, "apply", "POST");
  check_allowed(http_verb::delete_, "nodes", "GET");
}

CAF_TEST(a head is answered like a get) {
  const auto head = send(http_verb::head, "/api/v1/applications");
  CAF_CHECK_EQUAL(head.result_int(), 200u);
  const auto whole = get("applications");
  CAF_CHECK_EQUAL(head.body(), whole.body());
}

CAF_TEST(names are read without their escapes) {
  CAF_CHECK_EQUAL(text(parse(get("applications/w%69ki").body()), "name"), "wiki");
  CAF_CHECK_EQUAL(post("users/a%2Fb+c/revoke").result_int(), 200u);
  CAF_CHECK_EQUAL(audited("user_revocation_ordered").last.target, "a/b+c");
}

CAF_TEST(a query that can be read in two ways changes nothing) {
  const auto got = send(http_verb::delete_, "/api/v1/applications/wiki?by=ann&by=bob");
  check_refused(got, 400, "query_malformed");
  check_refused(get("audit?limit=%"), 400, "query_malformed");
  CAF_CHECK(published()->find_application("wiki") != nullptr);
}

CAF_TEST(the query of a list is heeded) {
  const auto audit = parse(get("audit?limit=1").body());
  CAF_CHECK_EQUAL(audit.at("audit").as_array().size(), 1u);
}

CAF_TEST(content is json and an object or it is refused) {
  const std::string erase = R"({"erase_applications":["wiki"]})";
  for (const auto* type : {"text/plain", "application/x-www-form-urlencoded", "", "json"})
    check_refused(post("apply", erase, type), 415, "content_type_refused");
  check_refused(post("apply", erase, nullptr), 415, "content_type_refused");
  for (const auto& body : {erase.substr(0, erase.size() - 1), erase + erase, "[" + erase + "]",
                           std::string{"null"}, std::string{" "}, std::string(40, '[')})
    check_refused(post("apply", body), 400, "json_malformed");
  CAF_CHECK(published()->find_application("wiki") != nullptr);
}

CAF_TEST(json is json whatever its case and parameters) {
  const auto got =
      post("apply", R"({"erase_applications":["wiki"]})", "Application/JSON; charset=utf-8");
  CAF_CHECK_EQUAL(got.result_int(), 200u);
  CAF_CHECK(published()->find_application("wiki") == nullptr);
}

CAF_TEST(without content there is nothing to say what it is) {
  CAF_CHECK_EQUAL(post("users/bob/revoke", "", nullptr).result_int(), 200u);
  check_refused(post("enrolment-tokens", "", nullptr), 400, "json_malformed");
}

CAF_TEST(what was wrong with the input is told) {
  const auto unknown = get("applications/nowhere");
  check_refused(unknown, 404, "application_unknown");
  CAF_CHECK(contains(text(parse(unknown.body()), "detail"), "nowhere"));
  const auto misspelt = post("apply", R"({"dryrun":true})");
  check_refused(misspelt, 400, "json_malformed");
  CAF_CHECK(contains(text(parse(misspelt.body()), "detail"), "dryrun"));
}

CAF_TEST(what is wrong with us is not told in detail) {
  medium->down = true;
  const auto got = send(http_verb::delete_, "/api/v1/applications/wiki");
  check_refused(got, 503, "store_failed");
  CAF_CHECK(!contains(got.body(), "as the test wants it"));
  CAF_CHECK(!text(parse(got.body()), "detail").empty());
  CAF_CHECK(!field(got, http_field::retry_after).empty());
}

CAF_TEST(no answer lets a page of elsewhere read it or anybody keep it) {
  for (const auto& got :
       {get("applications"), get("nothing"), send(http_verb::options, "/api/v1/applications")}) {
    CAF_CHECK(got.find("Access-Control-Allow-Origin") == got.end());
    CAF_CHECK_EQUAL(field(got, http_field::cache_control), "no-store");
  }
}

CAF_TEST(crashes are ordered only of a node that was started for trials) {
  const auto* order = R"({"actor":"token_verifier"})";
  check_refused(post("chaos/crash", order), 404, "resource_unknown");
  check_refused(get("chaos/crash"), 404, "resource_unknown");
  CAF_CHECK(is_alive(handles.tokens.address()));
  context.load->trials = true;
  context.routing = std::make_shared<const actors::routing>();
  check_refused(get("chaos/crash"), 405, "method_not_allowed");
  check_refused(send(http_verb::post, "/api/v1/chaos/crash", "Bearer bob", order), 403,
                "not_administrator");
  CAF_CHECK(is_alive(handles.tokens.address()));
  CAF_CHECK_EQUAL(post("chaos/crash", order).result_int(), 200u);
  sched.run();
  CAF_CHECK(!is_alive(handles.tokens.address()));
}

CAF_TEST_FIXTURE_SCOPE_END()
