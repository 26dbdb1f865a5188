#define CAF_SUITE administrator
#include "edge/administrator.hpp"

#include "edge/sts_clients.hpp"
#include "tests/unit/edge/node_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using actors::verified_token;
using runtime::error;
using runtime::error_category;
using strings = std::vector<std::string>;

namespace {

/// Tokens are called after what they are good for, or after why they do not hold.
actors::token_verifier_actor::behavior_type play_verifier(
    actors::token_verifier_actor::pointer,
    std::shared_ptr<std::vector<actors::token_expectation>> asked) {
  return {[asked](actors::verify_atom,
                  const actors::token_expectation& wanted) -> caf::result<verified_token> {
            asked->push_back(wanted);
            const bool known = wanted.token == admin_audience || wanted.token == enrolment_audience;
            if (wanted.token == wanted.audience)
              return verified_token{{.name = "bob"}, 1'000, 2'000, 0};
            return runtime::to_caf({error_category::unauthenticated,
                                    known ? "token_audience" : wanted.token,
                                    "token",
                                    {}});
          },
          [](actors::tick_atom) {}};
}

struct fixture : edge::testing::node_fixture {
  fixture() {
    options.administrators = "ops";
    sessions->verify = [this](const verified_token& token) {
      auto checked = token;
      checked.user.groups = groups;
      return checked;
    };
    actors::node_handles all;
    all.tokens = own(sys.spawn(play_verifier, asked));
    all.sessions = own(sys.spawn(edge::testing::play_sessions, sessions));
    put_in_force(std::move(all));
  }

  runtime::result<actors::identity> find(const std::string& token,
                                         administration purpose = administration::everything) {
    return answer_of([&] { return find_administrator(context, token, purpose); });
  }
  std::string refusal(const std::string& token,
                      administration purpose = administration::everything) {
    const auto got = find(token, purpose);
    return got ? "let in" : got.error().cause;
  }

  strings groups{"staff", "ops"};
  std::shared_ptr<std::vector<actors::token_expectation>> asked =
      std::make_shared<std::vector<actors::token_expectation>>();
  std::shared_ptr<edge::testing::scripted_sessions> sessions =
      std::make_shared<edge::testing::scripted_sessions>();
};

std::string challenge(runtime::http_status status, const char* cause) {
  runtime::http_response response{status, 11};
  challenge_bearer(response, {error_category::unauthenticated, cause, "token", {}});
  const auto value = response[runtime::http_field::www_authenticate];
  return {value.data(), value.size()};
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(administrator_tests, fixture)

CAF_TEST(only members of the group that is named administer) {
  CAF_CHECK(is_administrator({.groups = {"staff", "ops"}}, options));
  CAF_CHECK(!is_administrator({.groups = {"staff", "Ops", "ops2"}}, options));
  CAF_CHECK(!is_administrator({.name = "ops"}, options));
  options.administrators.clear();
  CAF_CHECK(!is_administrator({.groups = {"", "ops"}}, options));
}

CAF_TEST(the token of an administrator lets in whom it speaks of) {
  const auto got = find(std::string{admin_audience});
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->name, "bob");
  CAF_REQUIRE_EQUAL(asked->size(), 1u);
  const auto& wanted = asked->front();
  CAF_CHECK_EQUAL(wanted.issuer, urls.issuer);
  CAF_CHECK_EQUAL(wanted.required_type, "at+jwt");
}

CAF_TEST(without a token nobody is asked) {
  CAF_CHECK_EQUAL(refusal(""), "credentials_missing");
  CAF_CHECK(asked->empty());
}

CAF_TEST(a token for enrolment is good for nothing else) {
  const std::string token{enrolment_audience};
  CAF_CHECK_EQUAL(refusal(token), "token_audience");
  CAF_CHECK_EQUAL(refusal(token, administration::enrolment), "let in");
  CAF_CHECK_EQUAL(refusal(std::string{admin_audience}, administration::enrolment), "let in");
}

CAF_TEST(a token that does not hold is not tried as another one) {
  CAF_CHECK_EQUAL(refusal("token_expired", administration::enrolment), "token_expired");
  CAF_CHECK_EQUAL(asked->size(), 1u);
}

CAF_TEST(a token from before a revocation does not hold whoever has it) {
  sessions->verify = [](const verified_token&) {
    return runtime::to_caf({error_category::unauthenticated, "token_revoked", "token", {}});
  };
  CAF_CHECK_EQUAL(refusal(std::string{admin_audience}), "token_revoked");
  CAF_CHECK_EQUAL(refusal(std::string{enrolment_audience}, administration::enrolment),
                  "token_revoked");
}

CAF_TEST(who is signed in and no administrator is forbidden) {
  groups = {"staff"};
  const auto got = find(std::string{admin_audience});
  CAF_REQUIRE(got.has_error());
  const error expected{error_category::forbidden, "not_administrator", "administration", "bob"};
  CAF_CHECK(got.error() == expected);
}

CAF_TEST(nobody is let in while the actors are not there) {
  context.handles = nullptr;
  CAF_CHECK_EQUAL(refusal(std::string{admin_audience}), "actor_down");
  CAF_CHECK(handles_of(context).tokens == nullptr);
}

CAF_TEST(a challenge says whether a token came) {
  using runtime::http_status;
  CAF_CHECK_EQUAL(challenge(http_status::unauthorized, "credentials_missing"),
                  "Bearer realm=\"postern-admin\"");
  CAF_CHECK_EQUAL(challenge(http_status::unauthorized, "token_expired"),
                  "Bearer realm=\"postern-admin\", error=\"invalid_token\"");
  CAF_CHECK_EQUAL(challenge(http_status::forbidden, "not_administrator"), "");
}

CAF_TEST_FIXTURE_SCOPE_END()
