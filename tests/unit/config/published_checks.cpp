#define CAF_SUITE published_checks
// The bounds, the field that a problem is pinned to, and what fits together; the rules as people
// meet them stand in published.cpp.
#include "config/published_checks.hpp"

#include <caf/test/dsl.hpp>

#include <functional>

using namespace postern::config;
using namespace std::chrono_literals;

namespace {

application wiki() {
  application a;
  a.name = "wiki";
  a.external_url = "https://wiki.example.com/";
  a.internal_url = "https://wiki.corp/";
  a.group = "hq";
  return a;
}

std::string field_of(const std::optional<field_problem>& wrong) {
  return wrong ? std::string{wrong->field} : "fine";
}

/// The field that is wrong once the application was changed.
std::string wrong_after(const std::function<void(application&)>& change) {
  auto a = wiki();
  change(a);
  return field_of(check(a));
}

std::string certificates(size_t size) {
  std::string pem = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
  return pem.append(size - pem.size(), '\n');
}

}  // namespace

CAF_TEST(names of groups and applications have 1 to 63 characters of their own alphabets) {
  CAF_CHECK_EQUAL(field_of(check(group{std::string(63, 'Z')})), "fine");
  CAF_CHECK_EQUAL(field_of(check(group{std::string(64, 'Z')})), "name");
  for (const auto* name : {"", "a b", "a/b", "a\n", "\xc3\xa4"})
    CAF_CHECK_EQUAL(field_of(check(group{name})), "name");
  for (const auto* name : {"", "A", "a_b", "a.b", "a b"})
    CAF_CHECK_EQUAL(wrong_after([&](application& a) { a.name = name; }), "name");
  CAF_CHECK_EQUAL(wrong_after([](application& a) { a.group = std::string(64, 'g'); }), "group");
}

CAF_TEST(of several problems the first field is named) {
  CAF_CHECK_EQUAL(wrong_after([](application& a) {
                    a.client_id = "a\nb";
                    a.idle_timeout = 0ms;
                    a.internal_url = "nowhere";
                  }),
                  "internal_url");
  CAF_CHECK_EQUAL(wrong_after([](application& a) {
                    a.client_id = "a\nb";
                    a.idle_timeout = 0ms;
                  }),
                  "idle_timeout");
}

CAF_TEST(an internal URL may be an address and has to be whole) {
  for (const auto* url : {"http://10.0.0.5:8080/", "https://[fd00::5]/", "http://wiki/a/b/"})
    CAF_CHECK_EQUAL(wrong_after([&](application& a) { a.internal_url = url; }), "fine");
  for (const auto* url : {"", "http://wiki", "http://wiki/a", "ftp://wiki/", "http://u:p@wiki/",
                          "http://wiki/?q=/", "http://wiki:0/", "http://wiki:65536/"})
    CAF_CHECK_EQUAL(wrong_after([&](application& a) { a.internal_url = url; }), "internal_url");
}

CAF_TEST(the path of sign in is reserved wherever it stands) {
  for (const auto* path : {"/.postern/", "/a/.postern/", "/.postern/b/", "/a/.postern/b/"})
    CAF_CHECK_EQUAL(wrong_after([&](application& a) {
                      a.external_url = std::string{"https://wiki.example.com"} + path;
                    }),
                    "external_url");
  CAF_CHECK_EQUAL(
      wrong_after([](application& a) { a.external_url = "https://wiki.example.com/.posterns/"; }),
      "fine");
}

CAF_TEST(assignments are bounded in number and in length) {
  const auto with = [](size_t count, const std::string& entry) {
    return wrong_after([&](application& a) { a.assigned.assign(count, entry); });
  };
  CAF_CHECK_EQUAL(with(10'000, "user:alice"), "fine");
  CAF_CHECK_EQUAL(with(10'001, "user:alice"), "assigned");
  CAF_CHECK_EQUAL(with(1, "user:" + std::string(251, 'x')), "fine");
  CAF_CHECK_EQUAL(with(1, "user:" + std::string(252, 'x')), "assigned");
  CAF_CHECK_EQUAL(with(1, "group:a: b"), "fine");
  for (const auto* entry : {"", "alice", "user:", "group:", "User:alice", "role:x", "user:a\x7f"})
    CAF_CHECK_EQUAL(with(1, entry), "assigned");
}

CAF_TEST(every timeout has its bounds) {
  const auto with = [](milliseconds application::* which, milliseconds value) {
    return wrong_after([&](application& a) { a.*which = value; });
  };
  for (const auto& [which, name, longest] :
       {std::tuple{&application::connect_timeout, "connect_timeout", milliseconds{10min}},
        {&application::response_timeout, "response_timeout", milliseconds{24h}},
        {&application::idle_timeout, "idle_timeout", milliseconds{24h}}}) {
    CAF_CHECK_EQUAL(with(which, 0ms), name);
    CAF_CHECK_EQUAL(with(which, 1ms), "fine");
    CAF_CHECK_EQUAL(with(which, longest), "fine");
    CAF_CHECK_EQUAL(with(which, longest + 1ms), name);
  }
}

CAF_TEST(authorities are certificates and not more than connectors should pull) {
  const auto with = [](const std::string& pem) {
    return wrong_after([&](application& a) { a.backend_authorities = pem; });
  };
  const auto good = certificates(1'000);
  CAF_CHECK_EQUAL(with(certificates(32 * 1'024)), "fine");
  for (const auto& pem :
       {certificates(32 * 1'024 + 1), good.substr(0, 40), good + std::string(1, '\0'),
        std::string{"-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n"},
        good + "-----BEGIN EC PRIVATE KEY-----\n"})
    CAF_CHECK_EQUAL(with(pem), "backend_authorities");
}

CAF_TEST(a client certificate is a file in the folder of the connector and no other) {
  const auto with = [](const std::string& file) {
    return wrong_after([&](application& a) { a.backend_client_certificate = file; });
  };
  for (const auto& file : {std::string{"Wiki-1_a.pem"}, std::string(63, 'f')})
    CAF_CHECK_EQUAL(with(file), "fine");
  for (const auto& file :
       {std::string{"."}, std::string{".."}, std::string{".wiki.pem"}, std::string{"a/b"},
        std::string{"/a"}, std::string{"a\\b"}, std::string{"a b"}, std::string(64, 'f')})
    CAF_CHECK_EQUAL(with(file), "backend_client_certificate");
}

CAF_TEST(an issuer is reached by https unless it is on this machine) {
  for (const auto* url : {"", "https://login.example.com/realm", "http://localhost:8080",
                          "http://[::1]:8080", "http://127.0.0.1/"})
    CAF_CHECK_EQUAL(wrong_after([&](application& a) { a.issuer = url; }), "fine");
  for (const auto* url : {"login.example.com", "http://login.example.com", "http://10.0.0.1/",
                          "http://127.0.0.1.example.com/", "https://login.example.com/?x"})
    CAF_CHECK_EQUAL(wrong_after([&](application& a) { a.issuer = url; }), "issuer");
}

CAF_TEST(texts about a client have a bound) {
  const std::string longest(1'024, 'x');
  CAF_CHECK_EQUAL(wrong_after([&](application& a) { a.client_id = longest; }), "fine");
  CAF_CHECK_EQUAL(wrong_after([&](application& a) { a.client_id = longest + "x"; }), "client_id");
  CAF_CHECK_EQUAL(wrong_after([&](application& a) { a.client_secret_file = longest + "x"; }),
                  "client_secret_file");
}

CAF_TEST(a host of the service is refused with any port and path) {
  const std::string own[] = {"service.example.com", "admin.example.com"};
  for (const auto& [url, field] : {std::pair{"https://admin.example.com:8443/a/", "external_url"},
                                   {"https://ADMIN.example.com/", "external_url"},
                                   {"https://wiki.example.com/", "fine"},
                                   {"https://a.admin.example.com/", "fine"},
                                   {"nowhere", "fine"}}) {
    auto a = wiki();
    a.external_url = url;
    CAF_CHECK_EQUAL(field_of(check_host(a, own)), field);
  }
}

CAF_TEST(what is published has to fit together) {
  consistency_check together;
  CAF_CHECK_EQUAL(field_of(together.add(group{"hq"})), "fine");
  CAF_CHECK_EQUAL(field_of(together.add(group{"HQ"})), "fine");
  CAF_CHECK_EQUAL(field_of(together.add(group{"hq"})), "name");
  const auto add = [&](const std::string& name, const std::string& url, const std::string& group) {
    auto a = wiki();
    a.name = name;
    a.external_url = url;
    a.group = group;
    return together.add(a);
  };
  CAF_CHECK_EQUAL(field_of(add("wiki", "https://wiki.example.com/", "hq")), "fine");
  CAF_CHECK_EQUAL(field_of(add("wiki", "https://other.example.com/", "hq")), "name");
  // Scheme and port do not tell applications apart, path and host do.
  CAF_CHECK_EQUAL(field_of(add("a", "http://wiki.example.com:8080/", "hq")), "external_url");
  CAF_CHECK_EQUAL(field_of(add("b", "https://wiki.example.com/b/", "hq")), "fine");
  CAF_CHECK_EQUAL(field_of(add("c", "https://wiki.example.org/", "HQ")), "fine");
  const auto lost = add("d", "https://d.example.com/", "nowhere");
  CAF_REQUIRE(lost.has_value());
  CAF_CHECK_EQUAL(lost->field, "group");
  CAF_CHECK_EQUAL(lost->message, R"(expected the name of a group that exists, found "nowhere")");
}
