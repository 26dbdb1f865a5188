#define CAF_SUITE single_sign_on
#include "sts/single_sign_on.hpp"

#include "sts/limits.hpp"
#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::seconds;

namespace {

constexpr const char* cookie_name = "__Host-postern-sso";

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{19};
  std::shared_ptr<const rt::key_ring> ring =
      std::make_shared<const rt::key_ring>(std::vector{rt::make_sealing_key(random)}, random);
  options settings;
  account_directory accounts{issuer, people()};
  single_sign_on sessions{settings, accounts, ring, clock, random};
  const session ada = sessions.start(people()[0]);
  const session bob = sessions.start(people()[1]);

  /// The field that sets the cookie of a session, or an empty text.
  std::string line_of(const session& s) const {
    rt::http_response response;
    sessions.add_to(response, s);
    return std::string{response[rt::http_field::set_cookie]};
  }

  std::string cookie_of(const session& s) const {
    const auto line = line_of(s);
    const auto begin = std::string_view{cookie_name}.size() + 1;
    return line.substr(begin, line.find(';') - begin);
  }

  static incoming browser(const std::vector<std::string>& cookies) {
    incoming in;
    for (const auto& value : cookies)
      in.cookies.emplace_back(cookie_name, value);
    return in;
  }

  bool holds(const session& s) const { return sessions.read(browser({cookie_of(s)})) == s; }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(single_sign_on_tests, fixture)

CAF_TEST(the cookie gives back the session that was started) {
  CAF_CHECK_EQUAL(ada.user, "ada");
  CAF_CHECK_EQUAL(ada.auth_time, 1'700'000'000);
  CAF_CHECK(holds(ada));
  CAF_CHECK(holds(bob));
}

CAF_TEST(each sign in is a session of its own) {
  const auto again = sessions.start(people()[0]);
  CAF_CHECK_NOT_EQUAL(again.id, ada.id);
  CAF_CHECK(again != ada);
}

CAF_TEST(the cookie ends with the browser and hides who it is of) {
  const auto line = line_of(ada);
  CAF_CHECK(line.starts_with(std::string{cookie_name} + "="));
  CAF_CHECK(line.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
  CAF_CHECK_EQUAL(line.find(ada.id), std::string::npos);
}

CAF_TEST(clearing tells the browser to forget) {
  rt::http_response response;
  single_sign_on::clear(response);
  const std::string line{response[rt::http_field::set_cookie]};
  CAF_CHECK(line.starts_with(std::string{cookie_name} + "=;"));
  CAF_CHECK(line.ends_with("; Max-Age=0"));
}

CAF_TEST(a cookie under another name or of another kind is no session) {
  incoming in;
  in.cookies.emplace_back("postern-sso", cookie_of(ada));
  CAF_CHECK(!sessions.read(in));
  CAF_CHECK(!sessions.read({}));
  const fields content{{"user", "ada"},
                       {"auth_time", "1700000000"},
                       {"id", "x"},
                       {"credential", account_directory::credential_mark(people()[0])}};
  CAF_CHECK(sessions.read(browser({seal_fields(*ring, content, "sts_sso")})).has_value());
  CAF_CHECK(!sessions.read(browser({seal_fields(*ring, content, "sts_form")})));
}

CAF_TEST(a cookie that says no time is too old) {
  const fields content{{"user", "ada"},
                       {"id", "x"},
                       {"credential", account_directory::credential_mark(people()[0])}};
  CAF_CHECK(!sessions.read(browser({seal_fields(*ring, content, "sts_sso")})));
}

CAF_TEST(of several cookies the first that holds counts) {
  sessions.end(bob.id);
  CAF_CHECK(sessions.read(browser({"forged", "", cookie_of(bob), cookie_of(ada)})) == ada);
  const auto later = sessions.start(people()[1]);
  CAF_CHECK(sessions.read(browser({cookie_of(later), cookie_of(ada)})) == later);
}

CAF_TEST(a session ends with its lifetime however it is used) {
  clock.advance(settings.single_sign_on_lifetime - seconds{1});
  CAF_CHECK(holds(ada));
  clock.advance(seconds{1});
  CAF_CHECK(!holds(ada));
}

CAF_TEST(a session that was ended counts in no copy and others go on) {
  const auto copy = cookie_of(ada);
  const auto again = sessions.start(people()[0]);
  sessions.end(ada.id);
  CAF_CHECK(!sessions.read(browser({copy})));
  CAF_CHECK(holds(again));
  CAF_CHECK(holds(bob));
}

CAF_TEST(ending nothing in particular ends nothing) {
  sessions.end("");
  sessions.end("unknown");
  CAF_CHECK(holds(ada));
}

CAF_TEST(an account that is gone gets no cookie) {
  CAF_CHECK(!line_of(ada).empty());
  accounts.replace({people()[1]});
  CAF_CHECK_EQUAL(line_of(ada), "");
}

CAF_TEST(a session holds for the password it was proved with only) {
  const auto before = cookie_of(ada);
  auto changed = people();
  changed[0].password_hash = hash_of("battery staple");
  accounts.replace(changed);
  CAF_CHECK(!sessions.read(browser({before})));
  const auto between = cookie_of(sessions.start(changed[0]));
  CAF_CHECK(sessions.read(browser({between})).has_value());
  accounts.replace(people());
  CAF_CHECK(!sessions.read(browser({between})));
}

CAF_TEST(of too many sign outs the oldest is forgotten first and once is enough) {
  sessions.end(ada.id);
  sessions.end(bob.id);
  for (size_t i = 0; i < limits::signed_out_sessions - 2; ++i)
    sessions.end(std::to_string(i));
  // Known already: no room is taken, nothing is forgotten for it.
  sessions.end(ada.id);
  sessions.end("0");
  CAF_CHECK(!holds(ada));
  sessions.end("one more");
  CAF_CHECK(holds(ada));
  CAF_CHECK(!holds(bob));
}

CAF_TEST_FIXTURE_SCOPE_END()
