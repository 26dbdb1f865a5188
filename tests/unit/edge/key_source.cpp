#define CAF_SUITE key_source
// Whoever asks for an issuer's keys always gets an answer: the keys, or why there are none.
#include "edge/key_source.hpp"

#include "tests/unit/edge/node_fixture.hpp"

#include <stdexcept>

using namespace postern;
using namespace postern::edge;
using runtime::error;
using runtime::error_category;
using runtime::http_response;
using runtime::http_status;

namespace {

const std::string issuer = "https://sts.example";
const std::string keys = R"({"keys":[]})";

/// An issuer behind a function instead of a network.
struct fixture : edge::testing::node_fixture {
  fixture() {
    context.port->on_message([this](caf::message& content, const auto& answer) {
      (source.handle(content, answer) ? taken : left) += 1;
    });
  }
  ~fixture() override { test::run_ready(home); }

  runtime::awaitable<runtime::result<http_response>> fetch(std::string url) {
    ++fetches[url];
    co_await runtime::asio::post(home.get_executor(), runtime::use_awaitable);
    http_response response{http_status::ok, 11};
    response.body() = keys;
    if (url == issuer + "/.well-known/openid-configuration")
      response.body() = R"({"issuer":"https://sts.example","jwks_uri":"https://sts.example/j",
        "authorization_endpoint":"https://sts.example/a","token_endpoint":"https://sts.example/t"})";
    else if (breaks)
      throw std::runtime_error{"a defect"};
    else if (!serves)
      co_return error{error_category::timeout, "fetch_timeout", "origin", {}};
    co_return response;
  }

  actors::key_source_actor handle() { return context.port->as<actors::key_source_actor>(); }
  actors::testing::answer_ptr<std::string> ask_for_keys() {
    return ask<std::string>(handle(), actors::fetch_atom_v, issuer);
  }
  error failure() {
    const auto got = ask_for_keys();
    CAF_REQUIRE(works_until([&] { return !got->pending(); }));
    CAF_REQUIRE(got->failure.has_value());
    return *got->failure;
  }

  bool serves = true, breaks = false;
  std::map<std::string, int> fetches;
  int taken = 0, left = 0;
  oidc_client client{home, [this](std::string url, const auto&) { return fetch(std::move(url)); }};
  key_source source{home, client};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(key_source_tests, fixture)

CAF_TEST(keys are fetched anew for each who asks) {
  const auto first = ask_for_keys(), second = ask_for_keys();
  CAF_REQUIRE(works_until([&] { return !first->pending() && !second->pending(); }));
  CAF_CHECK_EQUAL(first->value.value_or(""), keys);
  CAF_CHECK_EQUAL(second->value.value_or(""), keys);
  CAF_CHECK_EQUAL(fetches[issuer + "/j"], 2);
  CAF_CHECK_EQUAL(fetches.size(), 2u);
}

CAF_TEST(an issuer that is away is named as the reason) {
  serves = false;
  const auto why = failure();
  CAF_CHECK(why.category == error_category::timeout);
  CAF_CHECK_EQUAL(why.cause, "sts_unreachable");
  CAF_CHECK_EQUAL(why.source, "sts");
  serves = true;
  const auto again = ask_for_keys();
  CAF_REQUIRE(works_until([&] { return !again->pending(); }));
  CAF_CHECK_EQUAL(again->cause(), "answered");
}

CAF_TEST(a defect on the way keeps nobody waiting) {
  breaks = true;
  const auto why = failure();
  CAF_CHECK(why.category == error_category::internal);
  CAF_CHECK_EQUAL(why.cause, "internal");
  CAF_CHECK_EQUAL(why.source, "service");
}

CAF_TEST(other messages are left to the owner of the port) {
  tell(caf::actor_cast<caf::actor>(handle()), actors::lookup_atom_v, issuer);
  tell(caf::actor_cast<caf::actor>(handle()), actors::fetch_atom_v);
  CAF_REQUIRE(works_until([&] { return left == 2; }));
  CAF_CHECK_EQUAL(taken, 0);
  CAF_CHECK(fetches.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
