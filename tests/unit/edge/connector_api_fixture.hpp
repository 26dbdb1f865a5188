#pragma once
// A connector's requests to the service's name, answered by the real authority and registry.
// Include it after CAF_SUITE.

#include "actors/connector_configuration.hpp"
#include "edge/connector_api.hpp"
#include "runtime/encoding.hpp"
#include "runtime/x509.hpp"
#include "tests/unit/edge/admin_fixture.hpp"

namespace postern::edge::testing {

inline const std::string configuration_path = "/connector/configuration";
inline const std::string est = "/.well-known/est/";

/// The node of admin_fixture as connectors see it.
struct connector_api_fixture : admin_fixture {
  static std::string make_csr(const std::string& name = "rack 7") {
    return runtime::make_certificate_request(runtime::private_key::generate(), name);
  }
  /// The certificate of a connector that was let in past the API.
  std::string enrolled() {
    const actors::enrolment_request wanted{
        .csr_der = make_csr(), .group = "berlin", .administrator = "root"};
    const auto issued =
        ask<actors::issued_certificate>(authority, actors::sign_atom_v, wanted)->value;
    CAF_REQUIRE(issued.has_value());
    return issued->certificate_pem;
  }
  static std::string id_of(const std::string& certificate) {
    return runtime::read_certificate_pem(certificate).value().common_name;
  }
  std::string make_token() {
    const actors::enrolment_token_request wanted{.group = "berlin", .by = "root"};
    const auto made = ask<actors::enrolment_token>(authority, actors::issue_atom_v, wanted);
    CAF_REQUIRE_EQUAL(made->cause(), "answered");
    return made->value->token;
  }
  void revoke(const std::string& certificate) {
    const auto done =
        ask_void(connectors, actors::revoke_atom_v, id_of(certificate), std::string{"ann"});
    CAF_REQUIRE_EQUAL(done->cause(), "answered");
  }
  void publish(const char* name) {
    apply({.applications = {actors::testing::sample(name)}, .by = "eve"});
  }

  static service_request request(const std::string& target,
                                 runtime::http_verb method = runtime::http_verb::get) {
    service_request made;
    made.message = {method, target, 11};
    made.client_address = "192.0.2.1";
    made.request_id = "r-1";
    return made;
  }
  /// A request for a certificate; `authorization` may be empty.
  static service_request sign_request(const std::string& operation,
                                      const std::string& authorization = {}) {
    auto made = request(est + operation, runtime::http_verb::post);
    made.message.set(runtime::http_field::content_type, "application/pkcs10");
    made.message.body() = runtime::to_base64(make_csr());
    if (!authorization.empty()) made.message.set(runtime::http_field::authorization, authorization);
    return made;
  }
  static std::string basic(const std::string& token) {
    return "Basic " + runtime::to_base64("connector:" + token);
  }
  static service_request pull(const std::string& certificate, const std::string& known = {},
                              const std::string& prefer = {}) {
    auto made = request(configuration_path);
    made.peer_certificate_pem = certificate;
    if (!known.empty()) made.message.set(runtime::http_field::if_none_match, known);
    if (!prefer.empty()) made.message.set("Prefer", prefer);
    return made;
  }
  runtime::http_response send(service_request asked) {
    return answer_of([&] { return api.handle(asked); });
  }
  /// Sends it and lets everybody work; the answer may come later.
  void begin(service_request asked) {
    waiting = std::make_unique<service_request>(std::move(asked));
    answered.reset();
    test::start(home, [this]() -> runtime::awaitable<void> {
      answered.emplace(co_await api.handle(*waiting));
    });
    CAF_REQUIRE(works_until([&] { return context.load->waiting_pulls == 1; }));
    sched.run();
    test::run_ready(home);
  }
  bool gets_answer() {
    return works_until([&] { return answered.has_value(); });
  }

  static std::string field(const runtime::http_response& response, std::string_view name) {
    return std::string{response[name]};
  }
  static std::string refusal(const runtime::http_response& response) {
    if (response["Content-Type"] != "application/problem+json") return "no refusal";
    const auto problem = parse(response.body());
    return std::to_string(response.result_int()) + " " + text(problem, "cause") + " of " +
           text(problem, "source");
  }
  std::string refused(service_request asked) { return refusal(send(std::move(asked))); }
  static actors::connector_configuration configuration_in(const runtime::http_response& response) {
    return actors::decode_connector_configuration(response.body()).value();
  }
  static std::string certificate_in(const runtime::http_response& response) {
    CAF_REQUIRE_EQUAL(response.result_int(), 200u);
    const auto der = runtime::from_base64(response.body());
    CAF_REQUIRE(der.has_value());
    return runtime::read_pkcs7(*der).value().at(0);
  }

  connector_api api{context};
  std::unique_ptr<service_request> waiting;
  std::optional<runtime::http_response> answered;
};

}  // namespace postern::edge::testing
