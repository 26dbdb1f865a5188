#define CAF_SUITE est
#include "edge/est.hpp"

#include "edge/connector_api.hpp"
#include "runtime/encoding.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;
using namespace std::chrono_literals;

namespace {

std::string describe(std::string_view path) {
  const auto found = read_est_path(path);
  if (!found) return "none";
  const char* names[] = {"cacerts", "simpleenroll", "simplereenroll"};
  return names[static_cast<size_t>(found->operation)] + (":" + found->label);
}

std::string password(const std::string& field) {
  runtime::http_request request;
  if (!field.empty()) request.set(runtime::http_field::authorization, field);
  return read_basic_password(request);
}

}  // namespace

CAF_TEST(operations are found with and without a label) {
  CAF_CHECK_EQUAL(describe("/.well-known/est/cacerts"), "cacerts:");
  CAF_CHECK_EQUAL(describe("/.well-known/est/simpleenroll"), "simpleenroll:");
  CAF_CHECK_EQUAL(describe("/.well-known/est/simplereenroll"), "simplereenroll:");
  CAF_CHECK_EQUAL(describe("/.well-known/est/branch%20office/simpleenroll"),
                  "simpleenroll:branch office");
}

CAF_TEST(other paths are no operation) {
  for (const auto* path :
       {"/", "/.well-known/est", "/.well-known/est/", "/.well-known/est/serverkeygen",
        "/.well-known/est//cacerts", "/.well-known/est/a/b/cacerts", "/.well-known/est/cacerts/",
        "/.well-known/EST/cacerts", "/est/cacerts", "/.well-known/est/%/cacerts"})
    CAF_CHECK_EQUAL(describe(path), "none");
}

CAF_TEST(a body is base64 with or without line breaks) {
  const std::string der(300, '\x30');
  const auto text = runtime::to_base64(der);
  CAF_CHECK(read_est_body(text) == der);
  std::string lines;
  for (size_t at = 0; at < text.size(); at += 64)
    lines += text.substr(at, 64) + "\r\n";
  CAF_CHECK(read_est_body(lines) == der);
}

CAF_TEST(what is no base64 or too large is no body) {
  for (const std::string& body :
       {std::string{}, std::string{"\n"}, std::string{"x"}, std::string{"\xff\0", 2},
        std::string{"A===="}, std::string(200'000, 'A'), std::string(22'000, 'A')})
    CAF_CHECK(!read_est_body(body));
  CAF_CHECK(read_est_body(runtime::to_base64(std::string(largest_csr, 'x'))));
  CAF_CHECK(!read_est_body(runtime::to_base64(std::string(largest_csr + 1, 'x'))));
}

CAF_TEST(the password of basic credentials is the token) {
  const auto basic = [](const char* pair) { return "Basic " + runtime::to_base64(pair); };
  CAF_CHECK_EQUAL(password(basic("connector:to:ken")), "to:ken");
  CAF_CHECK_EQUAL(password(basic(":token")), "token");
  for (const auto& field : {std::string{}, basic("connector:"), basic("connector"), basic(""),
                            std::string{"Basic ???"}, std::string{"Bearer token"}})
    CAF_CHECK_EQUAL(password(field), "");
}

CAF_TEST(an answer is base64 in lines that openssl reads) {
  const std::string der(100, 'x');
  const auto response = est_answer(der);
  CAF_CHECK_EQUAL(response.result_int(), 200u);
  CAF_CHECK(response[runtime::http_field::content_type] ==
            "application/pkcs7-mime; smime-type=certs-only");
  CAF_CHECK(response["Content-Transfer-Encoding"] == "base64");
  CAF_CHECK(runtime::from_base64(response.body()) == der);
  CAF_CHECK_EQUAL(response.body().find("\r\n"), 64u);
  CAF_CHECK(response.body().ends_with("\r\n"));
}

CAF_TEST(a pull says how long it waits) {
  CAF_CHECK(read_wait("") == 0s);
  CAF_CHECK(read_wait("wait=30") == 30s);
  CAF_CHECK(read_wait("respond-async, Wait = 5") == 5s);
  CAF_CHECK(read_wait("handling=lenient; wait=7") == 7s);
  CAF_CHECK(read_wait("wait=600") == longest_wait);
  CAF_CHECK(read_wait("wait=99999999999999999999") == longest_wait);
  for (const auto* prefer : {"wait", "wait=", "wait=x", "wait=-1", "await=3"})
    CAF_CHECK(read_wait(prefer) == 0s);
}

CAF_TEST(a pull says what it knows) {
  CAF_CHECK_EQUAL(read_known_version(""), 0u);
  CAF_CHECK_EQUAL(read_known_version("\"42\""), 42u);
  CAF_CHECK_EQUAL(read_known_version("W/\"42\""), 42u);
  CAF_CHECK_EQUAL(read_known_version("\"other\", \"7\""), 7u);
  CAF_CHECK_EQUAL(read_known_version("\"9007199254740991\""), 9'007'199'254'740'991u);
  for (const auto* field : {"42", "*", "\"42", "\"4 2\"", "\"\"", "\"-1\""})
    CAF_CHECK_EQUAL(read_known_version(field), 0u);
}
