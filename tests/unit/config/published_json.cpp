#define CAF_SUITE published_json

#include "config/published_json.hpp"

#include "config/published_fields.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::config;
using namespace std::chrono_literals;

namespace {

application wiki() {
  application a;
  a.name = "wiki";
  a.external_url = "https://wiki.example.com/";
  a.internal_url = "http://wiki.corp/";
  a.group = "hq";
  a.assigned = {"user:alice"};
  a.connect_timeout = 1500ms;
  a.secure_cookie = false;
  a.preauthentication = preauthentication_kind::oidc;
  a.client_id = "c";
  return a;
}

std::string refusal(std::string_view text) {
  auto a =
      application_from_json(boost::json::parse(boost::json::string_view{text.data(), text.size()}));
  return a ? "accepted" : a.error().message;
}

}  // namespace

CAF_TEST(every field is written) {
  auto object = to_json(application{});
  CAF_CHECK_EQUAL(object.size(), field_names().size());
  CAF_CHECK_EQUAL(boost::json::serialize(object["response_timeout"]), "\"85s\"");
  CAF_CHECK_EQUAL(boost::json::serialize(object["preauthentication"]), "\"oidc\"");
}

CAF_TEST(what is written is read back) {
  auto a = application_from_json(to_json(wiki()));
  CAF_REQUIRE(a.has_value());
  CAF_CHECK(*a == wiki());
  CAF_CHECK(*group_from_json(to_json(group{"hq"})) == group{"hq"});
}

CAF_TEST(absent fields get their defaults and URLs their normal form) {
  auto a = application_from_json(boost::json::parse(
      R"({"name":"wiki","external_url":"https://WIKI.example.com:443/","internal_url":"http://wiki.corp/","group":"hq"})"));
  CAF_REQUIRE(a.has_value());
  CAF_CHECK_EQUAL(a->external_url, "https://wiki.example.com/");
  CAF_CHECK(a->idle_timeout == 180s);
}

CAF_TEST(each refusal names resource and field) {
  CAF_CHECK_EQUAL(refusal("[]"), "application: expected an object, found a list");
  CAF_CHECK_EQUAL(refusal(R"({"name":"wiki","grup":"hq"})"),
                  R"(application "wiki": unknown key "grup"; did you mean "group"?)");
  CAF_CHECK_EQUAL(refusal(R"({"name":"wiki","maintenance":1})"),
                  R"(application "wiki": maintenance: expected true or false, found a number)");
  CAF_CHECK_EQUAL(
      refusal(R"({"name":"wiki","idle_timeout":30})"),
      R"(application "wiki": idle_timeout: expected a duration such as "30s", found a number)");
  CAF_CHECK_EQUAL(refusal(R"({"name":"wiki","idle_timeout":"soon"})").substr(0, 44),
                  R"(application "wiki": idle_timeout: expected a)");
  CAF_CHECK_EQUAL(refusal(R"({"name":"wiki","assigned":"user:alice"})"),
                  R"(application "wiki": assigned: expected a list of texts, found a text)");
  CAF_CHECK_EQUAL(refusal(R"({"name":"wiki","assigned":[null]})"),
                  R"(application "wiki": assigned: expected a list of texts, found null)");
  CAF_CHECK_EQUAL(
      refusal(R"({"name":"wiki","preauthentication":"none"})"),
      R"(application "wiki": preauthentication: expected "oidc" or "passthrough", found "none")");
  CAF_CHECK_EQUAL(refusal(R"({"name":{}})"), "application: name: expected a text, found an object");
  CAF_CHECK_EQUAL(
      refusal(R"({"name":"wiki"})"),
      R"(application "wiki": external_url: expected an http or https URL, found nothing)");
}

CAF_TEST(groups are checked too) {
  CAF_CHECK(!group_from_json(boost::json::parse(R"({"name":"a b"})")));
  CAF_CHECK(!group_from_json(boost::json::parse(R"({"name":1})")));
  CAF_CHECK(!group_from_json(boost::json::parse(R"({"name":"a","x":1})")));
  CAF_CHECK(!group_from_json(boost::json::parse("null")));
}
