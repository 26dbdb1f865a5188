#define CAF_SUITE admin_published
// What is published, as administrators read and change it. What makes a change valid is the
// configuration's (tests/unit/actors/published_change.cpp).
#include "edge/admin_resources.hpp"
#include "tests/unit/edge/admin_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using namespace std::chrono_literals;
using actors::testing::cause_of;
using actors::testing::sample;
using edge::samples::contains;
using runtime::error_category;
namespace json = boost::json;

namespace {

struct fixture : edge::testing::admin_fixture {
  /// What publishes an application of the group "berlin".
  static json::object putting(const std::string& name) {
    return {{"applications", json::array{config::to_json(sample(name))}}};
  }

  /// Applies it while the shards have not taken it over yet.
  void start_applying(json::object wanted) {
    asked.content = std::move(wanted);
    test::start(home, [this]() -> runtime::awaitable<void> {
      answered.emplace(co_await apply_changes(context, asked));
    });
  }

  /// Whoever has armed a short timer before is called before this returns.
  void let_timers_pass() {
    bool passed = false;
    runtime::coarse_timer last;
    home.timers().arm(last, 25ms, [](void* raw) { *static_cast<bool*>(raw) = true; }, &passed);
    CAF_REQUIRE(works_until([&] { return passed; }));
    test::run_ready(home);
  }

  admin_call asked{"ann", {}, {}, {}};
  std::optional<runtime::result<runtime::http_response>> answered;
};

std::vector<std::string> names_in(const json::object& answer, const char* key) {
  std::vector<std::string> names;
  for (const auto& one : answer.at(key).as_array())
    names.emplace_back(one.at("name").as_string());
  return names;
}

using names = std::vector<std::string>;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(admin_published_tests, fixture)

CAF_TEST(lists name the version that they show) {
  const auto applications = content(&list_applications);
  CAF_CHECK((names_in(applications, "applications") == names{"wiki"}));
  CAF_CHECK_EQUAL(applications.at("version").to_number<int>(), 2);
  const auto groups = content(&list_groups);
  CAF_CHECK((names_in(groups, "groups") == names{"berlin"}));
  CAF_CHECK_EQUAL(groups.at("version").to_number<int>(), 2);
}

CAF_TEST(one resource is shown in the form in which it is applied) {
  const auto wiki = content(&get_application, "wiki");
  CAF_CHECK(*config::application_from_json(wiki) == sample("wiki"));
  CAF_CHECK_EQUAL(text(content(&get_group, "berlin"), "name"), "berlin");
}

CAF_TEST(what is not published is not found and named) {
  const auto application = call(&get_application, "Wiki");
  CAF_REQUIRE(application.has_error());
  CAF_CHECK(application.error().category == error_category::not_found);
  CAF_CHECK_EQUAL(cause_of(application), "application_unknown");
  CAF_CHECK(contains(application.error().detail, "Wiki"));
  CAF_CHECK_EQUAL(cause_of(call(&get_group, "wiki")), "group_unknown");
}

CAF_TEST(what was applied is read back at once whatever the shard routes by) {
  CAF_REQUIRE(context.routing == nullptr);
  const auto report = content(&apply_changes, {}, putting("mail"));
  CAF_CHECK_EQUAL(report.at("version").to_number<int>(), 3);
  CAF_CHECK((names_in(report, "changes") == names{"mail"}));
  CAF_CHECK((names_in(content(&list_applications), "applications") == names{"mail", "wiki"}));
}

CAF_TEST(a change is audited with who asked for it) {
  CAF_REQUIRE(call(&apply_changes, {}, putting("mail")).has_value());
  const auto created = audited("application_created").last;
  CAF_CHECK_EQUAL(created.target, "mail");
  CAF_CHECK_EQUAL(created.actor, "ann");
  CAF_REQUIRE(call(&delete_application, "wiki").has_value());
  const auto erased = audited("application_erased").last;
  CAF_CHECK_EQUAL(erased.target, "wiki");
  CAF_CHECK_EQUAL(erased.actor, "ann");
}

CAF_TEST(the name of who asks is never taken from what is sent) {
  auto wanted = putting("mail");
  wanted["by"] = "mallory";
  CAF_CHECK_EQUAL(cause_of(call(&apply_changes, {}, wanted)), "json_malformed");
  CAF_CHECK(published()->find_application("mail") == nullptr);
}

CAF_TEST(a dry run says what would change and changes nothing) {
  const auto before = medium->commits;
  const auto recorded = audited("application_created").times;
  auto wanted = putting("mail");
  wanted["groups"] = json::array{json::object{{"name", "berlin"}}};
  wanted["dry_run"] = wanted["prune"] = true;
  const auto report = content(&apply_changes, {}, wanted);
  CAF_CHECK((names_in(report, "changes") == names{"mail", "wiki"}));
  CAF_CHECK_EQUAL(report.at("version").to_number<int>(), 2);
  CAF_CHECK_EQUAL(medium->commits, before);
  CAF_CHECK_EQUAL(audited("application_created").times, recorded);
  CAF_CHECK((names_in(content(&list_applications), "applications") == names{"wiki"}));
}

CAF_TEST(a group that is still used stays and one that is not goes) {
  CAF_CHECK_EQUAL(cause_of(call(&delete_group, "berlin")), "published_invalid");
  CAF_CHECK(published()->find_group("berlin") != nullptr);
  CAF_REQUIRE(call(&delete_application, "wiki").has_value());
  CAF_REQUIRE(call(&delete_group, "berlin").has_value());
  CAF_CHECK(published()->find_group("berlin") == nullptr);
  CAF_CHECK_EQUAL(audited("group_erased").last.actor, "ann");
}

CAF_TEST(nothing is erased twice) {
  const auto application = call(&delete_application, "mail");
  CAF_CHECK_EQUAL(cause_of(application), "application_unknown");
  CAF_CHECK(application.error().category == error_category::not_found);
  CAF_CHECK_EQUAL(cause_of(call(&delete_group, "paris")), "group_unknown");
  CAF_CHECK_EQUAL(published()->version, 2u);
}

CAF_TEST(who is overtaken by another node is told so and undoes nothing) {
  medium->quiet = true;  // the news of the other node's change are late
  medium->commit({{.kind = "meta", .key = "published_version", .value = "7"}}).value();
  const auto late = call(&apply_changes, {}, putting("mail"));
  CAF_REQUIRE(late.has_error());
  CAF_CHECK(late.error().category == error_category::conflict);
  CAF_CHECK(published()->find_application("mail") == nullptr);
  const auto again = content(&apply_changes, {}, putting("mail"));
  CAF_CHECK_EQUAL(again.at("version").to_number<int>(), 8);
}

CAF_TEST(while the store is down what is published is read and not changed) {
  medium->down = true;
  CAF_CHECK_EQUAL(cause_of(call(&apply_changes, {}, putting("mail"))), "store_failed");
  CAF_CHECK_EQUAL(cause_of(call(&delete_application, "wiki")), "store_unavailable");
  CAF_CHECK((names_in(content(&list_applications), "applications") == names{"wiki"}));
}

CAF_TEST(a change is answered once every shard routes by it) {
  context.shards = {&context, &context};
  start_applying(putting("mail"));
  CAF_REQUIRE(works_until([&] { return published()->version == 3; }));
  let_timers_pass();
  CAF_CHECK(!answered);
  context.load->published_version[0] = 3;
  let_timers_pass();
  CAF_CHECK(!answered);
  context.load->published_version[1] = 3;
  CAF_REQUIRE(works_until([&] { return answered.has_value(); }));
  CAF_CHECK(answered->has_value());
}

CAF_TEST(what changes nothing waits for no timer) {
  context.shards = {&context};
  context.load->published_version[0] = 2;
  start_applying(putting("wiki"));
  for (int rounds = 0; rounds < 10; ++rounds) {
    test::run_ready(home);
    sched.run();
  }
  CAF_REQUIRE(answered && answered->has_value());
  const auto report = parse((*answered)->body());
  CAF_CHECK(report.at("changes").as_array().empty());
  CAF_CHECK_EQUAL(report.at("version").to_number<int>(), 2);
}

CAF_TEST(without its actor nothing is shown and nothing is changed) {
  put_in_force({});
  for (auto* handle : {&list_applications, &get_application, &list_groups, &get_group,
                       &delete_application, &delete_group, &apply_changes})
    CAF_CHECK_EQUAL(cause_of(call(handle, "wiki")), "actor_down");
  CAF_CHECK_EQUAL(published()->version, 2u);
}

CAF_TEST_FIXTURE_SCOPE_END()
