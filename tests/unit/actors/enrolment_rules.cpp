#define CAF_SUITE enrolment_rules
#include "actors/enrolment_rules.hpp"

#include "actors/enrolment_tokens.hpp"
#include "tests/unit/actors/store_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::certificate_info;
using postern::runtime::request_info;

namespace {

const auto now = postern::runtime::from_unix_seconds(start_of_time);

std::string key_cause(std::string type, std::string curve, unsigned bits) {
  return cause_of(
      check_key({.key_type = std::move(type), .curve = std::move(curve), .key_bits = bits}));
}

certificate_info old_certificate() {
  return {.serial = "5a",
          .common_name = "c1",
          .subject = "CN=c1,O=Postern connector",
          .not_before = now - 24h,
          .not_after = now + 24h};
}

/// What became of a token after its writes, as the store would hold it.
std::vector<postern::runtime::stored_record> records_of(
    const std::vector<postern::runtime::store_change>& writes) {
  std::vector<postern::runtime::stored_record> out;
  for (const auto& write : writes)
    if (write.what == postern::runtime::store_change::action::put)
      out.push_back({write.kind, write.key, write.value, 7});
  return out;
}

struct token_fixture {
  postern::runtime::seeded_random_source random{1};
  made_enrolment_token made =
      make_enrolment_token({}, {.group = "berlin", .uses = 2, .lifetime = 1h}, now, random).value();

  std::string use(const std::string& group, postern::runtime::timestamp at) {
    return cause_of(use_enrolment_token(records_of(made.writes), made.token.token, group, at));
  }
};

}  // namespace

CAF_TEST(weak and strange keys are refused) {
  CAF_CHECK_EQUAL(key_cause("EC", "P-256", 256), "");
  CAF_CHECK_EQUAL(key_cause("EC", "P-521", 521), "");
  CAF_CHECK_EQUAL(key_cause("RSA", "", 2048), "");
  CAF_CHECK_EQUAL(key_cause("RSA", "", 2047), "csr_weak_key");
  CAF_CHECK_EQUAL(key_cause("RSA", "", 16384), "csr_weak_key");
  CAF_CHECK_EQUAL(key_cause("EC", "P-192", 192), "csr_weak_key");
  CAF_CHECK_EQUAL(key_cause("DSA", "", 3072), "csr_weak_key");
}

CAF_TEST(a first subject is one display name) {
  const auto cause = [](request_info csr) { return cause_of(check_enrolment_subject(csr)); };
  CAF_CHECK_EQUAL(cause({.common_name = "Rack 7, left"}), "");
  CAF_CHECK_EQUAL(cause({.common_name = std::string(64, 'x')}), "");
  CAF_CHECK_EQUAL(cause({.common_name = std::string(65, 'x')}), "csr_foreign_subject");
  CAF_CHECK_EQUAL(cause({.common_name = ""}), "csr_foreign_subject");
  CAF_CHECK_EQUAL(cause({.common_name = "a\nb"}), "csr_foreign_subject");
  CAF_CHECK_EQUAL(cause({.common_name = "a", .attributes = {"O"}}), "csr_foreign_subject");
}

CAF_TEST(a renewal keeps the subject) {
  const auto old = old_certificate();
  const auto cause = [&](request_info csr) { return cause_of(check_renewal_subject(csr, old)); };
  CAF_CHECK_EQUAL(cause({.common_name = "c1"}), "");
  CAF_CHECK_EQUAL(cause({.common_name = "c1", .subject = old.subject, .attributes = {"O"}}), "");
  CAF_CHECK_EQUAL(cause({.common_name = "c2"}), "csr_foreign_subject");
  CAF_CHECK_EQUAL(cause({.common_name = "c1", .subject = "CN=c1,O=Evil", .attributes = {"O"}}),
                  "csr_foreign_subject");
}

CAF_TEST(a renewal needs a valid certificate of a connector in good standing) {
  const connector_record good{.id = "c1", .serials = {"11", "5a"}};
  const auto cause = [&](connector_record record, postern::runtime::timestamp at) {
    return cause_of(check_renewal(old_certificate(), record, at));
  };
  CAF_CHECK_EQUAL(cause(good, now), "");
  CAF_CHECK_EQUAL(cause(good, now + 24h), "certificate_expired");
  CAF_CHECK_EQUAL(cause(good, now + 24h - 1s), "");
  CAF_CHECK_EQUAL(cause(good, now - 25h), "certificate_not_yet_valid");
  CAF_CHECK_EQUAL(cause({.id = "c1", .serials = {"5a"}, .revoked = true}, now),
                  "connector_revoked");
  CAF_CHECK_EQUAL(cause({.id = "c1", .serials = {"11"}}, now), "certificate_unknown");
  CAF_CHECK_EQUAL(cause({.id = "c2", .serials = {"5a"}}, now), "certificate_unknown");
}

CAF_TEST_FIXTURE_SCOPE(enrolment_token_tests, token_fixture)

CAF_TEST(the store never sees the token) {
  CAF_REQUIRE_EQUAL(made.writes.size(), 1u);
  CAF_CHECK_EQUAL(made.writes[0].key.size(), 64u);
  CAF_CHECK(made.writes[0].key.find(made.token.token) == std::string::npos);
  CAF_CHECK(made.writes[0].value.find(made.token.token) == std::string::npos);
}

CAF_TEST(a token is bound to its group) {
  CAF_CHECK_EQUAL(use("berlin", now), "");
  CAF_CHECK_EQUAL(use("", now), "");
  CAF_CHECK_EQUAL(use("paris", now), "enrolment_token_group");
}

CAF_TEST(a token is bound to its time) {
  CAF_CHECK_EQUAL(use("berlin", now + 1h - 1s), "");
  CAF_CHECK_EQUAL(use("berlin", now + 1h), "enrolment_token_expired");
}

CAF_TEST(a token is bound to its count) {
  for (int i = 0; i < 2; ++i) {
    const auto granted = use_enrolment_token(records_of(made.writes), made.token.token, "", now);
    CAF_REQUIRE(granted.has_value());
    CAF_CHECK_EQUAL(granted->group, "berlin");
    CAF_CHECK_EQUAL(granted->spend.expected_revision.value_or(0), 7u);
    made.writes = {granted->spend};
  }
  CAF_CHECK_EQUAL(use("", now), "enrolment_token_used_up");
}

CAF_TEST(an invented token is unknown) {
  made.token.token = "invented";
  CAF_CHECK_EQUAL(use("", now), "enrolment_token_unknown");
}

CAF_TEST(what may be asked for has bounds) {
  const auto cause = [&](enrolment_token_request wanted) {
    return cause_of(make_enrolment_token({}, wanted, now, random));
  };
  CAF_CHECK_EQUAL(cause({.uses = 0}), "enrolment_token_bounds");
  CAF_CHECK_EQUAL(cause({.uses = most_token_uses + 1}), "enrolment_token_bounds");
  CAF_CHECK_EQUAL(cause({.lifetime = 0s}), "enrolment_token_bounds");
  CAF_CHECK_EQUAL(cause({.lifetime = longest_token_lifetime + 1s}), "enrolment_token_bounds");
}

CAF_TEST(tokens that expired a week ago are erased) {
  const auto erased = [&](postern::runtime::timestamp at) {
    return make_enrolment_token(records_of(made.writes), {}, at, random)->writes.size() - 1;
  };
  CAF_CHECK_EQUAL(erased(now + 1h + expired_token_memory), 0u);
  CAF_CHECK_EQUAL(erased(now + 1h + expired_token_memory + 1s), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
