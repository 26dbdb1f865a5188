#define CAF_SUITE published

#include "config/published.hpp"

#include "config/published_fields.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view head = "[[group]]\nname = \"hq\"\n";

application wiki() {
  application a;
  a.name = "wiki";
  a.external_url = "https://wiki.example.com/";
  a.internal_url = "http://10.0.0.5:8080/";
  a.group = "hq";
  return a;
}

/// One application with a line changed, and what that yields.
std::string refusal(void (*change)(application&)) {
  auto a = wiki();
  change(a);
  auto checked = validate(a);
  return checked ? "accepted" : checked.error().message;
}

std::string load_refusal(const std::string& text) {
  auto loaded = parse_published(text, "p.toml");
  return loaded ? "accepted" : to_string(loaded.error());
}

std::string with_application(std::string_view lines) {
  return std::string{head} +
         "[[application]]\nname = \"wiki\"\nexternal_url = \"https://wiki.example.com/\"\n"
         "internal_url = \"http://wiki.corp/\"\ngroup = \"hq\"\n" +
         std::string{lines};
}

}  // namespace

CAF_TEST(a small file is read with all defaults) {
  auto p = parse_published(with_application(""), "p.toml");
  CAF_REQUIRE(p.has_value());
  const auto* a = p->find_application("wiki");
  CAF_REQUIRE(a != nullptr);
  CAF_CHECK(a->response_timeout == 85s);
  CAF_CHECK(a->preauthentication == preauthentication_kind::oidc);
  CAF_CHECK(a->http_only_cookie && a->secure_cookie && !a->persistent_cookie);
  CAF_CHECK(p->find_group("hq") != nullptr);
  CAF_CHECK(p->find_group("h") == nullptr);
}

CAF_TEST(resources are ordered by name whatever their order in the file) {
  auto p = parse_published(
      with_application("[[group]]\nname = \"branch\"\n[[application]]\nname = \"chat\"\n"
                       "external_url = \"https://chat.example.com/\"\n"
                       "internal_url = \"http://chat/\"\ngroup = \"branch\"\n"),
      "p.toml");
  CAF_REQUIRE(p.has_value());
  CAF_CHECK_EQUAL(p->groups[0].name, "branch");
  CAF_CHECK_EQUAL(p->applications[0].name, "chat");
  CAF_CHECK(p->find_application("wiki") == &p->applications[1]);
}

CAF_TEST(hosts are lowered and default ports dropped) {
  auto text = with_application("");
  text.replace(text.find("https://wiki.example.com/"), 25, "HTTPS://Wiki.Example.com:443/");
  auto p = parse_published(text, "p.toml");
  CAF_REQUIRE(p.has_value());
  CAF_CHECK_EQUAL(p->applications[0].external_url, "https://wiki.example.com/");
}

CAF_TEST(every field is read from the file) {
  auto p = parse_published(with_application(R"(preauthentication = "oidc"
assigned = ["user:alice", "group:staff"]
connect_timeout = "1s"
response_timeout = "2s"
idle_timeout = "1500ms"
http_only_cookie = false
secure_cookie = false
persistent_cookie = true
translate_host_header = false
validate_backend_certificate = false
maintenance = true
issuer = "https://login.example.com"
client_id = "c"
client_secret_file = "/secret"
)"),
                           "p.toml");
  CAF_REQUIRE(p.has_value());
  application want = wiki();
  want.internal_url = "http://wiki.corp/";
  want.assigned = {"user:alice", "group:staff"};
  want.connect_timeout = 1s;
  want.response_timeout = 2s;
  want.idle_timeout = 1500ms;
  want.http_only_cookie = want.secure_cookie = want.translate_host_header =
      want.validate_backend_certificate = false;
  want.persistent_cookie = want.maintenance = true;
  want.issuer = "https://login.example.com";
  want.client_id = "c";
  want.client_secret_file = "/secret";
  CAF_CHECK(p->applications[0] == want);
}

CAF_TEST(problems name file and line and what was expected) {
  CAF_CHECK_EQUAL(load_refusal(with_application("interal_url = \"x\"\n")),
                  R"(p.toml:8: unknown key "interal_url"; did you mean "internal_url"?)");
  CAF_CHECK_EQUAL(load_refusal(with_application("maintenance = \"yes\"\n")),
                  R"(p.toml:8: maintenance: expected true or false, found "yes")");
  CAF_CHECK_EQUAL(
      load_refusal(with_application("idle_timeout = 30\n")),
      R"(p.toml:8: idle_timeout: expected a duration such as "30s", found the number 30)");
  CAF_CHECK_EQUAL(load_refusal(with_application("preauthentication = \"none\"\n")),
                  R"(p.toml:8: preauthentication: expected "oidc" or "passthrough", found "none")");
  CAF_CHECK_EQUAL(
      load_refusal(with_application("assigned = [\"user:a\",\n \"bob\"]\n")),
      R"(p.toml:8: assigned: expected entries such as "user:NAME" or "group:NAME", found "bob")");
  CAF_CHECK_EQUAL(load_refusal("[[group]]\n\n[[applicaton]]\n"),
                  R"(p.toml:3: unknown key "applicaton"; did you mean "application"?)");
  CAF_CHECK_EQUAL(load_refusal("[[application]]\nname = \"wiki\"\n"),
                  "p.toml:1: external_url: expected an http or https URL, found nothing");
  CAF_CHECK_EQUAL(load_refusal("group = 1\n"),
                  "p.toml:1: group: expected tables such as [[group]], found the number 1");
  CAF_CHECK(load_refusal("[[group]]\nname = \"hq\nx").starts_with("p.toml:2: expected TOML: "));
  CAF_CHECK(load_refusal("[[group]]\nname = \"a\"\nname = \"b\"\n")
                .starts_with("p.toml:3: expected TOML: "));
}

CAF_TEST(resources that do not fit together are refused at their line) {
  CAF_CHECK_EQUAL(load_refusal(std::string{head} + std::string{head}),
                  R"(p.toml:4: name: expected a unique name, found a second group "hq")");
  auto twice = with_application(
      "[[application]]\nname = \"wiki2\"\nexternal_url = \"https://WIKI.example.com:443/\"\n"
      "internal_url = \"http://x/\"\ngroup = \"hq\"\n");
  CAF_CHECK_EQUAL(
      load_refusal(twice),
      R"(p.toml:10: external_url: expected a unique URL, found that of application "wiki")");
  auto lost = with_application("");
  lost.replace(lost.find("group = \"hq\""), 12, "group = \"hqq\"");
  CAF_CHECK_EQUAL(
      load_refusal(lost),
      R"(p.toml:7: group: expected the name of a group that exists, found "hqq"; did you mean "hq"?)");
}

CAF_TEST(two applications may share a host by path) {
  CAF_CHECK_EQUAL(
      load_refusal(with_application(
          "[[application]]\nname = \"w2\"\nexternal_url = \"https://wiki.example.com/b/\"\n"
          "internal_url = \"http://x/\"\ngroup = \"hq\"\n")),
      "accepted");
}

CAF_TEST(external URLs are https host names with a plain path) {
  CAF_CHECK_EQUAL(refusal([](application&) {}), "accepted");
  for (auto url : {"https://localhost/", "https://wiki.localhost:8443/", "https://wiki/",
                   "https://wiki.example.com/a/b/"}) {
    auto a = wiki();
    a.external_url = url;
    CAF_CHECK(validate(a).has_value());
  }
  for (auto url : {"", "wiki", "http://wiki.example.com/", "https://wiki.example.com",
                   "https://wiki.example.com/a", "https://10.0.0.1/", "https://[::1]/",
                   "https://u@wiki.example.com/", "https://wiki.example.com/?q/",
                   "https://wiki.example.com/#/", "https://wiki.example.com/%61/",
                   "https://wiki.example.com/../", "https://wiki.example.com/.postern/",
                   "https://wiki.example.com./"}) {
    auto a = wiki();
    a.external_url = url;
    CAF_CHECK(!validate(a));
  }
}

CAF_TEST(plain http outside is for passthrough only) {
  CAF_CHECK_EQUAL(refusal([](application& a) { a.external_url = "http://wiki.example.com/"; }),
                  "application \"wiki\": external_url: expected an https URL, because "
                  "preauthentication is \"oidc\", found "
                  "\"http://wiki.example.com/\"");
  CAF_CHECK_EQUAL(refusal([](application& a) {
                    a.external_url = "http://wiki.example.com/";
                    a.preauthentication = preauthentication_kind::passthrough;
                  }),
                  "accepted");
}

CAF_TEST(an assignment that would protect nothing is refused) {
  CAF_CHECK(refusal([](application& a) {
              a.preauthentication = preauthentication_kind::passthrough;
              a.assigned = {"user:alice"};
            }).starts_with("application \"wiki\": assigned: expected an empty list"));
}

CAF_TEST(names and bounds are checked) {
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.name = "Wiki"; }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.name = std::string(64, 'a'); }), "accepted");
  CAF_CHECK_EQUAL(refusal([](application& a) { a.name = std::string(63, 'a'); }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.group = "h q"; }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.connect_timeout = 0ms; }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.connect_timeout = 11min; }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.idle_timeout = 25h; }), "accepted");
  CAF_CHECK_EQUAL(refusal([](application& a) { a.idle_timeout = 24h; }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.issuer = "http://login.example.com"; }),
                      "accepted");
  CAF_CHECK_EQUAL(refusal([](application& a) { a.issuer = "http://127.0.0.1:4593/"; }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.client_id = "a\nb"; }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.assigned = {"user:"}; }), "accepted");
  CAF_CHECK(!validate(group{""}));
  CAF_CHECK(!validate(group{"a/b"}));
  CAF_CHECK(validate(group{"Head_quarters.1"}).has_value());
}

CAF_TEST(no application is a client that the tools are) {
  CAF_CHECK_EQUAL(
      refusal([](application& a) { a.name = "posternctl"; }),
      "application \"posternctl\": name: expected another name than those of the tools, "
      "found \"posternctl\"");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.name = "postern-connector"; }), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal([](application& a) { a.client_id = "postern-connector"; }),
                      "accepted");
  CAF_CHECK_EQUAL(refusal([](application& a) { a.client_id = "postern-connectors"; }), "accepted");
}

CAF_TEST(no application has a host name of the service) {
  const std::string own[] = {"service.example.com", "wiki.example.com"};
  const auto refused = validate_host(wiki(), own);
  CAF_REQUIRE(!refused.has_value());
  CAF_CHECK_EQUAL(
      refused.error().message,
      "application \"wiki\": external_url: expected another host name than those of the "
      "service itself, found \"https://wiki.example.com/\"");
  CAF_CHECK(validate_host(wiki(), {}).has_value());
}

CAF_TEST(what is said about an origin has to fit its URL) {
  using change = void (*)(application&);
  const std::pair<change, const char*> table[] = {
      {[](application& a) { a.origin_protocol = origin_protocol_kind::h2; }, "origin_protocol"},
      {[](application& a) {
         a.internal_url = "https://wiki.corp/";
         a.origin_protocol = origin_protocol_kind::h2c;
       },
       "origin_protocol"},
      {[](application& a) { a.backend_server_name = "wiki.corp"; }, "backend_server_name"},
      {[](application& a) { a.backend_client_certificate = "wiki.pem"; },
       "backend_client_certificate"},
      {[](application& a) {
         a.internal_url = "https://wiki.corp/";
         a.backend_client_certificate = "../identity.pem";
       },
       "backend_client_certificate"},
      {[](application& a) {
         a.internal_url = "https://wiki.corp/";
         a.backend_server_name = "10.0.0.1";
       },
       "backend_server_name"},
      {[](application& a) {
         a.internal_url = "https://wiki.corp/";
         a.backend_authorities = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n";
       },
       "private key"},
      {[](application& a) {
         a.internal_url = "https://wiki.corp/";
         a.backend_authorities = "corp-ca.pem";
       },
       "backend_authorities"}};
  for (const auto& [change, word] : table)
    CAF_CHECK(refusal(change).find(word) != std::string::npos);
  CAF_CHECK_EQUAL(refusal([](application& a) {
                    a.internal_url = "https://wiki.corp/";
                    a.origin_protocol = origin_protocol_kind::h2;
                    a.backend_server_name = "other.corp";
                    a.backend_client_certificate = "wiki.pem";
                  }),
                  "accepted");
}

CAF_TEST(a file of authorities is read where the TOML is) {
  const postern::test::temp_directory folder;
  const std::string pem =
      "-----BEGIN CERTIFICATE-----\nAAAABBBBCCCCDDDD\n-----END CERTIFICATE-----\n";
  folder.write("ca.pem", pem);
  auto text = with_application("backend_ca_file = \"ca.pem\"\n");
  text.replace(text.find("http://"), 7, "https://");
  auto loaded = parse_published(text, folder / "p.toml");
  CAF_REQUIRE(loaded.has_value());
  CAF_CHECK_EQUAL(loaded->applications[0].backend_authorities, pem);
  const auto again =
      parse_published(std::string{head} + to_toml(loaded->applications[0]), "q.toml");
  CAF_REQUIRE(again.has_value());
  CAF_CHECK(again->applications[0] == loaded->applications[0]);
  auto other = loaded->applications[0];
  other.backend_authorities.clear();
  auto changed = changed_fields(other, loaded->applications[0]);
  CAF_CHECK_EQUAL(changed["backend_authorities"].second, "1 certificate, ends in BBBBCCCCDDDD");
  text.replace(text.find("ca.pem"), 6, "no.pem");
  CAF_CHECK(load_refusal(text).find("backend_ca_file") != std::string::npos);
}

CAF_TEST(a snapshot is checked as a whole) {
  published p;
  p.groups = {{"hq"}};
  p.applications = {wiki()};
  CAF_CHECK(validate(p).has_value());
  p.applications.push_back(wiki());
  CAF_CHECK(!validate(p));
  p.applications.pop_back();
  p.groups.clear();
  CAF_CHECK_EQUAL(
      validate(p).error().message,
      R"(application "wiki": group: expected the name of a group that exists, found "hq")");
}

CAF_TEST(a missing file is a problem of the file as a whole) {
  auto loaded = load_published("/nonexistent/published.toml");
  CAF_REQUIRE(!loaded);
  CAF_CHECK_EQUAL(to_string(loaded.error()),
                  "/nonexistent/published.toml: expected a file, found: No such file or directory");
  CAF_CHECK_EQUAL(to_string(load_published("/").error()), "/: expected a file, found a folder");
}
