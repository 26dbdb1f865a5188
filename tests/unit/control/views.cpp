#define CAF_SUITE views

#include "control/views.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::control;

namespace {

boost::json::array array_of(const char* text) {
  return boost::json::parse(text).as_array();
}

}  // namespace

CAF_TEST(kinds are known in singular and plural) {
  CAF_CHECK_EQUAL(parse_kind("applications").value(), "applications");
  CAF_CHECK_EQUAL(parse_kind("connector").value(), "connectors");
  CAF_CHECK_EQUAL(parse_kind("audit").value(), "audit");
  CAF_CHECK(!parse_kind("audi"));
  CAF_CHECK(!parse_kind(""));
  CAF_CHECK(parse_kind("apps").error().status == exit_status::bad_input);
  CAF_CHECK(parse_kind("conectors").error().message.ends_with("; did you mean connectors?"));
  CAF_CHECK(parse_kind("weather").error().message.ends_with("found \"weather\""));
}

CAF_TEST(connectors show state and alarm) {
  auto text = view("connectors", array_of(R"([
    {"name":"hq-1","id":"5f","group":"hq","connected":true,"revoked":false,"tunnels":2,"version":"0.1.0",
     "last_seen":"2026-01-31T12:00:00Z","certificate_expires":1800000000,"duplicate":true},
    {"name":"hq-2","id":"60","group":"hq","connected":false,"revoked":false,"tunnels":0},
    {"name":"hq-3","id":"61","group":"hq","connected":true,"revoked":true,"tunnels":0},
    {"name":"hq-4","id":"62","group":"hq","connected":true,"drained":true,"tunnels":1},
    {"name":"hq-5","id":"63","group":"hq","connected":false,"drained":true,"tunnels":0}])"));
  CAF_CHECK_EQUAL(text,
                  "NAME  ID  GROUP  STATE      TUNNELS  VERSION  LAST SEEN             CERTIFICATE "
                  "EXPIRES   ALARM\n"
                  "hq-1  5f  hq     connected  2        0.1.0    2026-01-31T12:00:00Z  "
                  "2027-01-15T08:00:00Z  ALARM "
                  "duplicate identity\n"
                  "hq-2  60  hq     offline    0        -        -                     -           "
                  "          -\n"
                  "hq-3  61  hq     revoked    0        -        -                     -           "
                  "          -\n"
                  "hq-4  62  hq     draining   1        -        -                     -           "
                  "          -\n"
                  "hq-5  63  hq     drained    0        -        -                     -           "
                  "          -\n");
}

CAF_TEST(nodes show who answers and how the others are reached and what is there) {
  CAF_CHECK_EQUAL(parse_kind("node").value(), "nodes");
  CAF_CHECK_EQUAL(view("nodes", array_of(R"([
    {"address":"192.0.2.1:7443","self":true,"connected":true,"draining":false,"version":"0.1.0","groups":[]},
    {"address":"192.0.2.2:7443","self":false,"connected":true,"draining":false,"version":"0.1.0",
     "connectors_address":"192.0.2.2:443","groups":["hq","lab"]},
    {"address":"192.0.2.3:7443","connected":false,"version":"","groups":[]}])")),
                  "NODE            STATE        VERSION  CONNECTORS DIAL  GROUPS WITH TUNNELS\n"
                  "192.0.2.1:7443  this node    0.1.0    -                -\n"
                  "192.0.2.2:7443  connected    0.1.0    192.0.2.2:443    hq, lab\n"
                  "192.0.2.3:7443  unreachable  -        -                -\n");
}

CAF_TEST(a node that is alone or leaves is shown as such) {
  CAF_CHECK_EQUAL(view("nodes", array_of(R"([{"address":"","self":true,"connected":true}])")),
                  "NODE  STATE      VERSION  CONNECTORS DIAL  GROUPS WITH TUNNELS\n"
                  "self  this node  -        -                -\n");
  CAF_CHECK_EQUAL(
      view("nodes", array_of(R"([{"address":"","self":true,"connected":true,"draining":true}])")),
      "NODE  STATE     VERSION  CONNECTORS DIAL  GROUPS WITH TUNNELS\n"
      "self  draining  -        -                -\n");
}

CAF_TEST(a session names its user in either form) {
  auto text =
      view("sessions", array_of(R"([{"id":"1","user":"alice"},{"id":"2","user":{"name":"bob"}}])"));
  CAF_CHECK_NOT_EQUAL(text.find("alice"), std::string::npos);
  CAF_CHECK_NOT_EQUAL(text.find("bob"), std::string::npos);
}

CAF_TEST(an empty list is said in words) {
  CAF_CHECK_EQUAL(view("groups", {}), "no groups\n");
}

CAF_TEST(lists come bare or named and single things are lists of one) {
  CAF_CHECK_EQUAL(list_of("groups", boost::json::parse(R"([{"name":"a"}])"))->size(), 1u);
  CAF_CHECK_EQUAL(
      list_of("groups", boost::json::parse(R"({"groups":[{"name":"a"},{"name":"b"}]})"))->size(),
      2u);
  CAF_CHECK_EQUAL(list_of("groups", boost::json::parse(R"({"name":"a"})"))->size(), 1u);
  CAF_CHECK(!list_of("groups", boost::json::parse("1")));
  CAF_CHECK(!list_of("groups", boost::json::parse(R"({"groups":1})")));
}
