#define CAF_SUITE refusal_text
#include "edge/refusal_text.hpp"

#include <caf/test/unit_test.hpp>

#include <set>
#include <string>

using namespace postern::edge;
using postern::runtime::error_category;

namespace {

constexpr auto last_category = static_cast<unsigned>(error_category::internal);

const refusal_text& words_of(error_category category, std::string cause = "never_heard_of") {
  return find_refusal_text({category, std::move(cause), {}, {}});
}

}  // namespace

CAF_TEST(a cause that is known has its own words whatever its category) {
  const auto& words = words_of(error_category::internal, "not_assigned");
  CAF_CHECK_EQUAL(words.cause, "not_assigned");
  CAF_CHECK_EQUAL(words.title, words_of(error_category::forbidden, "not_assigned").title);
  CAF_CHECK(words.title != words_of(error_category::internal).title);
}

CAF_TEST(a cause is known by its whole name only) {
  for (const auto* cause : {"", "not_assign", "not_assigned_", "NOT_ASSIGNED"})
    CAF_CHECK_EQUAL(words_of(error_category::forbidden, cause).text,
                    words_of(error_category::forbidden).text);
}

CAF_TEST(categories that mean something else say something else) {
  std::set<std::string_view> texts;
  for (unsigned i = 1; i <= last_category; ++i) {
    const auto& words = words_of(static_cast<error_category>(i));
    CAF_CHECK(words.cause.empty());
    CAF_CHECK(texts.insert(words.text).second);
  }
}

CAF_TEST(a category that does not exist is a mistake of ours) {
  CAF_CHECK_EQUAL(words_of(static_cast<error_category>(last_category + 1)).text,
                  words_of(error_category::internal).text);
  CAF_CHECK_EQUAL(words_of(error_category::none).text, words_of(error_category::internal).text);
}

CAF_TEST(whoever cannot help it is sent to the administrator and others are told what to do) {
  for (const auto* cause : {"sts_malformed", "token_issuer", "origin_certificate"})
    CAF_CHECK(words_of(error_category::bad_gateway, cause).next.find("administrator") !=
              std::string_view::npos);
  // What may have been done already must not be repeated without a look.
  CAF_CHECK(words_of(error_category::bad_gateway, "connector_lost").next.find("look before") !=
            std::string_view::npos);
  CAF_CHECK(words_of(error_category::too_large, "head_too_large").next.find("cookies") !=
            std::string_view::npos);
}

CAF_TEST(no two parts of the service are called the same) {
  std::set<std::string_view> names;
  for (const auto* source : {"sts", "token", "sign_in", "session", "assignment", "policy",
                             "application", "connector_group", "connector", "origin", "request",
                             "enrolment", "administration", "configuration", "service"}) {
    const auto name = source_name(source);
    CAF_CHECK(name != source);
    CAF_CHECK(names.insert(name).second);
  }
  CAF_CHECK_EQUAL(source_name("Origin"), "Origin");
}
