#define CAF_SUITE connector_configuration
#include "actors/connector_configuration.hpp"

#include "tests/unit/actors/connector_fixture.hpp"

#include <boost/json.hpp>

#include <functional>

using namespace postern::actors;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

postern::config::application wiki() {
  postern::config::application a;
  a.name = "wiki";
  a.internal_url = "http://wiki.internal:8080/";
  a.external_url = "https://wiki.example.com/";
  a.group = "datacentre";
  a.connect_timeout = 1'500ms;
  a.response_timeout = 60s;
  a.idle_timeout = 10min;
  a.validate_backend_certificate = false;
  a.assigned = {"user:alice"};
  a.client_secret_file = "/somewhere/secret";
  return a;
}

connector_configuration sample() {
  connector_configuration c;
  c.version = 9'007'199'254'740'991;
  c.connector = "0123456789abcdef";
  c.group = "datacentre";
  c.tunnels = 3;
  c.exchanges = 500;
  c.renew_certificate = true;
  c.applications = {for_connector(wiki())};
  return c;
}

/// The cause of the refusal of a sample that was changed.
std::string cause_after(const std::function<void(json::object&)>& change) {
  auto o = json::parse(encode_connector_configuration(sample())).as_object();
  change(o);
  const auto r = decode_connector_configuration(json::serialize(o));
  return r.has_error() ? r.error().cause : "accepted";
}

std::string cause_of(std::string_view text) {
  const auto r = decode_connector_configuration(text);
  return r.has_error() ? r.error().cause : "accepted";
}

json::object& first_application(json::object& o) {
  return o["applications"].as_array().front().as_object();
}

}  // namespace

CAF_TEST(what is encoded is decoded the same) {
  const auto back = decode_connector_configuration(encode_connector_configuration(sample()));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK_EQUAL(back->version, sample().version);
  CAF_CHECK_EQUAL(back->connector, sample().connector);
  CAF_CHECK_EQUAL(back->group, "datacentre");
  CAF_CHECK_EQUAL(back->tunnels, 3u);
  CAF_CHECK_EQUAL(back->exchanges, 500u);
  CAF_CHECK(back->renew_certificate);
  CAF_CHECK(back->applications == sample().applications);
}

CAF_TEST(only a drained connector reads that it is drained and its version differs) {
  auto c = sample();
  CAF_CHECK_EQUAL(encode_connector_configuration(c).find("drained"), std::string::npos);
  CAF_CHECK(!decode_connector_configuration(encode_connector_configuration(c))->drained);
  const auto before = content_version(c, 1);
  c.drained = true;
  CAF_CHECK(decode_connector_configuration(encode_connector_configuration(c))->drained);
  CAF_CHECK_NOT_EQUAL(content_version(c, 1), before);
}

CAF_TEST(a configuration without applications is decoded) {
  auto c = sample();
  c.applications.clear();
  const auto back = decode_connector_configuration(encode_connector_configuration(c));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(back->applications.empty());
}

CAF_TEST(users and names of secrets and the external name stay on the node) {
  const auto text = encode_connector_configuration(sample());
  CAF_CHECK_EQUAL(text.find("alice"), std::string::npos);
  CAF_CHECK_EQUAL(text.find("secret"), std::string::npos);
  CAF_CHECK_EQUAL(text.find("example.com"), std::string::npos);
}

CAF_TEST(unknown fields are ignored) {
  CAF_CHECK_EQUAL(cause_after([](json::object& o) {
                    o["later"] = json::array{1, 2};
                    first_application(o)["kerberos"] = json::object{};
                  }),
                  "accepted");
}

// As a node of version 0.1.0 sent it to connectors of 0.1.0.
constexpr std::string_view recorded =
    R"({"wire_version":1,"version":9007199254740991,"connector":"0123456789abcdef","group":"datacentre",)"
    R"("tunnels":3,"exchanges":500,"renew_certificate":true,"applications":[{"name":"wiki",)"
    R"("internal_url":"http://wiki.internal:8080/","group":"datacentre","connect_timeout":"1500ms",)"
    R"("response_timeout":"1m","idle_timeout":"10m","validate_backend_certificate":false}]})";

CAF_TEST(what version 0.1.0 sent is read) {
  const auto read = decode_connector_configuration(recorded);
  CAF_REQUIRE(read.has_value());
  CAF_CHECK_EQUAL(read->version, sample().version);
  CAF_CHECK_EQUAL(read->tunnels, 3u);
  CAF_CHECK(read->renew_certificate);
  CAF_CHECK(read->applications == sample().applications);
}

CAF_TEST(what version 0.1.0 has to read is there as it expects it) {
  // A field that an old connector needs may neither go nor change its meaning.
  auto ours = json::parse(encode_connector_configuration(sample())).as_object();
  const auto theirs = json::parse(recorded).as_object();
  auto& application = first_application(ours);
  for (const auto& [name, value] : theirs)
    if (name != "applications") CAF_CHECK_EQUAL(ours[name], value);
  for (const auto& [name, value] : theirs.at("applications").as_array()[0].as_object())
    CAF_CHECK_EQUAL(application[name], value);
}

CAF_TEST(an application that needs what is not there is left out and the others are not) {
  auto o = json::parse(encode_connector_configuration(sample())).as_object();
  auto newer = first_application(o);
  newer["name"] = "later";
  newer["origin_protocol"] = "http9";
  o["applications"].as_array().emplace_back(newer);
  const auto read = decode_connector_configuration(json::serialize(o));
  CAF_REQUIRE(read.has_value());
  CAF_CHECK(read->applications == sample().applications);
}

CAF_TEST(absent timeouts get their defaults) {
  auto o = json::parse(encode_connector_configuration(sample())).as_object();
  first_application(o).erase("response_timeout");
  first_application(o).erase("validate_backend_certificate");
  const auto back = decode_connector_configuration(json::serialize(o));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(back->applications.front().response_timeout == 85s);
  CAF_CHECK(back->applications.front().validate_backend_certificate);
}

CAF_TEST(another wire version is refused by its own name) {
  const auto cause = [](const json::value& v) {
    return cause_after([&](json::object& o) { o["wire_version"] = v; });
  };
  CAF_CHECK_EQUAL(cause(2), "configuration_wire_version");
  CAF_CHECK_EQUAL(cause(0), "configuration_malformed");
  CAF_CHECK_EQUAL(cause("1"), "configuration_malformed");
  CAF_CHECK_EQUAL(cause_after([](json::object& o) { o.erase("wire_version"); }),
                  "configuration_malformed");
}

CAF_TEST(text that is no JSON object is refused) {
  for (const auto* text : {"", "{", "[]", "null", "\"x\"", "{\"wire_version\":1}", "{} {}"})
    CAF_CHECK_EQUAL(cause_of(text), "configuration_malformed");
  CAF_CHECK_EQUAL(cause_of(std::string(100'000, '[')), "configuration_malformed");
}

CAF_TEST(a text beyond the bound is not read) {
  CAF_CHECK_EQUAL(cause_of(std::string(largest_connector_configuration + 1, ' ')),
                  "configuration_too_large");
}

CAF_TEST(every field that has to be there is missed) {
  for (const auto* field :
       {"version", "connector", "group", "tunnels", "exchanges", "applications"})
    CAF_CHECK_EQUAL(cause_after([&](json::object& o) { o.erase(field); }),
                    "configuration_malformed");
  for (const auto* field : {"name", "internal_url", "group"})
    CAF_CHECK_EQUAL(cause_after([&](json::object& o) { first_application(o).erase(field); }),
                    "configuration_malformed");
}

CAF_TEST(values of a wrong type or out of bounds are refused) {
  const std::vector<std::pair<const char*, json::value>> wrong{{"version", 0},
                                                               {"version", -1},
                                                               {"version", 1.5},
                                                               {"version", "1"},
                                                               {"version", uint64_t{1} << 53},
                                                               {"connector", ""},
                                                               {"connector", 7},
                                                               {"group", nullptr},
                                                               {"tunnels", 0},
                                                               {"tunnels", 65},
                                                               {"exchanges", 0},
                                                               {"exchanges", 100'001},
                                                               {"applications", json::object{}},
                                                               {"applications", json::array{1}},
                                                               {"renew_certificate", "yes"}};
  for (const auto& [field, value] : wrong)
    CAF_CHECK_EQUAL(cause_after([&, f = field, v = value](json::object& o) { o[f] = v; }),
                    "configuration_malformed");
  const std::vector<std::pair<const char*, json::value>> wrong_within{
      {"name", 1},
      {"internal_url", "ftp://x/"},
      {"internal_url", "nonsense"},
      {"connect_timeout", 5},
      {"idle_timeout", "5 parsecs"},
      {"validate_backend_certificate", 1}};
  for (const auto& [field, value] : wrong_within)
    CAF_CHECK_EQUAL(
        cause_after([&, f = field, v = value](json::object& o) { first_application(o)[f] = v; }),
        "configuration_malformed");
}

CAF_TEST(the version follows the content and nothing else) {
  const auto version = [](const connector_configuration& c) {
    return content_version(c, digest(c.applications));
  };
  const auto base = version(sample());
  CAF_CHECK_EQUAL(version(sample()), base);
  CAF_CHECK(base > 0);
  CAF_CHECK(base < uint64_t{1} << 53);
  std::vector<std::function<void(connector_configuration&)>> changes{
      [](auto& c) { c.connector = "other"; },
      [](auto& c) { c.group = "other"; },
      [](auto& c) { c.tunnels = 4; },
      [](auto& c) { c.exchanges = 501; },
      [](auto& c) { c.renew_certificate = false; },
      [](auto& c) { c.applications.clear(); },
      [](auto& c) { c.applications.push_back(c.applications.front()); },
      [](auto& c) { c.applications.front().internal_url = "http://wiki.internal/"; },
      [](auto& c) { c.applications.front().idle_timeout = 1s; },
      [](auto& c) { c.applications.front().validate_backend_certificate = true; }};
  for (const auto& change : changes) {
    auto c = sample();
    change(c);
    CAF_CHECK(version(c) != base);
  }
  auto c = sample();
  c.version = 1;
  CAF_CHECK_EQUAL(version(c), base);
}

CAF_TEST(the version is the same on every machine) {
  // Computed elsewhere: the upper 53 bits of FNV-1a of ["c","g",2,1000,false,<empty digest>].
  connector_configuration c;
  c.connector = "c";
  c.group = "g";
  CAF_CHECK_EQUAL(content_version(c, digest({})), 4390701480963736u);
}
