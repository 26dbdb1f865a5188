#define CAF_SUITE user_request
// What is answered without an exchange, and what leads to one. Content both ways is shown end to
// end.
#include "edge/user_request.hpp"

#include "edge/sign_in.hpp"
#include "edge/site.hpp"
#include "tests/unit/edge/node_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using edge::samples::contains;
using runtime::error;
using runtime::error_category;
using runtime::field_list;

namespace {

/// A protocol that sends to nobody.
class played_request final : public user_request {
 public:
  using user_request::begin;
  using user_request::serve;
  using user_request::serve_service_only;

  played_request(edge_context& context, gatekeeper& gate, site& service)
      : user_request(context, gate, service) {}

  std::optional<runtime::http_response> sent;
  std::optional<error> content_failure;
  bool left = false, was_cut = false;

 private:
  runtime::awaitable<runtime::result<void>> read_content(const checked_request&,
                                                         std::string&) override {
    if (content_failure) co_return *content_failure;
    co_return runtime::result<void>{};
  }
  void send_response(const runtime::http_response& response) override { sent = response; }
  runtime::awaitable<void> pump() override { co_return; }
  void cut() override { was_cut = true; }
  bool is_gone() const noexcept override { return left; }
  runtime::transport& user_transport() noexcept override { return transport_; }
  std::shared_ptr<const void> hold() override { return {}; }

  void send_interim(unsigned, const field_list&) override {}
  void send_head(unsigned, const field_list&, bool) override {}
  void send_upgrade(const field_list&) override {}
  void send_content(std::string_view) override {}
  void send_end(const field_list&) override {}
  void send_abort() override {}
  void wake() override {}

  runtime::transport transport_{runtime::tcp_socket{context_.home.get_executor()}, nullptr};
};

/// A group without connectors.
actors::group_queue_actor::behavior_type play_queue(actors::group_queue_actor::pointer,
                                                    std::shared_ptr<int> submitted) {
  using namespace actors;
  return edge::testing::play_queue_as(
      [submitted](submit_atom, const exchange_ticket&) -> caf::result<dispatch> {
        ++*submitted;
        return runtime::to_caf(
            {error_category::timeout, "no_connector", "connector_group", "main"});
      },
      [](cancel_atom, uint64_t) {}, [](release_atom, tunnel_id, exchange_outcome, milliseconds) {});
}

struct fixture : edge::testing::node_fixture {
  fixture() {
    auto open = samples::make_application("open", "https://open.example/app/");
    open.preauthentication = config::preauthentication_kind::passthrough;
    auto closed = samples::make_application("shut", "https://shut.example/");
    closed.maintenance = true;
    auto published = std::make_shared<config::published>();
    published->applications = {open, closed, samples::wiki};
    const auto queue = own(sys.spawn(play_queue, submitted));
    context.published = std::make_shared<published_routes>(
        actors::routing{published, {{"main", queue}}}, urls.issuer);
  }

  /// Asks for a path; returns the status, 0 if nothing was sent.
  unsigned ask(const char* host, std::string_view target, field_list fields = {}) {
    request.sent.reset();
    request.begin("192.0.2.1");
    const checked_request head{.method = "GET",
                               .host = host,
                               .authority = host,
                               .target = target,
                               .path = target.substr(0, target.find('?'))};
    bool served = false;
    test::start(home, [&]() -> runtime::awaitable<void> {
      co_await request.serve(head, fields);
      served = true;
    });
    CAF_REQUIRE(works_until([&] { return served; }));
    return request.sent ? request.sent->result_int() : 0;
  }
  std::string sent(runtime::http_field name) const {
    const auto value = (*request.sent)[name];
    return {value.data(), value.size()};
  }
  bool says(std::string_view part) const { return contains(request.sent->body(), part); }

  std::shared_ptr<int> submitted = std::make_shared<int>(0);
  sign_in signing_in{context};
  gatekeeper gate{context, signing_in};
  site own_hosts{context};
  played_request request{context, gate, own_hosts};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(user_request_tests, fixture)

CAF_TEST(hosts and paths that are not published belong to nobody) {
  for (const auto* host : {"unknown.example", "example"})
    CAF_CHECK_EQUAL(ask(host, "/robots.txt"), 404u);
  CAF_CHECK_EQUAL(ask("open.example", "/other"), 404u);
  CAF_CHECK(says("application_unknown"));
  context.published = nullptr;
  CAF_CHECK_EQUAL(ask("open.example", "/app/"), 404u);
}

CAF_TEST(robots are turned away wherever something is published) {
  CAF_CHECK_EQUAL(ask("wiki.example", "/robots.txt"), 200u);
  CAF_CHECK_EQUAL(request.sent->body(), "User-agent: *\nDisallow: /\n");
}

CAF_TEST(a missing slash is added and the query stays) {
  CAF_CHECK_EQUAL(ask("open.example", "/app?a=/b"), 308u);
  CAF_CHECK_EQUAL(sent(runtime::http_field::location), "/app/?a=/b");
}

CAF_TEST(a path that could be read in two ways reaches nobody) {
  for (const auto* target : {"/app/../other", "/app/%2e%2e/other", "/app/x/..;/y"})
    CAF_CHECK_EQUAL(ask("open.example", target), 400u);
  CAF_CHECK(says("malformed_head"));
  CAF_CHECK_EQUAL(*submitted, 0);
}

CAF_TEST(an application in maintenance asks for no session and no connector) {
  CAF_CHECK_EQUAL(ask("shut.example", "/"), 503u);
  CAF_CHECK(says("maintenance"));
  CAF_CHECK_EQUAL(*submitted, 0);
}

CAF_TEST(what signs its users in itself goes to its connectors at once) {
  CAF_CHECK_EQUAL(ask("open.example", "/app/.postern/callback"), 504u);
  CAF_CHECK(says("no_connector"));
  CAF_CHECK_EQUAL(*submitted, 1);
}

CAF_TEST(without a session nothing goes to a connector) {
  CAF_CHECK_EQUAL(ask("wiki.example", "/"), 401u);
  CAF_CHECK(says("not_signed_in"));
  CAF_CHECK_EQUAL(ask("wiki.example", "/.postern/unknown"), 404u);
  CAF_CHECK(says("page_unknown"));
  CAF_CHECK_EQUAL(*submitted, 0);
}

CAF_TEST(a refusal has the form that the client reads) {
  ask("open.example", "/app/", {{"sec-fetch-mode", "navigate"}});
  CAF_CHECK_EQUAL(sent(runtime::http_field::content_type), "text/html; charset=utf-8");
  ask("open.example", "/app/");
  CAF_CHECK_EQUAL(sent(runtime::http_field::content_type), "application/problem+json");
}

CAF_TEST(an address that asks too often is told apart from an application that is asked too often) {
  options.limits.requests_per_address = 1;
  CAF_CHECK_EQUAL(ask("connectors.example", "/.well-known/postern"), 200u);
  CAF_CHECK_EQUAL(ask("connectors.example", "/.well-known/postern"), 429u);
  CAF_CHECK(says("\"source\":\"request\""));
  options.limits = {.requests_per_application = 1};
  CAF_CHECK_EQUAL(ask("open.example", "/app/"), 504u);
  CAF_CHECK_EQUAL(ask("open.example", "/app/"), 429u);
  CAF_CHECK(says("\"source\":\"application\""));
  CAF_CHECK_EQUAL(*submitted, 1);
  CAF_CHECK_EQUAL(ask("connectors.example", "/.well-known/postern"), 200u);
}

CAF_TEST(a full node still serves its own names) {
  request.serve_service_only();
  CAF_CHECK_EQUAL(ask("open.example", "/app/"), 503u);
  CAF_CHECK(says("node_full"));
  CAF_CHECK_EQUAL(ask("connectors.example", "/.well-known/postern"), 200u);
}

CAF_TEST(content that does not come whole is refused and handed to nobody) {
  request.content_failure = {error_category::too_large, "content_too_large", "request", {}};
  CAF_CHECK_EQUAL(ask("connectors.example", "/.well-known/postern"), 413u);
  CAF_CHECK_EQUAL(ask("wiki.example", "/.postern/logout"), 413u);
}

CAF_TEST(for a user who has left nobody is asked) {
  request.left = true;
  CAF_CHECK_EQUAL(ask("open.example", "/app/"), 0u);
  CAF_CHECK_EQUAL(*submitted, 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
