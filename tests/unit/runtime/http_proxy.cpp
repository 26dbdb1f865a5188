#define CAF_SUITE http_proxy
#include "runtime/http_proxy.hpp"

#include <caf/test/dsl.hpp>

#include <map>

using namespace postern::runtime;

namespace {

bool is_direct(std::vector<std::string> exceptions, std::string_view host, uint16_t port = 443) {
  const proxy_settings settings{{.host = "proxy", .port = 3128, .credentials = {}},
                                std::move(exceptions)};
  return settings.proxy_for(host, port) == nullptr;
}

std::shared_ptr<const proxy_settings> from(std::map<std::string, std::string> environment,
                                           const std::vector<std::string>& more = {}) {
  auto found = proxy_settings::from_environment(
      [&](const char* name) -> const char* {
        const auto at = environment.find(name);
        return at == environment.end() ? nullptr : at->second.c_str();
      },
      more);
  CAF_REQUIRE(found.has_value());
  return *found;
}

http_proxy read(std::string_view url) {
  auto proxy = parse_proxy(url);
  CAF_REQUIRE(proxy.has_value());
  return std::move(*proxy);
}

}  // namespace

CAF_TEST(a URL names host and port) {
  const auto proxy = parse_proxy("http://proxy.corp:3128");
  CAF_REQUIRE(proxy.has_value());
  CAF_CHECK_EQUAL(proxy->host, "proxy.corp");
  CAF_CHECK_EQUAL(proxy->port, 3128);
  CAF_CHECK_EQUAL(proxy->credentials, "");
  CAF_CHECK(read("proxy.corp:8080").port == 8080);
  CAF_CHECK(read("http://proxy.corp/").port == 80);
  CAF_CHECK(read("http://[::1]:81").host == "::1");
  CAF_CHECK(read("http://[::1]:81").shown() == "[::1]:81");
}

CAF_TEST(credentials are decoded and not shown) {
  const auto proxy = parse_proxy("http://joe:p%40ss%3A@proxy:1");
  CAF_REQUIRE(proxy.has_value());
  CAF_CHECK_EQUAL(proxy->credentials, "joe:p@ss:");
  CAF_CHECK_EQUAL(proxy->shown(), "proxy:1");
}

CAF_TEST(what is no proxy is refused without showing it) {
  for (const auto* text :
       {"", "https://proxy:1", "socks5://proxy:1", "http://joe:secret@", "http://",
        "http://proxy:0", "http://joe:secret@proxy:99999", "http://proxy/path"}) {
    const auto proxy = parse_proxy(text);
    CAF_MESSAGE(text);
    CAF_REQUIRE(!proxy.has_value());
    CAF_CHECK_EQUAL(proxy.error().cause, "proxy_malformed");
    CAF_CHECK(proxy.error().detail.find("secret") == std::string::npos);
  }
}

CAF_TEST(names stand for themselves and what is below) {
  CAF_CHECK(is_direct({"corp.example"}, "corp.example"));
  CAF_CHECK(is_direct({"corp.example"}, "Wiki.Corp.example"));
  CAF_CHECK(is_direct({".corp.example"}, "corp.example"));
  CAF_CHECK(is_direct({"corp.example"}, "wiki.corp.example."));
  CAF_CHECK(!is_direct({"corp.example"}, "mycorp.example"));
  CAF_CHECK(!is_direct({"corp.example"}, "example"));
  CAF_CHECK(is_direct({"x", "*"}, "anything"));
  CAF_CHECK(!is_direct({}, "anything"));
}

CAF_TEST(addresses and networks are exceptions too) {
  CAF_CHECK(is_direct({"10.1.2.3"}, "10.1.2.3"));
  CAF_CHECK(is_direct({"10.0.0.0/8"}, "10.200.0.1"));
  CAF_CHECK(!is_direct({"10.0.0.0/8"}, "11.0.0.1"));
  CAF_CHECK(!is_direct({"10.0.0.0/8"}, "host"));
  CAF_CHECK(is_direct({"fd00::/8"}, "fd12::1"));
  CAF_CHECK(is_direct({"[::1]"}, "::1"));
  CAF_CHECK(is_direct({"::1"}, "::1"));
  CAF_CHECK(!is_direct({"nonsense/8"}, "10.0.0.1"));
}

CAF_TEST(an exception may be for one port) {
  CAF_CHECK(is_direct({"corp.example:8443"}, "corp.example", 8443));
  CAF_CHECK(!is_direct({"corp.example:8443"}, "corp.example", 443));
  CAF_CHECK(is_direct({"10.1.2.3:80"}, "10.1.2.3", 80));
  CAF_CHECK(is_direct({"[::1]:80"}, "::1", 80));
  CAF_CHECK(!is_direct({"[::1]:80"}, "::1", 81));
}

CAF_TEST(the environment speaks in both spellings) {
  CAF_CHECK(from({}) == nullptr);
  CAF_CHECK(from({{"https_proxy", ""}}) == nullptr);
  const auto host = [](const std::map<std::string, std::string>& environment) {
    return from(environment)->proxy().host;
  };
  CAF_CHECK_EQUAL(host({{"https_proxy", "http://a:1"}, {"HTTPS_PROXY", "http://b:1"}}), "a");
  CAF_CHECK_EQUAL(host({{"HTTPS_PROXY", "http://b:1"}, {"all_proxy", "http://c:1"}}), "b");
  CAF_CHECK_EQUAL(host({{"ALL_PROXY", "http://c:1"}}), "c");
  const auto some =
      from({{"https_proxy", "http://a:1"}, {"NO_PROXY", "x.example, y.example"}}, {"z"});
  CAF_CHECK(!some->proxy_for("x.example", 443));
  CAF_CHECK(!some->proxy_for("y.example", 443));
  CAF_CHECK(!some->proxy_for("z", 443));
  CAF_CHECK(some->proxy_for("w.example", 443));
}
