#define CAF_SUITE token_verifier
#include "actors/token_verifier.hpp"

#include "tests/unit/actors/token_samples.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::signing_key;
namespace json = boost::json;

namespace {

/// What the key source of the test serves, and how often it was asked. Answers when told to.
struct issuer_double {
  std::vector<signing_key> keys;
  bool down = false;
  bool slow = false;
  size_t fetches = 0;
  std::vector<caf::typed_response_promise<std::string>> asked;

  std::string jwks() const {
    json::array public_keys;
    for (const auto& key : keys)
      public_keys.push_back(key.public_jwk());
    return json::serialize(json::object{{"keys", public_keys}});
  }
};

/// Told to by a tick, it answers what it was asked while slow: only an actor itself may deliver.
using slow_key_source_actor = key_source_actor::extend<caf::reacts_to<tick_atom>>;

slow_key_source_actor::behavior_type key_source_double(slow_key_source_actor::pointer self,
                                                       std::shared_ptr<issuer_double> issuer) {
  return {[self, issuer](fetch_atom, const std::string&) -> caf::result<std::string> {
            ++issuer->fetches;
            if (issuer->down)
              return postern::runtime::to_caf(
                  {postern::runtime::error_category::unavailable, "connect_failed", "sts", {}});
            if (!issuer->slow) return issuer->jwks();
            auto promise = self->make_response_promise<std::string>();
            issuer->asked.push_back(promise);
            return promise;
          },
          [issuer](tick_atom) {
            for (auto& promise : issuer->asked)
              promise.deliver(issuer->jwks());
            issuer->asked.clear();
          }};
}

struct verifier_fixture : store_fixture {
  std::shared_ptr<issuer_double> issuer = std::make_shared<issuer_double>();
  signing_key key = signing_key::generate().value();
  slow_key_source_actor source = start(key_source_double, issuer);
  token_verifier_actor subject =
      start(token_verifier, key_source_actor{source},
            static_cast<const postern::runtime::wall_clock*>(&clock), 60s);

  verifier_fixture() { issuer->keys.push_back(key); }
  ~verifier_fixture() override { issuer->asked.clear(); }  // each holds the actor that holds them

  std::string token(const signing_key& by, const std::string& nonce = "n-1") {
    auto claims = sample_claims(postern::runtime::to_unix_seconds(clock.now()));
    claims["nonce"] = nonce;
    return by.sign(claims, "JWT").value();
  }
  answer_ptr<verified_token> verify(std::string token, std::string nonce = "n-1") {
    auto wanted = sample_expectation(std::move(token));
    wanted.nonce = std::move(nonce);
    return ask<verified_token>(subject, verify_atom_v, wanted);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(token_verifier_tests, verifier_fixture)

CAF_TEST(a good token is verified with fetched keys) {
  const auto answer = verify(token(key));
  CAF_REQUIRE(answer->value.has_value());
  CAF_CHECK_EQUAL(answer->value->user.name, "alice");
  CAF_CHECK_EQUAL(issuer->fetches, 1u);
}

CAF_TEST(known keys are not fetched again) {
  verify(token(key, "a"), "a");
  CAF_CHECK_EQUAL(verify(token(key, "b"), "b")->cause(), "answered");
  CAF_CHECK_EQUAL(issuer->fetches, 1u);
}

CAF_TEST(a rotated key is found) {
  verify(token(key, "a"), "a");
  const auto fresh = signing_key::generate().value();
  issuer->keys.push_back(fresh);
  pass_both(10s);
  CAF_CHECK_EQUAL(verify(token(fresh, "b"), "b")->cause(), "answered");
  CAF_CHECK_EQUAL(verify(token(key, "c"), "c")->cause(), "answered");
  CAF_CHECK_EQUAL(issuer->fetches, 2u);
}

CAF_TEST(unknown key ids cause one fetch in ten seconds) {
  verify(token(key));
  const auto stranger = signing_key::generate().value();
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(verify(token(stranger))->cause(), "token_unknown_key");
  CAF_CHECK_EQUAL(issuer->fetches, 1u);
  pass_both(10s);
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(verify(token(stranger))->cause(), "token_unknown_key");
  CAF_CHECK_EQUAL(issuer->fetches, 2u);
}

CAF_TEST(verifications at the same time share one fetch) {
  issuer->slow = true;
  const auto first = verify(token(key, "a"), "a");
  const auto second = verify(token(key, "b"), "b");
  const auto third = verify(token(key, "a"), "a");
  CAF_CHECK(first->pending() && second->pending() && third->pending());
  CAF_REQUIRE_EQUAL(issuer->asked.size(), 1u);
  tell(source, tick_atom_v);
  CAF_CHECK_EQUAL(first->cause(), "answered");
  CAF_CHECK_EQUAL(second->cause(), "answered");
  CAF_CHECK_EQUAL(third->cause(), "token_replayed");
}

CAF_TEST(an issuer that is down is named as the source) {
  issuer->down = true;
  const auto answer = verify(token(key));
  CAF_CHECK_EQUAL(answer->cause(), "sts_unreachable");
  CAF_CHECK_EQUAL(answer->failure->source, "sts");
  CAF_CHECK_EQUAL(verify(token(key))->cause(), "sts_unreachable");
  CAF_CHECK_EQUAL(issuer->fetches, 1u);
  issuer->down = false;
  pass_both(10s);
  CAF_CHECK_EQUAL(verify(token(key))->cause(), "answered");
}

CAF_TEST(an issuer that does not answer is given up) {
  issuer->slow = true;
  const auto answer = verify(token(key));
  pass_both(60s);
  CAF_CHECK_EQUAL(answer->cause(), "sts_unreachable");
}

CAF_TEST(known keys work while the issuer is down) {
  verify(token(key, "a"), "a");
  issuer->down = true;
  pass_both(7200s);
  CAF_CHECK_EQUAL(verify(token(key, "b"), "b")->cause(), "answered");
  CAF_CHECK_EQUAL(issuer->fetches, 2u);
  CAF_CHECK_EQUAL(verify(token(key, "c"), "c")->cause(), "answered");
}

CAF_TEST(a withdrawn key loses its power within the hour) {
  verify(token(key, "a"), "a");
  issuer->keys = {signing_key::generate().value()};
  pass_both(3600s);
  verify(token(key, "b"), "b");
  CAF_CHECK_EQUAL(verify(token(key, "c"), "c")->cause(), "token_unknown_key");
}

CAF_TEST(a forged signature is refused) {
  auto forged = token(key);
  const auto last = forged.rfind('.') + 5;
  forged[last] = forged[last] == 'A' ? 'B' : 'A';
  CAF_CHECK_EQUAL(verify(forged)->cause(), "token_signature");
  CAF_CHECK_EQUAL(verify(token(key))->cause(), "answered");
}

CAF_TEST(what cannot be a token asks nobody for keys) {
  CAF_CHECK_EQUAL(verify("nonsense")->cause(), "token_malformed");
  CAF_CHECK_EQUAL(verify("eyJhbGciOiJub25lIn0.e30.")->cause(), "token_algorithm");
  CAF_CHECK_EQUAL(issuer->fetches, 0u);
}

CAF_TEST(a nonce is used up by success only) {
  auto elsewhere = sample_expectation(token(key));
  elsewhere.audience = "zoo";
  CAF_CHECK_EQUAL(ask<verified_token>(subject, verify_atom_v, elsewhere)->cause(),
                  "token_audience");
  CAF_CHECK_EQUAL(verify(token(key))->cause(), "answered");
  CAF_CHECK_EQUAL(verify(token(key))->cause(), "token_replayed");
}

CAF_TEST(a used nonce is forgotten when no token can use it) {
  verify(token(key));
  pass_both(3600s + 60s + 300s);
  const auto& state =
      deref<token_verifier_actor::stateful_base<token_verifier_state>>(subject).state;
  CAF_CHECK_EQUAL(state.nonces.size(), 0u);
}

CAF_TEST(an access token is no ID token and the other way round) {
  const auto claims = sample_claims(start_of_time);
  auto wanted = sample_expectation(key.sign(claims, "at+jwt").value());
  CAF_CHECK_EQUAL(ask<verified_token>(subject, verify_atom_v, wanted)->cause(), "token_malformed");
  wanted.required_type = "at+jwt";
  wanted.nonce.clear();
  CAF_CHECK_EQUAL(ask<verified_token>(subject, verify_atom_v, wanted)->cause(), "answered");
  wanted.token = token(key);
  CAF_CHECK_EQUAL(ask<verified_token>(subject, verify_atom_v, wanted)->cause(), "token_malformed");
}

CAF_TEST_FIXTURE_SCOPE_END()
