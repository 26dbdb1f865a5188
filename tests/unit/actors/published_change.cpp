#define CAF_SUITE published_change
#include "actors/published_change.hpp"

#include "config/published_json.hpp"
#include "tests/unit/actors/published_samples.hpp"

#include <boost/json.hpp>

using namespace postern::actors;
using namespace postern::actors::testing;
namespace config = postern::config;
using action = resource_change::action;

CAF_TEST(what is new is created and written) {
  const auto plan =
      plan_change({.version = 4}, {.groups = {{"berlin"}}, .applications = {sample("wiki")}});
  CAF_REQUIRE(plan.has_value());
  CAF_CHECK_EQUAL(plan->next.version, 5u);
  CAF_REQUIRE_EQUAL(plan->changes.size(), 2u);
  CAF_CHECK(plan->changes[0].what == action::create);
  CAF_CHECK_EQUAL(plan->changes[0].kind, "group");
  CAF_CHECK_EQUAL(plan->changes[1].name, "wiki");
  CAF_CHECK_EQUAL(plan->changes[1].fields.at("group").second, "berlin");
  CAF_REQUIRE_EQUAL(plan->writes.size(), 2u);
  CAF_CHECK_EQUAL(plan->writes[1].kind, "application");
  CAF_CHECK_EQUAL(plan->writes[1].key, "wiki");
}

CAF_TEST(the same again changes nothing) {
  const auto plan =
      plan_change(sample_published(), {.groups = {{"berlin"}}, .applications = {sample("wiki")}});
  CAF_REQUIRE(plan.has_value());
  CAF_CHECK(plan->changes.empty());
  CAF_CHECK(plan->writes.empty());
}

CAF_TEST(a change names each field in words of the file) {
  auto changed = sample("wiki");
  changed.response_timeout = 30s;
  changed.maintenance = true;
  const auto plan = plan_change(sample_published(), {.applications = {changed}});
  CAF_REQUIRE(plan.has_value());
  CAF_REQUIRE_EQUAL(plan->changes.size(), 1u);
  const auto& fields = plan->changes[0].fields;
  CAF_CHECK(plan->changes[0].what == action::update);
  CAF_CHECK_EQUAL(fields.size(), 2u);
  CAF_CHECK_EQUAL(fields.at("response_timeout").first, "85s");
  CAF_CHECK_EQUAL(fields.at("response_timeout").second, "30s");
  CAF_CHECK_EQUAL(fields.at("maintenance").second, "true");
}

CAF_TEST(without prune the rest stays and with it the rest goes) {
  auto current = sample_published();
  current.applications.push_back(sample("zoo"));
  change_request request{.groups = {{"berlin"}}, .applications = {sample("wiki")}};
  CAF_CHECK_EQUAL(plan_change(current, request)->next.applications.size(), 2u);
  request.prune = true;
  const auto pruned = plan_change(current, request);
  CAF_REQUIRE(pruned.has_value());
  CAF_REQUIRE_EQUAL(pruned->changes.size(), 1u);
  CAF_CHECK(pruned->changes[0].what == action::erase);
  CAF_CHECK_EQUAL(pruned->changes[0].name, "zoo");
  CAF_CHECK(pruned->writes[0].what == postern::runtime::store_change::action::erase);
  CAF_CHECK_EQUAL(pruned->next.applications.size(), 1u);
}

CAF_TEST(no application takes a host name of the service) {
  const std::vector<std::string> own{"service.example.com", "wiki.example.com"};
  auto thief = sample("thief");
  thief.external_url = "https://Service.Example.com:8443/below/";
  const auto refused = plan_change(sample_published(), {.applications = {thief}}, own);
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(refused.error().cause, "published_invalid");
  CAF_CHECK(refused.error().detail.starts_with("application \"thief\": external_url: "));
  // One that was there before the service took its name does not stand in the way of others.
  CAF_CHECK(plan_change(sample_published(), {.applications = {sample("zoo")}}, own).has_value());
}

CAF_TEST(the outcome is validated as a whole) {
  const auto cause = [](const change_request& request) {
    const auto plan = plan_change(sample_published(), request);
    return plan ? std::string{} : plan.error().cause;
  };
  auto homeless = sample("other");
  homeless.group = "nowhere";
  auto twin = sample("twin");
  twin.external_url = sample("wiki").external_url;
  CAF_CHECK_EQUAL(cause({.applications = {homeless}}), "published_invalid");
  CAF_CHECK_EQUAL(cause({.applications = {twin}}), "published_invalid");
  CAF_CHECK_EQUAL(cause({.erase_groups = {"berlin"}}), "published_invalid");
  CAF_CHECK_EQUAL(cause({.groups = {{"No Such Name!"}}}), "published_invalid");
  CAF_CHECK_EQUAL(cause({.erase_groups = {"berlin"}, .erase_applications = {"wiki"}}), "");
}

CAF_TEST(contradictions and unknown names are refused) {
  const auto refused = [](const change_request& request) {
    return plan_change(sample_published(), request).error();
  };
  CAF_CHECK_EQUAL(refused({.groups = {{"a"}, {"a"}}}).cause, "change_contradictory");
  CAF_CHECK_EQUAL(refused({.applications = {sample("wiki")}, .erase_applications = {"wiki"}}).cause,
                  "change_contradictory");
  const auto unknown = refused({.erase_applications = {"nothing"}});
  CAF_CHECK_EQUAL(unknown.cause, "application_unknown");
  CAF_CHECK(unknown.category == postern::runtime::error_category::not_found);
  CAF_CHECK_EQUAL(refused({.erase_groups = {"nothing"}}).cause, "group_unknown");
}

CAF_TEST(what was written is read again) {
  auto current = sample_published();
  current.version = 9;
  const auto plan = plan_change({}, {.groups = current.groups, .applications = {sample("wiki")}});
  const auto record = [&](size_t i) {
    return postern::runtime::stored_record{plan->writes[i].kind, plan->writes[i].key,
                                           plan->writes[i].value, 1};
  };
  const auto back = read_published({record(0)}, {record(1)}, 9);
  CAF_CHECK_EQUAL(back.version, 9u);
  CAF_CHECK(back.groups == current.groups);
  CAF_CHECK(back.applications == current.applications);
}

CAF_TEST(a damaged record takes nothing else down) {
  const auto good = boost::json::serialize(config::to_json(sample("wiki")));
  const auto back = read_published({{"group", "berlin", R"({"name":"berlin"})", 1}},
                                   {{"application", "a", "{", 1},
                                    {"application", "b", R"({"name":"b","invented":1})", 1},
                                    {"application", "wiki", good, 1}},
                                   1);
  CAF_REQUIRE_EQUAL(back.applications.size(), 1u);
  CAF_CHECK_EQUAL(back.applications[0].name, "wiki");
}
