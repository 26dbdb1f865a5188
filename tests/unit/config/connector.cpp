#define CAF_SUITE connector

#include "config/connector.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;

namespace {

std::string refusal(const std::string& text) {
  auto c = parse_connector(text, "c.toml");
  return c ? "accepted" : to_string(c.error());
}

const std::string service = "service = \"https://connect.example.com\"\n";

}  // namespace

CAF_TEST(the service is enough) {
  auto c = parse_connector(service, "/state/connector.toml");
  CAF_REQUIRE(c.has_value());
  CAF_CHECK_EQUAL(c->service, "https://connect.example.com/");
  CAF_CHECK_EQUAL(c->log.level, "info");
  CAF_CHECK(c->find_origin("wiki") == nullptr);
}

CAF_TEST(what is written is read back) {
  connector c;
  c.service = "https://connect.example.com:8443/";
  c.ca_file = "/state/ca.pem";
  c.name = "hq \"1\"";
  c.log.format = "json";
  c.log.access = false;
  c.origins = {{"wiki", "/ca.pem", "/client.pem", "wiki.corp", 443, "10.0.0.5"},
               {"chat", "", "", "", 0, ""}};
  c.proxy = "http://proxy.corp:3128";
  c.proxy_credentials_file = "/proxy";
  c.no_proxy = {"corp", "10.0.0.0/8"};
  auto again = parse_connector(to_toml(c), "/state/connector.toml");
  CAF_REQUIRE(again.has_value());
  CAF_CHECK_EQUAL(again->service, c.service);
  CAF_CHECK_EQUAL(again->ca_file, c.ca_file);
  CAF_CHECK_EQUAL(again->name, c.name);
  CAF_CHECK_EQUAL(again->log.format, "json");
  CAF_CHECK(!again->log.access);
  CAF_CHECK(again->origins == c.origins);
  CAF_CHECK(again->find_origin("chat") == &again->origins[1]);
}

CAF_TEST(the service is an https URL without a path) {
  CAF_CHECK_EQUAL(refusal(""), "c.toml: service: expected an http or https URL, found nothing");
  CAF_CHECK_EQUAL(
      refusal("service = \"http://a/\"\n"),
      R"(c.toml:1: service: expected an https URL without a path, such as "https://connect.example.com", found "http://a/")");
  CAF_CHECK_NOT_EQUAL(refusal("service = \"https://a/b/\"\n"), "accepted");
}

CAF_TEST(malformed overrides are refused at their line) {
  for (auto resolve :
       {"wiki", "wiki=10.0.0.5", "wiki:443=host", "wiki:0=10.0.0.5", "wiki:70000=10.0.0.5",
        "10.0.0.1:443=10.0.0.5", "wiki:443", ":443=10.0.0.5", "wiki:=10.0.0.5"}) {
    auto text =
        refusal(service + "[[origin]]\napplication = \"wiki\"\nresolve = \"" + resolve + "\"\n");
    CAF_CHECK(text.starts_with("c.toml:4: resolve: expected \"HOST:PORT=ADDRESS\""));
  }
  CAF_CHECK_EQUAL(refusal(service + "[[origin]]\nresolve = \"a:1=::1\"\n"),
                  "c.toml:2: application: expected the name of an application, found nothing");
  CAF_CHECK_EQUAL(
      refusal(service + "[[origin]]\napplication = \"a\"\n[[origin]]\napplication = \"a\"\n"),
      "c.toml:5: application: expected one [[origin]] per application, found a second one");
}

CAF_TEST(the proxy is a URL without credentials) {
  const auto refused = [](const std::string& proxy) {
    const auto c =
        parse_connector("service = \"https://a/\"\nproxy = \"" + proxy + "\"\n", "c.toml");
    return c ? std::string{} : to_string(c.error());
  };
  CAF_CHECK_EQUAL(refused("http://proxy.corp:3128"), "");
  CAF_CHECK_EQUAL(refused("http://proxy.corp/"), "");
  CAF_CHECK_EQUAL(refused("none"), "");
  CAF_CHECK(refused("https://proxy.corp:3128").find("http://HOST:PORT") != std::string::npos);
  CAF_CHECK(refused("socks5://proxy").find("http://HOST:PORT") != std::string::npos);
  const auto secret = refused("http://joe:secret@proxy.corp");
  CAF_CHECK(secret.find("proxy_credentials_file") != std::string::npos);
  CAF_CHECK(secret.find("secret") == std::string::npos);
}
