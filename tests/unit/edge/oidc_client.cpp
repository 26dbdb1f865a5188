#define CAF_SUITE oidc_client
#include "edge/oidc_client.hpp"

#include "runtime/encoding.hpp"
#include "tests/unit/edge/samples.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <caf/test/unit_test.hpp>

#include <optional>

using namespace postern;
using namespace postern::edge;
using postern::edge::samples::contains;
using namespace std::chrono_literals;
using runtime::http_response;
using runtime::http_status;

namespace {

const std::string issuer = "https://sts.example";
const std::string document = R"({"issuer":"https://sts.example",
  "authorization_endpoint":"https://sts.example/a","token_endpoint":"https://sts.example/t",
  "jwks_uri":"https://sts.example/j"})";

/// A client whose network is a function, on a shard that runs when told to.
struct fixture {
  runtime::shard home{0};
  oidc_client::time_point now{};
  std::vector<std::pair<std::string, runtime::http_request>> sent;
  bool reachable = true;
  std::string keys = R"({"keys":[]})";
  oidc_client client{
      home, [this](std::string url, runtime::http_request r) { return fetch(url, std::move(r)); },
      [this] { return now; }};

  runtime::awaitable<runtime::result<http_response>> fetch(std::string url,
                                                           runtime::http_request request) {
    sent.emplace_back(url, std::move(request));
    // A turn of the loop passes, as it would with a real network.
    co_await runtime::asio::post(home.get_executor(), runtime::use_awaitable);
    if (!reachable)
      co_return runtime::error{runtime::error_category::bad_gateway, "connection_refused", "origin",
                               "127.0.0.1:1"};
    http_response response{http_status::ok, 11};
    if (url.ends_with("/.well-known/openid-configuration")) response.body() = document;
    if (url.ends_with("/j")) response.body() = keys;
    if (url.ends_with("/t")) response.body() = R"({"id_token":"a.b.c"})";
    co_return response;
  }

  void run() {
    home.io().restart();
    while (home.io().poll() != 0) {
    }
  }

  /// Runs a call to its end.
  template <class T>
  runtime::result<T> finish(runtime::awaitable<runtime::result<T>> call) {
    std::optional<runtime::result<T>> outcome;
    start(std::move(call), outcome);
    run();
    return outcome.value();
  }

  template <class T>
  void start(runtime::awaitable<runtime::result<T>> call,
             std::optional<runtime::result<T>>& outcome) {
    runtime::asio::co_spawn(
        home.get_executor(), std::move(call),
        [&outcome](std::exception_ptr, runtime::result<T> r) { outcome = std::move(r); });
  }
};

code_exchange exchange(std::string secret = {}) {
  return {issuer,  "the code",        "https://wiki.example/.postern/callback",
          "wi ki", std::move(secret), "verifier"};
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(oidc_client_tests, fixture)

CAF_TEST(what is known is not asked for again while it is fresh) {
  CAF_CHECK(finish(client.discover(issuer)).has_value());
  now += metadata_lifetime - 1s;
  CAF_CHECK(finish(client.discover(issuer)).has_value());
  CAF_CHECK_EQUAL(sent.size(), 1u);
  now += 1s;
  CAF_CHECK(finish(client.discover(issuer)).has_value());
  CAF_CHECK_EQUAL(sent.size(), 2u);
}

CAF_TEST(many who ask at once wait for one request) {
  std::vector<std::optional<runtime::result<metadata_ptr>>> outcomes(5);
  for (auto& outcome : outcomes)
    start(client.discover(issuer), outcome);
  run();
  CAF_CHECK_EQUAL(sent.size(), 1u);
  for (const auto& outcome : outcomes)
    CAF_CHECK(outcome && outcome->has_value());
}

CAF_TEST(an issuer that cannot be reached is named and left alone for a moment) {
  reachable = false;
  auto outcome = finish(client.discover(issuer));
  CAF_REQUIRE(outcome.has_error());
  CAF_CHECK_EQUAL(outcome.error().cause, "sts_unreachable");
  CAF_CHECK_EQUAL(outcome.error().source, "sts");
  reachable = true;
  CAF_CHECK(finish(client.discover(issuer)).has_error());
  CAF_CHECK_EQUAL(sent.size(), 1u);
  now += metadata_retry;
  CAF_CHECK(finish(client.discover(issuer)).has_value());
}

CAF_TEST(what was known goes on to count when the issuer is away) {
  CAF_CHECK(finish(client.discover(issuer)).has_value());
  reachable = false;
  now += metadata_lifetime;
  CAF_CHECK(finish(client.discover(issuer)).has_value());
  CAF_CHECK_EQUAL(sent.size(), 2u);
}

CAF_TEST(a public client names itself in the form) {
  const auto token = finish(client.exchange_code(exchange()));
  CAF_REQUIRE(token.has_value());
  CAF_CHECK_EQUAL(*token, "a.b.c");
  const auto& request = sent.back().second;
  CAF_CHECK(request.method() == runtime::http_verb::post);
  const auto form = *runtime::parse_form(request.body());
  CAF_CHECK_EQUAL(form.at("grant_type"), "authorization_code");
  CAF_CHECK_EQUAL(form.at("code"), "the code");
  CAF_CHECK_EQUAL(form.at("client_id"), "wi ki");
  CAF_CHECK_EQUAL(form.at("code_verifier"), "verifier");
  CAF_CHECK(request.find(runtime::http_field::authorization) == request.end());
}

CAF_TEST(a secret travels as basic credentials and form encoded) {
  CAF_CHECK(finish(client.exchange_code(exchange("s:cret"))).has_value());
  const auto& request = sent.back().second;
  const std::string field{request[runtime::http_field::authorization]};
  CAF_REQUIRE(field.starts_with("Basic "));
  CAF_CHECK(runtime::from_base64(field.substr(6)) == "wi%20ki:s%3Acret");
  CAF_CHECK(!contains(request.body(), "client_id"));
}

CAF_TEST(keys come from where the issuer says) {
  const auto text = finish(client.fetch_keys(issuer));
  CAF_REQUIRE(text.has_value());
  CAF_CHECK_EQUAL(*text, keys);
  CAF_CHECK_EQUAL(sent.back().first, "https://sts.example/j");
}

CAF_TEST_FIXTURE_SCOPE_END()
