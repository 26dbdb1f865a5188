#define CAF_SUITE form_guard
#include "sts/form_guard.hpp"

#include "sts/limits.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
namespace rt = postern::runtime;
using std::chrono::seconds;

namespace {

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{11};
  std::shared_ptr<const rt::key_ring> ring =
      std::make_shared<const rt::key_ring>(std::vector{rt::make_sealing_key(random)}, random);
  form_guard forms{ring, clock, random};
  const fields state{{"client_id", "wiki"}, {"kind", "x&y=z"}, {"empty", ""}};

  /// For a browser without cookies.
  form_guard::issued issue() { return forms.issue({}, "sign_in", state); }

  /// What a browser sends that has been shown the form and has kept the cookie.
  static incoming returned(const form_guard::issued& shown) {
    incoming in;
    in.form["form"] = shown.form;
    in.cookies.emplace_back(shown.cookie_name, shown.cookie_value);
    return in;
  }

  bool may_act(const incoming& in) {
    auto opened = forms.open(in, "sign_in");
    CAF_REQUIRE(opened.has_value());
    return opened->may_act;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(form_guard_tests, fixture)

CAF_TEST(a form acts in the browser that it was shown in and gives its state back) {
  auto opened = forms.open(returned(issue()), "sign_in");
  CAF_REQUIRE(opened.has_value());
  CAF_CHECK(opened->may_act);
  CAF_CHECK(opened->state == state);
}

CAF_TEST(a form of another kind is none) {
  CAF_CHECK(!forms.open(returned(issue()), "sign_out"));
  CAF_CHECK(!forms.open(returned(issue()), ""));
}

CAF_TEST(what is missing or sealed by somebody else is no form) {
  CAF_CHECK(!forms.open({}, "sign_in"));
  auto in = returned(issue());
  in.form["form"] = "forged";
  CAF_CHECK(!forms.open(in, "sign_in"));
  auto foreign =
      std::make_shared<const rt::key_ring>(std::vector{rt::make_sealing_key(random)}, random);
  in.form["form"] = form_guard{foreign, clock, random}.issue({}, "sign_in", state).form;
  CAF_CHECK(!forms.open(in, "sign_in"));
}

CAF_TEST(the value of the cookie counts under a name of its kind only) {
  const auto shown = issue();
  auto in = returned(shown);
  in.cookies.front().second = issue().cookie_value;
  CAF_CHECK(!may_act(in));
  // Without the prefix any host of the domain could have set it.
  in.cookies = {{"form", shown.cookie_value}, {shown.cookie_name + "0", shown.cookie_value}};
  CAF_CHECK(!may_act(in));
  in.cookies.emplace_back(shown.cookie_name, shown.cookie_value);
  CAF_CHECK(may_act(in));
}

CAF_TEST(an old form opens but does not act) {
  const auto in = returned(issue());
  clock.advance(limits::form_lifetime - seconds{1});
  CAF_CHECK(may_act(in));
  clock.advance(seconds{1});
  CAF_CHECK(!may_act(in));
}

CAF_TEST(a form outlives a restart) {
  const auto in = returned(issue());
  form_guard restarted{ring, clock, random};
  auto opened = restarted.open(in, "sign_in");
  CAF_REQUIRE(opened.has_value());
  CAF_CHECK(opened->may_act);
}

CAF_TEST(two browsers get different cookies and one browser keeps its own) {
  const auto first = issue();
  const auto second = issue();
  CAF_CHECK_NOT_EQUAL(first.cookie_name, second.cookie_name);
  CAF_CHECK_NOT_EQUAL(first.cookie_value, second.cookie_value);
  const auto again = forms.issue(returned(first), "sign_in", state);
  CAF_CHECK_EQUAL(again.cookie_name, first.cookie_name);
  CAF_CHECK_EQUAL(again.cookie_value, first.cookie_value);
  CAF_CHECK_NOT_EQUAL(again.form, first.form);
}

CAF_TEST(a cookie that cannot be ours is not used again) {
  const auto shown = issue();
  incoming in;
  in.cookies = {{shown.cookie_name, "short"}, {"__Host-postern-sso", shown.cookie_value}};
  const auto fresh = forms.issue(in, "sign_in", state);
  CAF_CHECK_NOT_EQUAL(fresh.cookie_value, "short");
  CAF_CHECK_NOT_EQUAL(fresh.cookie_value, shown.cookie_value);
  CAF_CHECK_EQUAL(fresh.cookie_value.size(), shown.cookie_value.size());
}

CAF_TEST(of too many cookies the surplus is cleared and the one in use stays) {
  incoming in;
  in.cookies.emplace_back("other", "1");
  std::vector<std::string> names;
  for (size_t i = 0; i < limits::form_cookies + 2; ++i) {
    const auto one = issue();
    names.push_back(one.cookie_name);
    in.cookies.emplace_back(one.cookie_name, one.cookie_value);
  }
  const auto shown = forms.issue(in, "sign_in", state);
  CAF_CHECK_EQUAL(shown.cookie_name, names.front());
  CAF_CHECK(shown.cookies_to_clear == (std::vector<std::string>{names.end() - 2, names.end()}));
  rt::http_response response;
  shown.add_cookies(response);
  std::string lines;
  auto range = response.equal_range(rt::http_field::set_cookie);
  for (auto line = range.first; line != range.second; ++line)
    lines.append(line->value()).append("\n");
  const std::string properties = "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=";
  CAF_CHECK_EQUAL(lines, shown.cookie_name + "=" + shown.cookie_value + properties + "1800\n" +
                             names[limits::form_cookies] + "=" + properties + "0\n" +
                             names[limits::form_cookies + 1] + "=" + properties + "0\n");
}

CAF_TEST(as many cookies as there may be are left alone) {
  incoming in;
  for (size_t i = 0; i < limits::form_cookies; ++i) {
    const auto one = issue();
    in.cookies.emplace_back(one.cookie_name, one.cookie_value);
  }
  CAF_CHECK(forms.issue(in, "sign_in", state).cookies_to_clear.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
