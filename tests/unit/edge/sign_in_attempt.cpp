#define CAF_SUITE sign_in_attempt
#include "edge/sign_in_attempt.hpp"

#include "edge/cookies.hpp"
#include "tests/unit/edge/samples.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::samples;

namespace {

constexpr int64_t start = 10'000;
constexpr int64_t lifetime = std::chrono::seconds{attempt_lifetime}.count();

struct fixture : sealing {
  /// Begins an attempt and adds its cookie to those of the browser.
  sign_in_attempt begin(const config::application& a, std::string_view target = "/x?y",
                        int64_t now = start) {
    auto attempt = make_attempt(a, target, random, now);
    if (!cookies.empty()) cookies += "; ";
    cookies += cookie_pair(make_attempt_cookie(attempt, a, ring));
    return attempt;
  }

  std::string cause(const config::application& a, std::string_view state, int64_t now = start) {
    const auto found = find_attempt(a, cookies, state, ring, now);
    if (found) return "none";
    CAF_CHECK(found.error().category == runtime::error_category::invalid_input);
    return found.error().cause;
  }

  std::string cookies;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sign_in_attempt_tests, fixture)

CAF_TEST(each attempt has secrets of its own) {
  const auto a = begin(wiki), b = begin(wiki);
  CAF_CHECK(a.state != b.state && a.nonce != b.nonce && a.code_verifier != b.code_verifier);
  CAF_CHECK(a.state != a.nonce);
  CAF_CHECK(a.state.size() >= 22);
  CAF_CHECK_EQUAL(a.code_verifier.size(), 43u);
}

CAF_TEST(an attempt is found among others by its state) {
  const auto a = begin(wiki, "/a"), b = begin(wiki, "/b?c=%20");
  const auto found = find_attempt(wiki, cookies, b.state, ring, start + 5);
  CAF_REQUIRE(found.has_value());
  CAF_CHECK_EQUAL(found->target, "/b?c=%20");
  CAF_CHECK_EQUAL(found->nonce, b.nonce);
  CAF_CHECK_EQUAL(found->code_verifier, b.code_verifier);
  CAF_CHECK_EQUAL(cause(wiki, a.state), "none");
}

CAF_TEST(the cookie is out of reach of scripts and short lived) {
  const auto attempt = make_attempt(wiki, "/", random, start);
  const auto text = make_attempt_cookie(attempt, wiki, ring);
  CAF_CHECK(text.starts_with("__Host-postern-attempt-" + attempt.state.substr(0, 8) + "="));
  CAF_CHECK(text.ends_with("; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"));
  CAF_CHECK(!contains(text, attempt.nonce));
  CAF_CHECK(make_attempt_cookie(attempt, reports, ring).starts_with("__Secure-postern-attempt-"));
  auto scripted = wiki;
  scripted.http_only_cookie = false;
  CAF_CHECK(contains(make_attempt_cookie(attempt, scripted, ring), "HttpOnly"));
}

CAF_TEST(what was never begun here is unknown) {
  const auto attempt = begin(wiki);
  for (const std::string& state :
       {std::string{}, std::string{"x"}, std::string(22, 'A'), std::string(400, 'A'),
        attempt.state + "A", attempt.state.substr(0, 8) + std::string(14, 'A')})
    CAF_CHECK_EQUAL(cause(wiki, state), "attempt_unknown");
  cookies.clear();
  CAF_CHECK_EQUAL(cause(wiki, attempt.state), "attempt_unknown");
}

CAF_TEST(an attempt belongs to one application) {
  auto second = make_application("second", "https://wiki.example:8443/");
  const auto attempt = begin(wiki);
  CAF_CHECK_EQUAL(cause(second, attempt.state), "attempt_unknown");
}

CAF_TEST(an attempt that is forged or sealed by somebody else is unknown) {
  const auto attempt = begin(wiki);
  const auto sealed = std::string{find_cookie(cookies, cookies.substr(0, cookies.find('=')))};
  cookies.resize(cookies.size() - 4);
  CAF_CHECK_EQUAL(cause(wiki, attempt.state), "attempt_unknown");
  // Sealed well, but for another use.
  cookies =
      "__Host-postern-attempt-" + attempt.state.substr(0, 8) + "=" + ring.seal("x", "session");
  CAF_CHECK_EQUAL(cause(wiki, attempt.state), "attempt_unknown");
  // Under the name of another state.
  cookies = "__Host-postern-attempt-AAAAAAAA=" + sealed;
  CAF_CHECK_EQUAL(cause(wiki, "AAAAAAAA" + attempt.state.substr(8)), "attempt_unknown");
}

CAF_TEST(an attempt has to be finished in time) {
  const auto attempt = begin(wiki);
  CAF_CHECK_EQUAL(cause(wiki, attempt.state, start + lifetime - 1), "none");
  CAF_CHECK_EQUAL(cause(wiki, attempt.state, start + lifetime), "attempt_expired");
}

CAF_TEST(a target that does not fit becomes the start) {
  const auto long_one = begin(wiki, "/" + std::string(4'000, 'x'));
  CAF_CHECK(cookies.size() < cookie_limit);
  CAF_CHECK(find_attempt(wiki, cookies, long_one.state, ring, start)->target == "/");
}

CAF_TEST(twelve attempts stay and the oldest goes for the next) {
  std::vector<sign_in_attempt> begun;
  for (int i = 0; i < 11; ++i)
    begun.push_back(begin(wiki, "/", start + i));
  CAF_CHECK(drop_old_attempts(wiki, cookies, ring, start + 20).empty());
  begun.push_back(begin(wiki, "/", start - 1));
  const auto dropped = drop_old_attempts(wiki, cookies, ring, start + 20);
  CAF_REQUIRE_EQUAL(dropped.size(), 1u);
  CAF_CHECK_EQUAL(dropped[0], clear_attempt_cookie(wiki, begun.back().state));
  CAF_CHECK(contains(dropped[0], "Max-Age=0"));
}

CAF_TEST(attempts of no use go first) {
  begin(wiki);
  const auto expired = begin(wiki, "/", start - lifetime);
  cookies += "; __Host-postern-attempt-garbage0=zzz";
  const auto dropped = drop_old_attempts(wiki, cookies, ring, start);
  CAF_REQUIRE_EQUAL(dropped.size(), 2u);
  CAF_CHECK_EQUAL(dropped[0], clear_attempt_cookie(wiki, expired.state));
  CAF_CHECK(dropped[1].starts_with("__Host-postern-attempt-garbage0=;"));
}

CAF_TEST(attempts never fill the head of a request) {
  for (int i = 0; i < 6; ++i)
    begin(wiki, "/" + std::string(2'400, 'x'), start + i);
  size_t left = cookies.size();
  const auto dropped = drop_old_attempts(wiki, cookies, ring, start + 10);
  CAF_CHECK(dropped.size() > 1 && dropped.size() < 6);
  left -= dropped.size() * (left / 6);
  CAF_CHECK(left + cookie_limit <= attempt_bytes);
}

CAF_TEST(signing out drops all attempts and nothing else) {
  begin(wiki);
  begin(wiki);
  cookies += "; other=1; __Host-postern=x";
  CAF_CHECK_EQUAL(drop_all_attempts(wiki, cookies).size(), 2u);
  CAF_CHECK(drop_all_attempts(reports, cookies).empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
