#define CAF_SUITE gatekeeper
#include "edge/gatekeeper.hpp"

#include "edge/session_cookie.hpp"
#include "edge/sign_in.hpp"
#include "runtime/name_resolver.hpp"
#include "tests/unit/edge/node_fixture.hpp"

#include <atomic>

using namespace postern;
using namespace postern::edge;
using actors::access_verdict;
using edge::samples::contains;
using runtime::error_category;
using runtime::field_list;

namespace {

actors::user_session_actor::behavior_type play_session(
    actors::user_session_actor::pointer, std::shared_ptr<actors::access_decision> says) {
  return {[says](actors::authorize_atom, const actors::access_request&) { return *says; },
          [](actors::revoke_atom, const std::string&) {}, [](actors::expire_atom, uint64_t) {}};
}

struct fixture : edge::testing::node_fixture {
  fixture() {
    context.issuer_tls = runtime::tls_client_context::make({.system_authorities = false}).value();
    runtime::name_resolver::of(home).use([this](const std::string&) {
      ++issuer_asked;
      return runtime::name_answer{{}, "no such name", false};
    });
    registry->wake = [this](const actors::access_session& session) {
      woken.push_back(session.id);
      return (actor = own(sys.spawn(play_session, decision)));
    };
    start_registry();
    auto published = std::make_shared<config::published>();
    published->applications = {samples::wiki};
    routes = std::make_unique<published_routes>(actors::routing{published, {}}, urls.issuer);
    to = routes->find_named("wiki");
  }

  void start_registry() {
    actors::node_handles all;
    all.sessions = own(sys.spawn(edge::testing::play_sessions, registry));
    put_in_force(std::move(all));
  }
  void refuse_to_wake(error_category category, const char* cause) {
    registry->wake = [=](const actors::access_session&) {
      return runtime::to_caf({category, cause, "session", {}});
    };
  }

  std::string cookie() {
    auto session = samples::make_session();
    return samples::cookie_pair(
        make_session_cookie(session, *to->application, {}, *context.cookie_keys, 1'000));
  }
  /// A request as a script sends it.
  admission ask(field_list fields, const char* method = "GET") {
    const checked_request request{.method = method,
                                  .host = "wiki.example",
                                  .authority = "wiki.example",
                                  .target = "/page",
                                  .path = "/page"};
    return answer_of([&] { return gate.admit(*to, request, fields, cache, "192.0.2.1", "r-1"); });
  }
  /// The same as a browser opens a page.
  admission navigate(field_list fields, const char* method = "GET") {
    fields.push_back({"sec-fetch-mode", "navigate"});
    return ask(std::move(fields), method);
  }
  static void check_refused(const admission& got, unsigned status, const char* cause) {
    CAF_CHECK(!got.allowed);
    CAF_CHECK_EQUAL(got.response.result_int(), status);
    CAF_CHECK(contains(got.response.body(), cause));
  }

  std::shared_ptr<actors::access_decision> decision = std::make_shared<actors::access_decision>(
      actors::access_decision{access_verdict::allow, "assigned"});
  std::shared_ptr<edge::testing::scripted_sessions> registry =
      std::make_shared<edge::testing::scripted_sessions>();
  std::vector<std::string> woken;
  actors::user_session_actor actor;
  std::atomic<int> issuer_asked{0};
  std::unique_ptr<published_routes> routes;
  const published_application* to = nullptr;
  std::unique_ptr<opened_session> cache;
  sign_in signing_in{context};
  gatekeeper gate{context, signing_in};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(gatekeeper_tests, fixture)

CAF_TEST(a session that holds is let in and its cookie opened once) {
  const auto shown = cookie();
  CAF_CHECK(ask({{"cookie", "a=b"}, {"cookie", shown}}).allowed);
  CAF_REQUIRE(cache != nullptr);
  CAF_CHECK_EQUAL(cache->session.user.name, "bob");
  CAF_CHECK(ask({{"cookie", shown}}).allowed);
  CAF_CHECK_EQUAL(woken.size(), 1u);
  CAF_CHECK(ask({{"cookie", cookie()}}).allowed);  // sealed anew: another text
  CAF_CHECK_EQUAL(woken.size(), 2u);
}

CAF_TEST(what was let in once is asked again for each request) {
  const auto shown = cookie();
  CAF_CHECK(ask({{"cookie", shown}}).allowed);
  *decision = {access_verdict::deny, "not_assigned"};
  check_refused(ask({{"cookie", shown}}), 403, "not_assigned");
  *decision = {access_verdict::maintenance, "maintenance"};
  check_refused(ask({{"cookie", shown}}), 503, "maintenance");
}

CAF_TEST(scripts without a session are told so and not sent away) {
  check_refused(ask({}), 401, "not_signed_in");
  check_refused(ask({{"cookie", "__Host-other=x"}}), 401, "not_signed_in");
  CAF_CHECK(woken.empty());
  CAF_CHECK_EQUAL(issuer_asked.load(), 0);
}

CAF_TEST(a page that is opened without a session leads to the issuer) {
  CAF_CHECK(!navigate({}).allowed);
  CAF_CHECK_EQUAL(issuer_asked.load(), 1);
}

CAF_TEST(a form that was sent without a session is not lost at the issuer) {
  check_refused(navigate({}, "POST"), 401, "not_signed_in");
  CAF_CHECK_EQUAL(issuer_asked.load(), 0);
}

CAF_TEST(a cookie that was tampered with wakes nobody) {
  auto shown = cookie();
  shown.back() = shown.back() == 'A' ? 'Q' : 'A';
  check_refused(ask({{"cookie", shown}}), 401, "seal_forged");
  check_refused(ask({{"cookie", to->cookie_name + "=nonsense"}}), 401, "seal_malformed");
  CAF_CHECK(woken.empty());
  CAF_CHECK(cache == nullptr);
}

CAF_TEST(a session that is over is forgotten by its connection) {
  const auto shown = cookie();
  CAF_CHECK(ask({{"cookie", shown}}).allowed);
  *decision = {access_verdict::sign_in, "session_expired"};
  check_refused(ask({{"cookie", shown}}), 401, "session_expired");
  CAF_CHECK(cache == nullptr);
  refuse_to_wake(error_category::unauthenticated, "session_revoked");
  check_refused(ask({{"cookie", shown}}), 401, "session_revoked");
}

CAF_TEST(nobody is sent to sign in for a failure of ours) {
  refuse_to_wake(error_category::unavailable, "store_unavailable");
  check_refused(navigate({{"cookie", cookie()}}), 503, "store_unavailable");
  CAF_CHECK_EQUAL(issuer_asked.load(), 0);
}

CAF_TEST(a session that has gone to sleep is woken by its cookie) {
  const auto shown = cookie();
  CAF_CHECK(ask({{"cookie", shown}}).allowed);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  sched.run();
  CAF_CHECK(ask({{"cookie", shown}}).allowed);
  CAF_CHECK_EQUAL(woken.size(), 2u);
  // It may have been revoked meanwhile.
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  sched.run();
  refuse_to_wake(error_category::unauthenticated, "session_revoked");
  check_refused(ask({{"cookie", shown}}), 401, "session_revoked");
}

CAF_TEST(a registry that has crashed is waited for) {
  put_in_force({});
  std::optional<admission> got;
  const auto shown = cookie();
  const field_list fields{{"cookie", shown}};
  const checked_request request{.method = "GET", .target = "/", .path = "/"};
  test::start(home, [&]() -> runtime::awaitable<void> {
    got.emplace(co_await gate.admit(*to, request, fields, cache, "192.0.2.1", "r-1"));
  });
  test::run_ready(home);
  CAF_CHECK(!got);
  start_registry();
  CAF_REQUIRE(works_until([&] { return got.has_value(); }));
  CAF_CHECK(got->allowed);
}

CAF_TEST(a node that stops waits for no registry) {
  put_in_force({});
  context.load->draining = true;
  check_refused(ask({{"cookie", cookie()}}), 503, "actor_down");
}

CAF_TEST_FIXTURE_SCOPE_END()
