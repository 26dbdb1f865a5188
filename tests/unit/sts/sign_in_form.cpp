#define CAF_SUITE sign_in_form
#include "sts/sign_in_form.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;

namespace {

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{17};
  std::unique_ptr<rt::store> store = rt::make_memory_store();
  std::shared_ptr<const rt::key_ring> ring =
      std::make_shared<const rt::key_ring>(std::vector{rt::make_sealing_key(random)}, random);
  services all{{.issuer = issuer}, people(), *store, ring, clock, random};
  const continuation authorize{
      continuation::kind::authorize,
      {{"client_id", "wiki"}, {"redirect_uri", callback}, {"state", "a&b=c"}}};
  const continuation device{continuation::kind::device, {{"user_code", "BBBB-CCCC"}}};

  fixture() { all.clients.replace(applications()); }

  rt::http_response show(const continuation& next, const sign_in_notice& notice = {}) {
    return show_sign_in(all, {}, next, notice);
  }

  /// What the browser sends back that was shown the page.
  static incoming returned(const rt::http_response& shown) {
    incoming in;
    in.form["form"] = provider_fixture::form_of(shown);
    const std::string line{shown[rt::http_field::set_cookie]};
    const auto pair = line.substr(0, line.find(';'));
    const auto equals = pair.find('=');
    in.cookies.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    return in;
  }

  static bool shows(const rt::http_response& page, std::string_view piece) {
    return page.body().find(piece) != std::string::npos;
  }

  static std::string form_action(const rt::http_response& page) {
    const std::string policy{page["Content-Security-Policy"]};
    return policy.substr(policy.find("form-action"));
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sign_in_form_tests, fixture)

CAF_TEST(what goes on after the sign in travels with the form) {
  for (const auto& next : {authorize, device}) {
    const auto back = open_sign_in(all, returned(show(next)));
    CAF_REQUIRE(back.has_value());
    CAF_CHECK(back->may_act);
    CAF_CHECK(back->next.what == next.what);
    CAF_CHECK(back->next.parameters == next.parameters);
  }
}

CAF_TEST(another process with the same keys goes on with the form) {
  const auto in = returned(show(authorize));
  services restarted{{.issuer = issuer}, people(), *store, ring, clock, random};
  const auto back = open_sign_in(restarted, in);
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(back->may_act);
  CAF_CHECK(back->next.parameters == authorize.parameters);
}

CAF_TEST(the page leaks nothing of what waits) {
  CAF_CHECK(!shows(show(authorize), callback));
  CAF_CHECK(!shows(show(device), "BBBB-CCCC"));
}

CAF_TEST(in another browser the form is known but does not act) {
  auto in = returned(show(device));
  in.cookies.clear();
  const auto back = open_sign_in(all, in);
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(!back->may_act);
  CAF_CHECK(back->next.parameters == device.parameters);
}

CAF_TEST(a form of another page is none) {
  auto in = returned(show(authorize));
  in.form["form"] = all.forms.issue(in, "sign_out", authorize.parameters).form;
  CAF_CHECK(!open_sign_in(all, in));
  in.form.clear();
  CAF_CHECK(!open_sign_in(all, in));
}

CAF_TEST(the browser may go on from the application to wherever that sends it) {
  CAF_CHECK_EQUAL(form_action(show(authorize)), "form-action 'self' https:");
  CAF_CHECK_EQUAL(form_action(show(device)), "form-action 'self'");
}

CAF_TEST(what an application has registered does not get into the policy) {
  auto odd = authorize;
  odd.parameters["redirect_uri"] = "https://wiki.example; script-src *";
  CAF_CHECK_EQUAL(form_action(show(odd)), "form-action 'self' https:");
}

CAF_TEST(the page says where the sign in leads) {
  CAF_CHECK(shows(show(authorize), "<strong>The &lt;Wiki&gt;</strong>"));
  CAF_CHECK(shows(show(device), "<strong>connecting a device</strong>"));
}

CAF_TEST(an application that was withdrawn meanwhile has no name to show) {
  all.clients.replace({});
  const auto page = show(authorize);
  CAF_CHECK_EQUAL(page.result_int(), 200u);
  CAF_CHECK(!shows(page, "to go on to"));
  CAF_CHECK(!provider_fixture::form_of(page).empty());
}

CAF_TEST(a notice has its status and keeps the name that was typed) {
  const auto page = show(device, {rt::http_status::forbidden, "That was wrong.", "ada"});
  CAF_CHECK_EQUAL(page.result_int(), 403u);
  CAF_CHECK(shows(page, "role=\"alert\" id=\"notice\">That was wrong.<"));
  CAF_CHECK(shows(page, "value=\"ada\""));
  CAF_CHECK(!shows(show(device), "role=\"alert\""));
}

CAF_TEST_FIXTURE_SCOPE_END()
