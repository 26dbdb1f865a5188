#define CAF_SUITE services
// What the endpoints share, as it is put together: what nodes of one store have in common and what
// they have not, which failures count where, and what the observer is told.
#include "sts/services.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;

namespace {

struct services_fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{42};
  std::unique_ptr<rt::store> store = rt::make_memory_store();
  std::shared_ptr<const rt::key_ring> ring =
      std::make_shared<const rt::key_ring>(std::vector{rt::make_sealing_key(random)}, random);
  std::vector<event> events;
  const code_content content{"wiki", callback,  "openid",
                             "n",    challenge, {"ada", 1'699'999'999, "sid"}};

  /// Those of one node.
  std::unique_ptr<services> make(bool shared, bool observed = true) {
    options settings;
    settings.issuer = issuer;
    settings.shared = shared;
    if (observed) settings.observer = [this](const event& e) { events.push_back(e); };
    return std::make_unique<services>(std::move(settings), people(), *store, ring, clock, random);
  }
  /// What a browser sends back that was given this session's cookie.
  static std::pair<std::string, std::string> cookie_of(const services& by, const session& s) {
    rt::http_response response;
    by.sessions.add_to(response, s);
    const std::string line{response[rt::http_field::set_cookie]};
    const auto equals = line.find('=');
    return {line.substr(0, equals), line.substr(equals + 1, line.find(';') - equals - 1)};
  }
  /// Fails until it has to wait; false if that never happens.
  bool blocks(lock_out& attempts) {
    for (int i = 0; i < 100; ++i)
      if (attempts.begin("ada", "203.0.113.7").count() > 0) return true;
    return false;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(services_tests, services_fixture)

CAF_TEST(nodes that share redeem the codes of each other once) {
  const auto here = make(true), there = make(true);
  const auto code = here->codes.make(content);
  CAF_CHECK(there->codes.redeem(code).has_value());
  CAF_CHECK_EQUAL(here->codes.redeem(code).error().description, code_replayed);
}

CAF_TEST(nodes that do not share know nothing of the codes of each other) {
  const auto here = make(false), there = make(false);
  const auto code = here->codes.make(content);
  CAF_CHECK_EQUAL(there->codes.redeem(code).error().code, "invalid_grant");
  CAF_CHECK(here->codes.redeem(code).has_value());
}

CAF_TEST(a device may begin at one node and be allowed at another where they share) {
  const auto here = make(true), there = make(true);
  const auto begun = here->devices.start("tool", "openid", "203.0.113.7");
  CAF_REQUIRE(begun.has_value());
  CAF_CHECK(there->devices.find(begun->user_code).has_value());
  CAF_CHECK(there->devices.decide(begun->user_code, content.who));
  clock.advance(std::chrono::seconds{60});
  const auto told = here->devices.poll(begun->device_code, "tool");
  CAF_REQUIRE(told.has_value());
  CAF_CHECK(told->who == content.who);
}

CAF_TEST(a node by itself writes neither grants nor codes to the store) {
  const auto alone = make(false);
  const auto commits = store->commit({}).value();
  const auto begun = alone->devices.start("tool", "openid", "203.0.113.7");
  CAF_REQUIRE(begun.has_value());
  CAF_CHECK(alone->codes.redeem(alone->codes.make(content)).has_value());
  CAF_CHECK_EQUAL(store->commit({}).value(), commits);
  CAF_CHECK(!make(false)->devices.find(begun->user_code).has_value());
}

CAF_TEST(a browser may go on at another node with its form and its session) {
  const auto here = make(false), there = make(false);
  incoming in;
  in.method = rt::http_verb::post;
  const auto shown = here->forms.issue(in, "sign_in", {{"step", "2"}});
  in.form["form"] = shown.form;
  in.cookies.emplace_back(shown.cookie_name, shown.cookie_value);
  const auto opened = there->forms.open(in, "sign_in");
  CAF_REQUIRE(opened.has_value());
  CAF_CHECK(opened->may_act);
  CAF_CHECK_EQUAL(opened->state.at("step"), "2");

  const auto session = here->sessions.start(*here->accounts.find("ada"));
  in.cookies.push_back(cookie_of(*here, session));
  CAF_CHECK(there->sessions.read(in) == session);
}

CAF_TEST(who must sign in anew is out at once for sessions look at the same accounts) {
  const auto all = make(false);
  incoming in;
  in.cookies.push_back(cookie_of(*all, all->sessions.start(*all->accounts.find("ada"))));
  CAF_REQUIRE(all->sessions.read(in).has_value());
  all->accounts.require_new_sign_in("ada", clock.now() + std::chrono::seconds{1});
  CAF_CHECK(!all->sessions.read(in).has_value());
}

CAF_TEST(who guesses passwords may still type a code and clients are not held up) {
  const auto all = make(false);
  CAF_REQUIRE(blocks(all->passwords));
  CAF_CHECK_EQUAL(all->user_codes.begin("ada", "203.0.113.7").count(), 0);
  CAF_CHECK_EQUAL(all->client_secrets.begin("ada", "203.0.113.7").count(), 0);
  CAF_REQUIRE(blocks(all->user_codes));
  CAF_CHECK_EQUAL(all->client_secrets.begin("ada", "203.0.113.7").count(), 0);
}

CAF_TEST(the observer learns what happened with the address and the request) {
  const auto all = make(false);
  incoming in;
  in.address = "203.0.113.7";
  in.request_id = "r-7";
  in.authorization = "Basic c2VjcmV0";
  all->report("sign_in_failed", in, "ada", "wiki");
  all->report("signed_out", in, "", "");
  CAF_REQUIRE_EQUAL(events.size(), 2u);
  const auto failed = events.front();
  CAF_CHECK_EQUAL(failed.what, "sign_in_failed");
  CAF_CHECK_EQUAL(failed.user, "ada");
  CAF_CHECK_EQUAL(failed.client_id, "wiki");
  CAF_CHECK_EQUAL(failed.address, "203.0.113.7");
  CAF_CHECK_EQUAL(failed.request_id, "r-7");
  CAF_CHECK_EQUAL(events.back().user + events.back().client_id, "");
}

CAF_TEST(without an observer nobody is told and nothing happens) {
  const auto all = make(false, false);
  all->report("sign_in_failed", {}, "ada", "wiki");
  CAF_CHECK(events.empty());
  CAF_CHECK(all->settings.observer == nullptr);
}

CAF_TEST_FIXTURE_SCOPE_END()
