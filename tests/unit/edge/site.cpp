#define CAF_SUITE site
#include "edge/site.hpp"

#include "edge/node_load.hpp"
#include "tests/unit/edge/samples.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/sts/fixture.hpp"

#include <caf/test/dsl.hpp>

#include <optional>

using namespace postern;
using namespace postern::edge;
using runtime::http_verb;
using samples::contains;

namespace {

struct fixture {
  fixture() {
    options.names = {"connectors.example", "admin.example", "sts.example"};
    context.load = std::make_shared<node_load>();
  }

  runtime::http_response ask(const std::string& host, const std::string& path,
                             http_verb method = http_verb::get, const char* fetch_mode = "cors") {
    service_request request{{method, path, 11}, host, "192.0.2.1", "r-1", {}};
    request.message.set("Sec-Fetch-Mode", fetch_mode);
    std::optional<runtime::http_response> answer;
    test::start(context.home, [&]() -> runtime::awaitable<void> {
      answer.emplace(co_await own.handle(std::move(request)));
    });
    CAF_REQUIRE(test::run_until(context.home, [&] { return answer.has_value(); }));
    return std::move(*answer);
  }

  static std::string field(const runtime::http_response& response, boost::beast::string_view name) {
    const auto value = response[name];
    return {value.data(), value.size()};
  }

  runtime::shard_pool pool{1};
  config::node options;
  service_urls urls = samples::make_urls();
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(1'700'000'000)};
  runtime::seeded_random_source random{5};
  edge_context context{pool.at(0), pool, options, urls, clock, random, nullptr, nullptr};
  site own{context};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(site_tests, fixture)

CAF_TEST(names of the service are its own in any case) {
  for (const auto* host : {"connectors.example", "Admin.EXAMPLE"})
    CAF_CHECK(own.is_service_host(host));
  for (const auto* host : {"", "example", "x.admin.example"})
    CAF_CHECK(!own.is_service_host(host));
}

CAF_TEST(without an own sts its name belongs to nobody) {
  CAF_CHECK(!own.is_service_host("sts.example"));
  CAF_CHECK_EQUAL(ask("sts.example", "/").result_int(), 404u);
}

CAF_TEST(both names tell where everything is) {
  const auto answer = ask("connectors.example", "/.well-known/postern");
  CAF_CHECK_EQUAL(answer.result_int(), 200u);
  CAF_CHECK(contains(answer.body(), urls.service));
  const auto other = ask("admin.example", "/.well-known/postern");
  CAF_CHECK_EQUAL(other.body(), answer.body());
}

CAF_TEST(an answer is complete whoever has given it) {
  for (const auto* host : {"connectors.example", "admin.example", "unknown.example"}) {
    const auto answer = ask(host, "/.well-known/postern");
    CAF_CHECK_EQUAL(answer.version(), 11u);
    CAF_CHECK_EQUAL(field(answer, "X-Request-Id"), "r-1");
    CAF_CHECK_EQUAL(field(answer, "Content-Length"), std::to_string(answer.body().size()));
    CAF_CHECK(!answer.body().empty());
  }
}

CAF_TEST(a head is answered as a get) {
  for (const auto* host : {"connectors.example", "unknown.example"}) {
    const auto whole = ask(host, "/.well-known/postern");
    const auto head = ask(host, "/.well-known/postern", http_verb::head);
    CAF_CHECK_EQUAL(head.result_int(), whole.result_int());
    CAF_CHECK_EQUAL(head.body().size(), whole.body().size());
    CAF_CHECK_EQUAL(field(head, "Content-Length"), std::to_string(whole.body().size()));
  }
}

CAF_TEST(the own sts answers a head as well) {
  sts::testing::provider_fixture with;
  context.sts = with.sts.get();
  for (const auto* path : {"/", "/.well-known/openid-configuration"}) {
    const auto whole = ask("sts.example", path);
    const auto head = ask("sts.example", path, http_verb::head);
    CAF_CHECK_EQUAL(whole.result_int(), 200u);
    CAF_CHECK_EQUAL(head.result_int(), 200u);
    CAF_CHECK_EQUAL(head.body().size(), whole.body().size());
    CAF_CHECK_EQUAL(field(head, "Content-Length"), std::to_string(whole.body().size()));
  }
}

CAF_TEST(a name that is not ours is refused in the form that the client reads) {
  const auto program = ask("unknown.example", "/");
  CAF_CHECK_EQUAL(program.result_int(), 404u);
  CAF_CHECK_EQUAL(field(program, "Content-Type"), "application/problem+json");
  CAF_CHECK(contains(program.body(), "application_unknown"));
  const auto person = ask("unknown.example", "/", http_verb::get, "navigate");
  CAF_CHECK_EQUAL(person.result_int(), 404u);
  CAF_CHECK_EQUAL(field(person, "Content-Type"), "text/html; charset=utf-8");
}

CAF_TEST_FIXTURE_SCOPE_END()
