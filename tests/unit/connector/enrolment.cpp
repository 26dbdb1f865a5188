#define CAF_SUITE enrolment

#include "connector/enrolment.hpp"

#include "connector/service_link.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

#include <filesystem>

using namespace postern::connector;
using postern::runtime::error_category;

namespace {

struct fixture {
  postern::test::temp_directory folder;
  enrolment_options options{.service = "https://connect.localhost:1",
                            .group = "main",
                            .state_directory = folder / "state",
                            .token_file = folder.write("token", "a-token\n"),
                            .name = "one"};

  std::string cause() { return enroll(options).done.error().cause; }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(enrolment_tests, fixture)

CAF_TEST(a token is one word) {
  CAF_CHECK_EQUAL(read_token(options.token_file).value(), "a-token");
  CAF_CHECK_EQUAL(read_token(folder.write("t", " \t a-token \r\n\n")).value(), "a-token");
}

CAF_TEST(what is no token is refused) {
  for (const auto& text :
       {std::string{}, std::string{" \n"}, std::string{"two words"}, std::string{"\x01"},
        std::string{"a\nb"}, std::string("\0\x01", 2), std::string(100'000, 'A')})
    CAF_CHECK_EQUAL(read_token(folder.write("t", text)).error().cause, "token_malformed");
  CAF_CHECK_EQUAL(read_token(folder / "missing").error().cause, "file_missing");
}

CAF_TEST(an identity is not replaced by accident) {
  std::filesystem::create_directory(options.state_directory);
  folder.write("state/identity.pem", "somebody");
  CAF_CHECK_EQUAL(cause(), "already_enrolled");
  const auto outcome = enroll(options);
  CAF_CHECK_EQUAL(outcome.done.error().category, error_category::conflict);
  CAF_CHECK(!outcome.begun);
}

CAF_TEST(wrong words are found before anybody is asked) {
  auto right = options;
  options.service = "http://connect.localhost";
  CAF_CHECK_EQUAL(cause(), "service_malformed");
  options = right;
  options.name = std::string(65, 'x');
  CAF_CHECK_EQUAL(cause(), "name_malformed");
  options = right;
  options.authorities_file = folder.write("ca.pem", "nothing");
  CAF_CHECK_EQUAL(cause(), "authorities_malformed");
  options = right;
  options.token_file = folder.write("t", "");
  CAF_CHECK_EQUAL(cause(), "token_malformed");
}

CAF_TEST(a state that cannot be written is found before a token is spent) {
  options.state_directory = folder.write("file", "") + "/state";
  const auto outcome = enroll(options);
  CAF_CHECK_EQUAL(outcome.done.error().cause, "file_unwritable");
  CAF_CHECK(!outcome.begun);
}

CAF_TEST(a failed enrolment leaves nothing) {
  CAF_CHECK_EQUAL(cause(), "connection_refused");
  CAF_CHECK(!std::filesystem::exists(options.state_directory));
}

CAF_TEST(what is said is one line without control characters) {
  const auto line =
      explain({error_category::forbidden, "not_administrator", "enrolment", "no\nsuch\x1bthing"});
  CAF_CHECK_EQUAL(line, "no such thing [not_administrator, enrolment]");
}

CAF_TEST(a refusal says what the service says) {
  postern::runtime::http_response answer{postern::runtime::http_status::forbidden, 11};
  answer.body() =
      R"({"cause":"not_administrator","source":"assignment","detail":"only administrators","request_id":"r7"})";
  const auto why = refusal_of(answer);
  CAF_CHECK(why.category == error_category::forbidden);
  CAF_CHECK_EQUAL(why.cause, "not_administrator");
  CAF_CHECK_EQUAL(why.source, "assignment");
  CAF_CHECK_EQUAL(why.detail, "only administrators (status 403, request r7)");
}

CAF_TEST(a refusal without words is still one) {
  postern::runtime::http_response answer{postern::runtime::http_status::bad_gateway, 11};
  for (const auto* body : {"", "<html>", "[]", R"({"cause":7})"}) {
    answer.body() = body;
    const auto why = refusal_of(answer);
    CAF_CHECK_EQUAL(why.cause, "unexpected_status");
    CAF_CHECK_EQUAL(why.detail, "(status 502)");
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
