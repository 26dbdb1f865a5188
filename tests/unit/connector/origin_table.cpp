#define CAF_SUITE origin_table

#include "connector/origin_table.hpp"

#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::connector;
namespace actors = postern::actors;
namespace config = postern::config;

namespace {

config::application application(std::string name, std::string url) {
  config::application a;
  a.name = std::move(name);
  a.internal_url = std::move(url);
  return a;
}

struct fixture {
  actors::connector_configuration from;
  config::connector own;
  std::string folder = "/nonexistent";
  std::shared_ptr<const origin_table> table;

  const origin* find(std::string_view name) { return table->find(name); }
  void rebuild() { table = origin_table::make(from, own, folder, table.get()); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(origin_table_tests, fixture)

CAF_TEST(an application is found by its name) {
  from.applications = {application("wiki", "http://wiki.corp:8080/")};
  rebuild();
  CAF_REQUIRE(find("wiki"));
  CAF_CHECK_EQUAL(find("wiki")->target.host, "wiki.corp");
  CAF_CHECK_EQUAL(find("wiki")->target.port, 8080);
  CAF_CHECK(!find("wiki")->target.tls);
  CAF_CHECK(!find("other"));
}

CAF_TEST(only https origins have a TLS context) {
  from.applications = {application("a", "https://a.corp/"), application("b", "https://b.corp/")};
  from.applications[1].validate_backend_certificate = false;
  rebuild();
  CAF_CHECK(find("a")->target.tls);
  CAF_CHECK(find("b")->target.tls);
  CAF_CHECK(find("a")->target.tls != find("b")->target.tls);
}

CAF_TEST(brackets of addresses are for URLs only) {
  from.applications = {application("six", "http://[::1]:81/")};
  rebuild();
  CAF_CHECK_EQUAL(find("six")->target.host, "::1");
}

CAF_TEST(what the machine knows better is taken for its name and port only) {
  from.applications = {application("wiki", "http://wiki.corp:8080/"),
                       application("blog", "http://blog.corp/")};
  own.origins = {{.application = "wiki", .host = "wiki.corp", .port = 8080, .address = "10.0.0.5"},
                 {.application = "blog", .host = "blog.corp", .port = 81, .address = "10.0.0.6"}};
  rebuild();
  CAF_CHECK_EQUAL(find("wiki")->target.address, "10.0.0.5");
  CAF_CHECK_EQUAL(find("blog")->target.address, "");
}

CAF_TEST(connections survive a change of timeouts) {
  from.applications = {application("wiki", "https://wiki.corp/")};
  rebuild();
  const auto before = *find("wiki");
  from.applications[0].idle_timeout = std::chrono::seconds{1};
  rebuild();
  CAF_CHECK_EQUAL(find("wiki")->id, before.id);
  CAF_CHECK(find("wiki")->target.tls == before.target.tls);
  CAF_CHECK(find("wiki")->idle_timeout == std::chrono::seconds{1});
}

CAF_TEST(connections do not survive a change of the peer) {
  from.applications = {application("wiki", "https://wiki.corp/")};
  rebuild();
  for (const auto& change : std::vector<std::function<void()>>{
           [&] { from.applications[0].internal_url = "https://other.corp/"; },
           [&] { from.applications[0].internal_url = "https://other.corp:444/"; },
           [&] { from.applications[0].internal_url = "http://other.corp:444/"; },
           [&] { from.applications[0].internal_url = "https://other.corp:444/"; },
           [&] { from.applications[0].validate_backend_certificate = false; }}) {
    const auto before = find("wiki")->id;
    change();
    rebuild();
    CAF_CHECK(find("wiki")->id != before);
    CAF_CHECK(!table->holds(before));
    CAF_CHECK(table->holds(find("wiki")->id));
  }
}

CAF_TEST(authorities that cannot be read make the origin unusable) {
  from.applications = {application("wiki", "https://wiki.corp/")};
  own.origins = {{.application = "wiki", .ca_file = "/nonexistent/ca.pem"}};
  rebuild();
  CAF_REQUIRE(find("wiki"));
  CAF_CHECK_EQUAL(find("wiki")->defect.cause, "origin_certificate");
  CAF_CHECK(find("wiki")->defect.detail.find("/nonexistent/ca.pem") != std::string::npos);
}

CAF_TEST(a client certificate that is missing is named) {
  from.applications = {application("wiki", "https://wiki.corp/")};
  from.applications[0].backend_client_certificate = "wiki.pem";
  rebuild();
  CAF_CHECK_EQUAL(find("wiki")->defect.cause, "origin_client_certificate");
  CAF_CHECK(find("wiki")->defect.detail.find("/nonexistent/wiki.pem") != std::string::npos);
  CAF_CHECK(!table->files_changed());
}

CAF_TEST(a file that is replaced is noticed) {
  postern::test::temp_directory state;
  folder = state / "";
  from.applications = {application("wiki", "https://wiki.corp/")};
  from.applications[0].backend_client_certificate = "wiki.pem";
  rebuild();
  CAF_CHECK(!table->files_changed());
  state.write("wiki.pem", "no certificate");
  CAF_CHECK(table->files_changed());
  rebuild();
  CAF_CHECK(!table->files_changed());
  CAF_CHECK_EQUAL(find("wiki")->defect.cause, "origin_client_certificate");
}

CAF_TEST(authorities without a certificate are a defect) {
  from.applications = {application("wiki", "https://wiki.corp/")};
  from.applications[0].backend_authorities = "nonsense";
  rebuild();
  CAF_CHECK_EQUAL(find("wiki")->defect.cause, "origin_certificate");
}

CAF_TEST(an origin over HTTP 2 has a place for both protocols) {
  from.applications = {application("wiki", "https://wiki.corp/"),
                       application("rpc", "http://rpc.corp/")};
  from.applications[0].origin_protocol = config::origin_protocol_kind::h2;
  from.applications[0].backend_server_name = "other.corp";
  from.applications[1].origin_protocol = config::origin_protocol_kind::h2c;
  rebuild();
  CAF_CHECK(find("wiki")->target.tls);
  CAF_CHECK(find("wiki")->http2_target.tls);
  CAF_CHECK(find("wiki")->target.tls != find("wiki")->http2_target.tls);
  CAF_CHECK_EQUAL(find("wiki")->http2_target.server_name, "other.corp");
  CAF_CHECK(!find("rpc")->http2_target.tls);
  const auto before = find("rpc")->id;
  from.applications[1].origin_protocol = config::origin_protocol_kind::http1;
  rebuild();
  CAF_CHECK(find("rpc")->id != before);
}

CAF_TEST_FIXTURE_SCOPE_END()
