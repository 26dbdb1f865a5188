#define CAF_SUITE enrolment_steps
// Requests that crowd, fail half-way or are repeated, and what the audit log says of each; the
// plain cases stand in certificate_authority.cpp.
#include "actors/enrolment_steps.hpp"

#include "actors/configuration.hpp"
#include "actors/connector_registry.hpp"
#include "runtime/x509.hpp"
#include "tests/unit/actors/published_samples.hpp"

#include <algorithm>

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::private_key;

namespace {

struct steps_fixture : store_fixture {
  private_key key = private_key::generate();
  configuration_actor configured =
      start(configuration, configuration_dependencies{store, audit, {}});
  tunnel_control_actor tunnels =
      start(recording_tunnel_control, std::make_shared<std::vector<cut_tunnel>>());
  connector_registry_actor connectors =
      start(connector_registry, connector_registry_dependencies{.store = store,
                                                                .audit = audit,
                                                                .tunnels = tunnels,
                                                                .configuration = configured,
                                                                .clock = &clock,
                                                                .renew_after = 24h * 180,
                                                                .tunnels_per_connector = 2,
                                                                .exchanges_per_tunnel = 100});
  certificate_authority_actor subject =
      start(certificate_authority,
            certificate_authority_dependencies{
                .store = store,
                .audit = audit,
                .configuration = configured,
                .connectors = connectors,
                .clock = &clock,
                .random = &random,
                .wrapping_keys = std::make_shared<const postern::runtime::key_ring>(
                    std::vector{postern::runtime::make_sealing_key(random)}, random)});

  steps_fixture() {
    ask<change_report>(configured, apply_atom_v, change_request{.groups = {{"berlin"}}});
  }

  enrolment_request request(const std::string& group = "berlin") {
    return {.csr_der = make_certificate_request(key, "rack 7"),
            .group = group,
            .administrator = "root",
            .address = "192.0.2.7"};
  }
  enrolment_request request_by(const std::string& token) {
    auto wanted = request();
    wanted.administrator.clear();
    wanted.enrolment_token = token;
    return wanted;
  }
  answer_ptr<issued_certificate> enrol(const enrolment_request& wanted) {
    return ask<issued_certificate>(subject, sign_atom_v, wanted);
  }
  answer_ptr<issued_certificate> renew(const issued_certificate& old) {
    return ask<issued_certificate>(
        subject, renew_atom_v,
        renewal_request{.csr_der = make_certificate_request(key, old.connector),
                        .certificate_pem = old.certificate_pem,
                        .address = "192.0.2.8"});
  }
  answer_ptr<enrolment_token> issue(uint32_t uses = 1) {
    return ask<enrolment_token>(
        subject, issue_atom_v,
        enrolment_token_request{.group = "berlin", .uses = uses, .lifetime = 1h, .by = "root"});
  }
};

std::string serial_of(const issued_certificate& issued) {
  return postern::runtime::read_certificate_pem(issued.certificate_pem)->serial;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(enrolment_steps_tests, steps_fixture)

CAF_TEST(requests beyond the bound are turned away and the others are served) {
  for (size_t i = 0; i < authority_limit; ++i)
    caf::anon_send(subject, sign_atom_v, request());
  auto one_more = self->request(subject, 5s, sign_atom_v, request());
  // The authority takes all of them in before anybody answers it.
  while (sched.prioritize(subject))
    sched.run_once();
  CAF_REQUIRE(!self->mailbox().empty());
  one_more.receive([](const issued_certificate&) { CAF_FAIL("there was no room"); },
                   [](const caf::error& e) {
                     CAF_CHECK_EQUAL(postern::runtime::from_caf(e).cause, "authority_busy");
                   });
  consume_messages();
  CAF_CHECK_EQUAL(stored("connector").size(), authority_limit);
  CAF_CHECK_EQUAL(enrol(request())->cause(), "answered");
}

CAF_TEST(no certificate is answered that may not be recorded) {
  medium->lose_answer = true;
  CAF_CHECK_EQUAL(enrol(request())->cause(), "store_failed");
  medium->lose_answer = false;
  CAF_CHECK(last_audited("connector_enrolled").outcome == "store_failed");
  CAF_CHECK_EQUAL(enrol(request())->cause(), "answered");
}

CAF_TEST(a use of a token that may not be durable lets nobody in) {
  const auto token = value_of(issue());
  medium->lose_answer = true;
  CAF_CHECK_EQUAL(enrol(request_by(token.token))->cause(), "store_failed");
  medium->lose_answer = false;
  CAF_CHECK(stored("connector").empty());
}

CAF_TEST(a fleet that enrols at once by one token gets all of its uses and no more) {
  const auto token = value_of(issue(10));
  for (unsigned i = 0; i < 12; ++i)
    caf::anon_send(subject, sign_atom_v, request_by(token.token));
  consume_messages();
  CAF_CHECK_EQUAL(stored("connector").size(), 10u);
  CAF_CHECK_EQUAL(enrol(request_by(token.token))->cause(), "enrolment_token_used_up");
}

CAF_TEST(who has no token learns of no id) {
  auto wanted = request_by("invented");
  wanted.csr_der = make_certificate_request(key, value_of(enrol(request())).connector);
  CAF_CHECK_EQUAL(enrol(wanted)->cause(), "enrolment_token_unknown");
  wanted.enrolment_token = value_of(issue()).token;
  CAF_CHECK_EQUAL(enrol(wanted)->cause(), "csr_foreign_subject");
  // The token has not been used up by that.
  CAF_CHECK_EQUAL(enrol(request_by(wanted.enrolment_token))->cause(), "answered");
}

CAF_TEST(no token is answered that may not be durable) {
  medium->lose_answer = true;
  CAF_CHECK_EQUAL(issue()->cause(), "store_failed");
  medium->lose_answer = false;
  CAF_CHECK(last_audited("enrolment_token_issued").outcome == "store_failed");
}

CAF_TEST(a renewal whose answer was lost is made again over the same certificate) {
  const auto first = value_of(enrol(request()));
  const auto lost = value_of(renew(first));
  const auto second = value_of(renew(first));
  const auto record = value_of(ask<connector_record>(connectors, find_atom_v, first.connector));
  for (const auto* issued : {&first, &lost, &second})
    CAF_CHECK_EQUAL(std::ranges::count(record.serials, serial_of(*issued)), 1);
  CAF_CHECK(serial_of(lost) != serial_of(second));
}

CAF_TEST(an enrolment is audited with who and from where and as what) {
  const auto issued = value_of(enrol(request()));
  const auto event = last_audited("connector_enrolled");
  CAF_CHECK_EQUAL(event.outcome, "success");
  CAF_CHECK_EQUAL(event.actor, "root");
  CAF_CHECK_EQUAL(event.target, issued.connector);
  CAF_CHECK_EQUAL(event.address, "192.0.2.7");
  CAF_CHECK(event.detail.find("rack 7") != std::string::npos);
}

CAF_TEST(an enrolment by token is audited as the token and by its hash) {
  const auto token = value_of(issue());
  CAF_REQUIRE_EQUAL(enrol(request_by(token.token))->cause(), "answered");
  const auto event = last_audited("connector_enrolled");
  CAF_CHECK(event.actor.starts_with("token "));
  CAF_CHECK(event.actor.find(token.token) == std::string::npos);
}

CAF_TEST(a refusal is audited with its reason) {
  CAF_REQUIRE_EQUAL(enrol(request("nowhere"))->cause(), "group_unknown");
  CAF_CHECK(last_audited("connector_enrolled").outcome == "group_unknown");
  CAF_REQUIRE_EQUAL(issue(0)->cause(), "enrolment_token_bounds");
  CAF_CHECK(last_audited("enrolment_token_issued").outcome == "enrolment_token_bounds");
}

CAF_TEST(who has proved nothing fills no audit log) {
  const auto before = audited().size();
  CAF_CHECK_EQUAL(enrol(request_by("invented"))->cause(), "enrolment_token_unknown");
  auto nonsense = request_by("invented");
  nonsense.csr_der = "nonsense";
  CAF_CHECK_EQUAL(enrol(nonsense)->cause(), "csr_malformed");
  CAF_CHECK_EQUAL(enrol(request_by(""))->cause(), "enrolment_unauthenticated");
  CAF_CHECK_EQUAL(audited().size(), before);
}

CAF_TEST(a renewal is audited with both serial numbers) {
  const auto old = value_of(enrol(request()));
  const auto renewed = value_of(renew(old));
  const auto event = last_audited("certificate_renewed");
  CAF_CHECK_EQUAL(event.outcome, "success");
  CAF_CHECK_EQUAL(event.actor, old.connector);
  CAF_CHECK_EQUAL(event.address, "192.0.2.8");
  CAF_CHECK(event.detail.find(serial_of(old)) != std::string::npos);
  CAF_CHECK(event.detail.find(serial_of(renewed)) != std::string::npos);
}

CAF_TEST(a token that was issued is audited and not shown) {
  const auto token = value_of(issue(3));
  const auto event = last_audited("enrolment_token_issued");
  CAF_CHECK_EQUAL(event.outcome, "success");
  CAF_CHECK_EQUAL(event.actor, "root");
  CAF_CHECK_EQUAL(event.target, "berlin");
  CAF_CHECK(event.detail.find(token.token) == std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
