#pragma once
// Sign-in between two ends that a test can move: an issuer of scripted answers on loopback, and a
// browser that keeps the cookies of one attempt. Include it after CAF_SUITE.

#include "actors/token_verifier.hpp"
#include "edge/answers.hpp"
#include "edge/session_cookie.hpp"
#include "edge/sign_in.hpp"
#include "runtime/encoding.hpp"
#include "runtime/jose.hpp"
#include "tests/unit/edge/admin_fixture.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/serialize.hpp>

namespace postern::edge::testing {

/// Speaks HTTP in the clear, which is allowed on loopback. Answers one request per connection.
class scripted_issuer {
 public:
  explicit scripted_issuer(runtime::shard& home) : home_(home) {
    url = "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    metadata = {{"issuer", url},
                {"authorization_endpoint", url + "/authorize"},
                {"token_endpoint", url + "/token"},
                {"jwks_uri", url + "/jwks"},
                {"end_session_endpoint", url + "/end"}};
    test::start(home_, [this] { return serve(); });
  }

  std::string url;
  boost::json::object metadata;
  bool knows_itself = true;  ///< false: it has no metadata
  runtime::http_status token_status = runtime::http_status::ok;
  boost::json::object token_answer;
  std::vector<runtime::http_request> codes;  ///< requests to the token endpoint
  size_t asked = 0;                          ///< requests of any kind

 private:
  runtime::awaitable<void> serve() {
    for (;;) {
      auto socket = co_await acceptor_.async_accept(runtime::use_awaitable);
      boost::beast::flat_buffer buffer;
      runtime::http_request request;
      co_await boost::beast::http::async_read(socket, buffer, request, runtime::use_awaitable);
      auto response = answer(std::move(request));
      response.prepare_payload();
      co_await boost::beast::http::async_write(socket, response, runtime::use_awaitable);
    }
  }
  runtime::http_response answer(runtime::http_request request) {
    ++asked;
    if (request.target() == "/token") {
      codes.push_back(std::move(request));
      return json_answer(token_status, token_answer);
    }
    const bool known = knows_itself && request.target() == "/.well-known/openid-configuration";
    return json_answer(known ? runtime::http_status::ok : runtime::http_status::not_found,
                       metadata);
  }

  runtime::shard& home_;
  runtime::tcp_acceptor acceptor_{home_.get_executor(),
                                  {boost::asio::ip::address_v4::loopback(), 0}};
};

inline actors::key_source_actor::behavior_type play_keys(actors::key_source_actor::pointer,
                                                         std::shared_ptr<std::string> jwks) {
  return {[jwks](actors::fetch_atom, const std::string&) { return *jwks; }};
}

/// The wiki signs its users in at the scripted issuer; bob of its staff is known there.
struct sign_in_fixture : admin_fixture {
  sign_in_fixture() {
    context.issuer_tls = runtime::tls_client_context::make({.system_authorities = false}).value();
    wiki.issuer = issuer.url;
    boost::json::array keys{key.public_jwk()};
    *jwks = boost::json::serialize(boost::json::object{{"keys", keys}});
    handles.tokens =
        own(sys.spawn(actors::token_verifier, own(sys.spawn(play_keys, jwks)),
                      static_cast<const runtime::wall_clock*>(&clock), std::chrono::seconds{60}));
    put_in_force(handles);
  }

  actors::application_ptr application() const {
    return std::make_shared<const config::application>(wiki);
  }
  int64_t now() const { return runtime::to_unix_seconds(clock.now()); }

  // -- the first half

  runtime::http_response start(std::string target = "/page?x=1", std::string cookies = {}) {
    const sign_in_request from{std::move(cookies), "192.0.2.1", "r-1"};
    return answer_of([&] { return signing_in.start(application(), target, from); });
  }
  /// As a browser: keeps what it gets, and goes to the issuer.
  void begin(std::string target = "/page?x=1") {
    const auto response = start(std::move(target));
    CAF_REQUIRE_EQUAL(response.result_int(), 302u);
    cookies = samples::cookie_pair(set_cookies(response).back());
    sent = parameters_of(response);
    claims = {{"iss", wiki.issuer},
              {"sub", "0042"},
              {"aud", "wiki"},
              {"exp", now() + 3'600},
              {"iat", now()},
              {"auth_time", now() - 5},
              {"nonce", sent["nonce"]},
              {"preferred_username", "bob"},
              {"groups", boost::json::array{"staff"}}};
  }

  // -- the second half

  service_request request(std::string target,
                          runtime::http_verb method = runtime::http_verb::get) const {
    service_request made;
    made.message = {method, target, 11};
    if (!cookies.empty()) made.message.set(runtime::http_field::cookie, cookies);
    made.client_address = "192.0.2.1";
    made.request_id = "r-2";
    return made;
  }
  runtime::http_response serve(const service_request& asked) {
    return answer_of([&] { return signing_in.serve(application(), asked); });
  }
  /// The browser comes back with these parameters besides the state.
  runtime::http_response come_back(parameters with = {{"code", "c-1"}}) {
    with.try_emplace("state", sent["state"]);
    return serve(request(path + "callback?" + runtime::make_form(with)));
  }
  /// The same after the issuer has got claims of the test's to sign.
  runtime::http_response come_back_with_token() {
    issuer.token_answer = {{"id_token", key.sign(claims, "JWT").value()}};
    return come_back();
  }
  /// A whole sign-in.
  runtime::http_response sign_bob_in() {
    begin();
    return come_back_with_token();
  }

  // -- what came of it

  static std::vector<std::string> set_cookies(const runtime::http_response& response) {
    std::vector<std::string> all;
    const auto range = response.equal_range(runtime::http_field::set_cookie);
    for (auto field = range.first; field != range.second; ++field)
      all.emplace_back(field->value());
    return all;
  }
  static std::string field(const runtime::http_response& response, std::string_view name) {
    return std::string{response[name]};
  }
  static std::string location(const runtime::http_response& response) {
    return field(response, "Location");
  }
  static parameters parameters_of(const runtime::http_response& response) {
    const auto url = location(response);
    return read_parameters(split_target(url).query).value_or(parameters{});
  }
  /// "STATUS CAUSE of SOURCE" of a refusal to a program, with " and a session" if there is one.
  std::string refusal(const runtime::http_response& response) const {
    if (response["Content-Type"] != "application/problem+json") return "no refusal";
    const auto problem = parse(response.body());
    return std::to_string(response.result_int()) + " " + text(problem, "cause") + " of " +
           text(problem, "source") + (session_of(response) ? " and a session" : "");
  }
  std::optional<actors::access_session> session_of(const runtime::http_response& response) const {
    for (const auto& line : set_cookies(response)) {
      const auto pair = samples::cookie_pair(line);
      const auto opened =
          open_session(find_cookie(pair, session_cookie_name(wiki)), *context.cookie_keys);
      if (opened) return *opened;
    }
    return {};
  }
  /// Whether the browser is told to forget the attempt.
  bool forgets_attempt(const runtime::http_response& response) const {
    const auto name = cookies.substr(0, cookies.find('='));
    return std::ranges::any_of(set_cookies(response), [&](const std::string& line) {
      return line.starts_with(name + "=;") && samples::contains(line, "Max-Age=0");
    });
  }

  scripted_issuer issuer{home};
  config::application wiki = samples::wiki;
  std::string path = "/.postern/";
  runtime::signing_key key = runtime::signing_key::generate().value();
  std::shared_ptr<std::string> jwks = std::make_shared<std::string>();
  boost::json::object claims;
  std::string cookies;  ///< of the browser
  parameters sent;      ///< what the browser took to the issuer
  sign_in signing_in{context};
};

}  // namespace postern::edge::testing
