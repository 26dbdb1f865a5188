#define CAF_SUITE session_cookie
#include "edge/session_cookie.hpp"

#include "tests/unit/edge/samples.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::samples;

namespace {

using names = std::vector<std::string>;

struct fixture : sealing {
  fixture() {
    published.applications = {reports, wiki};
    published.applications[0].assigned = {"group:auditors", "user:staff-of-one"};
  }

  std::string make(actors::access_session& session) {
    return make_session_cookie(session, application, published, ring, 1'000);
  }

  actors::access_session open(const std::string& set_cookie) {
    const auto pair = cookie_pair(set_cookie);
    return open_session(find_cookie(pair, session_cookie_name(application)), ring).value();
  }

  config::published published;
  config::application application = wiki;
};

/// Groups that all matter, and far too many of them.
names many_groups(size_t count) {
  names all;
  for (size_t i = 0; i < count; ++i)
    all.push_back("department-number-" + std::to_string(i));
  return all;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(session_cookie_tests, fixture)

CAF_TEST(names are distinct for applications that share a host) {
  CAF_CHECK_EQUAL(session_cookie_name(wiki), "__Host-postern");
  const auto deep = session_cookie_name(reports);
  const auto other = session_cookie_name(make_application("other", "https://intranet.example/x/"));
  CAF_CHECK_EQUAL(deep.size(), std::string_view{"__Secure-postern-01234567"}.size());
  CAF_CHECK(deep.starts_with("__Secure-postern-"));
  CAF_CHECK(deep != other);
  CAF_CHECK(is_own_cookie(deep));
  auto plain = reports;
  plain.secure_cookie = false;
  CAF_CHECK_EQUAL("__Secure-" + session_cookie_name(plain), deep);
}

CAF_TEST(a session opens as it was sealed) {
  auto session = make_session();
  const auto text = make(session);
  CAF_CHECK(open(text) == session);
  CAF_CHECK(session == make_session());
  CAF_CHECK(!contains(text, "bob"));
}

CAF_TEST(it ends with the browser unless it is to persist) {
  auto session = make_session();
  CAF_CHECK(!contains(make(session), "Max-Age"));
  application.persistent_cookie = true;
  CAF_CHECK(contains(make(session), "; Max-Age=3600;"));
}

CAF_TEST(scripts see it only if the application wants so) {
  auto session = make_session();
  CAF_CHECK(contains(make(session), "; HttpOnly"));
  application.http_only_cookie = false;
  CAF_CHECK(!contains(make(session), "HttpOnly"));
  CAF_CHECK(contains(make(session), "; Secure; SameSite=Lax"));
}

CAF_TEST(only groups that an assignment names are kept) {
  auto session = make_session();
  session.user.groups = {"auditors", "everybody", "staff", "staff-of-one"};
  CAF_CHECK(open(make(session)).user.groups == names({"staff", "auditors"}));
}

CAF_TEST(the cookie stays below its limit whatever the token said) {
  const auto many = many_groups(500);
  for (const auto& group : many)
    published.applications[0].assigned.push_back("group:" + group);
  auto session = make_session();
  session.user.groups = many;
  session.user.groups.push_back("staff");
  const auto text = make(session);
  CAF_CHECK(!text.empty() && text.size() < cookie_limit);
  const auto kept = open(text).user.groups;
  CAF_CHECK(kept == session.user.groups);
  CAF_CHECK_EQUAL(kept.front(), "staff");
  CAF_CHECK(kept.size() > 50 && kept.size() < many.size());
  // One more would not have fitted: the limit is used.
  CAF_CHECK(text.size() + 100 > cookie_limit);
}

CAF_TEST(endless names do not keep anybody out) {
  auto session = make_session();
  session.user.display_name.assign(5'000, 'x');
  const auto text = make(session);
  CAF_CHECK(!text.empty() && text.size() < cookie_limit);
  const auto opened = open(text);
  CAF_CHECK_EQUAL(opened.user.name, "bob");
  CAF_CHECK(opened.user.groups == names({"staff"}));
  CAF_CHECK(opened.user.display_name.empty());
}

CAF_TEST(forged and foreign values open nothing) {
  auto session = make_session();
  const auto pair = cookie_pair(make(session));
  const auto good = pair.substr(pair.find('=') + 1);
  CAF_REQUIRE(open_session(good, ring).has_value());
  auto changed = good;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  const auto other_purpose = ring.seal("whatever", "sign_in_attempt");
  const auto no_session = ring.seal("whatever", "session");
  for (const std::string& bad : {std::string{}, good.substr(1), good.substr(0, good.size() - 4),
                                 good + "A", changed, other_purpose, no_session}) {
    const auto opened = open_session(bad, ring);
    CAF_REQUIRE(opened.has_error());
    CAF_CHECK(opened.error().category == runtime::error_category::unauthenticated);
    CAF_CHECK_EQUAL(opened.error().source, "session");
  }
}

CAF_TEST(forgetting names the same cookie and path) {
  CAF_CHECK_EQUAL(clear_session_cookie(wiki),
                  "__Host-postern=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax");
}

CAF_TEST_FIXTURE_SCOPE_END()
