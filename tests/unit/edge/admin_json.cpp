#define CAF_SUITE admin_json
#include "edge/admin_json.hpp"

#include "config/published_json.hpp"
#include "tests/unit/edge/samples.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <caf/test/unit_test.hpp>

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::samples;
namespace json = boost::json;

namespace {

json::object parse(const char* text) {
  return json::parse(text).as_object();
}

std::string cause(const json::object& content) {
  const auto read = read_change_request(content, "alice");
  return read ? "none" : read.error().cause;
}

}  // namespace

CAF_TEST(a change request names what is put and what is erased) {
  auto content = parse(R"({"groups":[{"name":"main"}],"erase_groups":["old"],
                           "erase_applications":["a","b"],"prune":true,"dry_run":true})");
  content["applications"] = json::array{config::to_json(wiki)};
  const auto read = read_change_request(content, "alice");
  CAF_REQUIRE(read.has_value());
  CAF_CHECK_EQUAL(read->groups.at(0).name, "main");
  CAF_CHECK(read->applications.at(0) == wiki);
  CAF_CHECK_EQUAL(read->erase_groups.at(0), "old");
  CAF_CHECK_EQUAL(read->erase_applications.size(), 2u);
  CAF_CHECK(read->prune && read->dry_run);
  CAF_CHECK_EQUAL(read->by, "alice");
}

CAF_TEST(an empty change request changes nothing) {
  const auto read = read_change_request({}, "alice");
  CAF_REQUIRE(read.has_value());
  CAF_CHECK(read->groups.empty() && read->applications.empty() && !read->prune && !read->dry_run);
}

CAF_TEST(a misspelt key is refused rather than overlooked) {
  CAF_CHECK_EQUAL(cause(parse(R"({"dryrun":true})")), "json_malformed");
  for (const auto* text : {R"({"prune":"yes"})", R"({"groups":{}})", R"({"erase_groups":"x"})",
                           R"({"erase_groups":[1]})", R"({"applications":null})"})
    CAF_CHECK_EQUAL(cause(parse(text)), "json_malformed");
}

CAF_TEST(a resource that is wrong is named with what was expected) {
  const auto read =
      read_change_request(parse(R"({"groups":[{"name":"main","colour":"red"}]})"), "alice");
  CAF_REQUIRE(read.has_error());
  CAF_CHECK_EQUAL(read.error().cause, "published_invalid");
  CAF_CHECK(contains(read.error().detail, "colour"));
}

CAF_TEST(a report lists actions and fields) {
  actors::change_report report;
  report.version = 7;
  report.changes.push_back({actors::resource_change::action::update,
                            "application",
                            "wiki",
                            {{"response_timeout", {"85s", "30s"}}}});
  report.changes.push_back({actors::resource_change::action::erase, "group", "old", {}});
  CAF_CHECK(to_json(report) == parse(R"({"version":7,"changes":[
    {"action":"update","kind":"application","name":"wiki","fields":{"response_timeout":["85s","30s"]}},
    {"action":"erase","kind":"group","name":"old","fields":{}}]})"));
}

CAF_TEST(a connector that was never seen has no times) {
  actors::connector_status status;
  status.record.id = "c1";
  status.record.enrolled_at = 1'769'860'799;
  status.duplicate = true;
  const auto object = to_json(status);
  CAF_CHECK(object.at("last_seen").is_null());
  CAF_CHECK(object.at("certificate_expires").is_null());
  CAF_CHECK(object.at("enrolled_at").as_string() == "2026-01-31T11:59:59Z");
  CAF_CHECK(object.at("duplicate").as_bool());
  CAF_CHECK(!object.at("connected").as_bool());
}

CAF_TEST(a session shows its user) {
  const auto object = to_json(actors::session_status{make_session(), {}});
  CAF_CHECK(object.at("user").as_object().at("name").as_string() == "bob");
  CAF_CHECK_EQUAL(object.at("user").as_object().at("groups").as_array().size(), 1u);
  CAF_CHECK(object.at("expires_at").as_string() == "1970-01-01T01:16:40Z");
  CAF_CHECK(object.at("last_used").is_null());
}

CAF_TEST(an audit event keeps all it says) {
  actors::audit_event event;
  event.at = runtime::from_unix_seconds(1);
  event.action = "sign_in_succeeded";
  event.actor = "bob";
  const auto object = to_json(event);
  CAF_CHECK(object.at("at").as_string() == "1970-01-01T00:00:01Z");
  CAF_CHECK(object.at("actor").as_string() == "bob");
  CAF_CHECK(object.at("detail").as_string() == "");
}

CAF_TEST(a token request has defaults but for its group) {
  const auto read = read_token_request(parse(R"({"group":"main"})"), "alice");
  CAF_REQUIRE(read.has_value());
  CAF_CHECK_EQUAL(read->uses, 1u);
  CAF_CHECK(read->lifetime == std::chrono::hours{1});
  CAF_CHECK_EQUAL(read->by, "alice");
  const auto full =
      read_token_request(parse(R"({"group":"main","uses":3,"lifetime":"90s"})"), "alice");
  CAF_CHECK_EQUAL(full->uses, 3u);
  CAF_CHECK(full->lifetime == std::chrono::seconds{90});
  for (const auto* text : {R"({})", R"({"group":""})", R"({"group":1})",
                           R"({"group":"m","uses":-1})", R"({"group":"m","uses":1.5})",
                           R"({"group":"m","uses":"1"})", R"({"group":"m","lifetime":3600})",
                           R"({"group":"m","lifetime":"soon"})", R"({"group":"m","user":1})"})
    CAF_CHECK(read_token_request(parse(text), "alice").has_error());
}

CAF_TEST(an audit query is bounded) {
  CAF_CHECK(read_audit_query("", "")->limit == 100u);
  CAF_CHECK(read_audit_query("17", "5")->before == 17u);
  CAF_CHECK(read_audit_query("", "5")->limit == 5u);
  CAF_CHECK(read_audit_query("", "999999")->limit == 1'000u);
  for (const auto* bad : {"x", "-1", "1.5", "99999999999999999999"})
    CAF_CHECK(read_audit_query(bad, "").has_error() && read_audit_query("", bad).has_error());
  CAF_CHECK(read_audit_query("", "0").has_error());
}
