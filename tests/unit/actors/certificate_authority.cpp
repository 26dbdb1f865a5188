#define CAF_SUITE certificate_authority
#include "actors/certificate_authority.hpp"

#include "actors/configuration.hpp"
#include "actors/connector_registry.hpp"
#include "actors/enrolment_tokens.hpp"
#include "runtime/x509.hpp"
#include "tests/unit/actors/published_samples.hpp"

#include <set>

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::private_key;

namespace {

using key_ring_ptr = std::shared_ptr<const postern::runtime::key_ring>;

struct authority_fixture : store_fixture {
  postern::runtime::sealing_key wrapping = postern::runtime::make_sealing_key(random);
  key_ring_ptr ring = make_ring({wrapping});
  configuration_actor configured =
      start(configuration, configuration_dependencies{store, audit, {}});
  tunnel_control_actor tunnels =
      start(recording_tunnel_control, std::make_shared<std::vector<cut_tunnel>>());
  connector_registry_actor connectors = spawn_connectors();
  certificate_authority_actor subject;
  private_key key = private_key::generate();

  authority_fixture() {
    ask<change_report>(configured, apply_atom_v, change_request{.groups = {{"berlin"}}});
    subject = spawn_authority();
  }

  key_ring_ptr make_ring(std::vector<postern::runtime::sealing_key> keys) {
    return std::make_shared<const postern::runtime::key_ring>(std::move(keys), random);
  }
  connector_registry_actor spawn_connectors() {
    return start(connector_registry, connector_registry_dependencies{.store = store,
                                                                     .audit = audit,
                                                                     .tunnels = tunnels,
                                                                     .configuration = configured,
                                                                     .clock = &clock,
                                                                     .renew_after = 24h * 180,
                                                                     .tunnels_per_connector = 2,
                                                                     .exchanges_per_tunnel = 100});
  }
  certificate_authority_actor spawn_authority() {
    return start(certificate_authority,
                 certificate_authority_dependencies{.store = store,
                                                    .audit = audit,
                                                    .configuration = configured,
                                                    .connectors = connectors,
                                                    .clock = &clock,
                                                    .random = &random,
                                                    .wrapping_keys = ring});
  }
  void restart() {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    subject = spawn_authority();
  }

  enrolment_request request(const std::string& name = "rack 7") {
    return {
        .csr_der = make_certificate_request(key, name), .group = "berlin", .administrator = "root"};
  }
  answer_ptr<issued_certificate> enrol(enrolment_request wanted) {
    return ask<issued_certificate>(subject, sign_atom_v, std::move(wanted));
  }
  issued_certificate enrolled(const std::string& name = "rack 7") {
    const auto answer = enrol(request(name));
    CAF_REQUIRE_EQUAL(answer->cause(), "answered");
    return *answer->value;
  }
  answer_ptr<issued_certificate> renew(const issued_certificate& old, const std::string& name) {
    return ask<issued_certificate>(
        subject, renew_atom_v,
        renewal_request{.csr_der = make_certificate_request(private_key::generate(), name),
                        .certificate_pem = old.certificate_pem});
  }
  answer_ptr<issued_certificate> renew(const issued_certificate& old) {
    return renew(old, old.connector);
  }
  std::string make_token(uint32_t uses = 1) {
    const auto made = ask<enrolment_token>(
        subject, issue_atom_v,
        enrolment_token_request{.group = "berlin", .uses = uses, .lifetime = 1h, .by = "root"});
    CAF_REQUIRE_EQUAL(made->cause(), "answered");
    return made->value->token;
  }
  answer_ptr<issued_certificate> enrol_by_token(const std::string& token, std::string group = {}) {
    auto wanted = request();
    wanted.administrator.clear();
    wanted.group = std::move(group);
    wanted.enrolment_token = token;
    return enrol(wanted);
  }
  std::string authority_pem() {
    const auto answer = ask<std::string>(subject, lookup_atom_v);
    return answer->value.value_or(answer->cause());
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(certificate_authority_tests, authority_fixture)

CAF_TEST(a certificate names its connector and lasts a year) {
  const auto issued = enrolled();
  const auto info = postern::runtime::read_certificate_pem(issued.certificate_pem).value();
  CAF_CHECK_EQUAL(issued.connector.size(), 32u);
  CAF_CHECK_EQUAL(info.common_name, issued.connector);
  CAF_CHECK(info.subject.find("O=Postern connector") != std::string::npos);
  CAF_CHECK((info.uris == std::vector<std::string>{"urn:postern:connector:" + issued.connector}));
  CAF_CHECK(info.not_after == clock.now() + 24h * 365);
  CAF_CHECK(info.not_before <= clock.now());
  CAF_CHECK_EQUAL(issued.authority_pem, authority_pem());
}

CAF_TEST(a connector is recorded when its certificate is answered) {
  const auto issued = enrolled("rack 7");
  const auto record = ask<connector_record>(connectors, find_atom_v, issued.connector);
  CAF_REQUIRE(record->value.has_value());
  CAF_CHECK_EQUAL(record->value->name, "rack 7");
  CAF_CHECK_EQUAL(record->value->group, "berlin");
  CAF_CHECK_EQUAL(record->value->enrolled_by, "root");
  const auto info = postern::runtime::read_certificate_pem(issued.certificate_pem).value();
  CAF_CHECK((record->value->serials == std::vector<std::string>{info.serial}));
  CAF_CHECK_EQUAL(stored("connector").size(), 1u);
}

CAF_TEST(serials and ids are never the same) {
  std::set<std::string> serials;
  for (int i = 0; i < 20; ++i) {
    const auto issued = enrolled();
    serials.insert(issued.connector);
    serials.insert(postern::runtime::read_certificate_pem(issued.certificate_pem)->serial);
  }
  CAF_CHECK_EQUAL(serials.size(), 40u);
}

CAF_TEST(nobody enrols without an administrator or a token) {
  auto wanted = request();
  wanted.administrator.clear();
  CAF_CHECK_EQUAL(enrol(wanted)->cause(), "enrolment_unauthenticated");
}

CAF_TEST(the group must be published) {
  auto wanted = request();
  wanted.group = "nowhere";
  CAF_CHECK_EQUAL(enrol(wanted)->cause(), "group_unknown");
  wanted.group.clear();
  CAF_CHECK_EQUAL(enrol(wanted)->cause(), "group_unknown");
}

CAF_TEST(nobody enrols under the id of a connector) {
  const auto issued = enrolled();
  CAF_CHECK_EQUAL(enrol(request(issued.connector))->cause(), "csr_foreign_subject");
}

CAF_TEST(what is no request is refused and audited) {
  auto wanted = request();
  wanted.csr_der = "nonsense";
  CAF_CHECK_EQUAL(enrol(wanted)->cause(), "csr_malformed");
  CAF_CHECK_EQUAL(last_audited("connector_enrolled").outcome, "csr_malformed");
  CAF_CHECK(stored("connector").empty());
}

CAF_TEST(a one time token enrols once and into its group) {
  const auto token = make_token();
  const auto answer = enrol_by_token(token);
  CAF_REQUIRE_EQUAL(answer->cause(), "answered");
  CAF_CHECK_EQUAL(answer->value->group, "berlin");
  CAF_CHECK_EQUAL(enrol_by_token(token)->cause(), "enrolment_token_used_up");
  CAF_CHECK_EQUAL(enrol_by_token("invented")->cause(), "enrolment_token_unknown");
  CAF_CHECK(last_audited("connector_enrolled").detail.find(token) == std::string::npos);
}

CAF_TEST(a mistake in the request does not cost the token) {
  const auto token = make_token();
  CAF_CHECK_EQUAL(enrol_by_token(token, "paris")->cause(), "enrolment_token_group");
  auto wanted = request("a\nb");
  wanted.enrolment_token = token;
  CAF_CHECK_EQUAL(enrol(wanted)->cause(), "csr_foreign_subject");
  CAF_CHECK_EQUAL(enrol_by_token(token)->cause(), "answered");
}

CAF_TEST(a token expires) {
  const auto token = make_token();
  pass_both(1h);
  CAF_CHECK_EQUAL(enrol_by_token(token)->cause(), "enrolment_token_expired");
}

CAF_TEST(a token used by two at once lets one in) {
  const auto token = make_token();
  auto wanted = request();
  wanted.enrolment_token = token;
  caf::anon_send(subject, sign_atom_v, wanted);
  CAF_CHECK_EQUAL(enrol_by_token(token)->cause(), "enrolment_token_used_up");
  CAF_CHECK_EQUAL(stored("connector").size(), 1u);
}

CAF_TEST(a token for many serves them at once) {
  const auto token = make_token(3);
  auto wanted = request();
  wanted.enrolment_token = token;
  caf::anon_send(subject, sign_atom_v, wanted);
  caf::anon_send(subject, sign_atom_v, wanted);
  CAF_CHECK_EQUAL(enrol_by_token(token)->cause(), "answered");
  CAF_CHECK_EQUAL(stored("connector").size(), 3u);
  CAF_CHECK_EQUAL(enrol_by_token(token)->cause(), "enrolment_token_used_up");
}

CAF_TEST(a token needs a published group) {
  CAF_CHECK_EQUAL(
      ask<enrolment_token>(subject, issue_atom_v, enrolment_token_request{.group = "nowhere"})
          ->cause(),
      "group_unknown");
}

CAF_TEST(a certificate is renewed after half a year over the old one) {
  const auto first = enrolled();
  pass_both(24h * 180);
  const auto second = renew(first);
  CAF_REQUIRE_EQUAL(second->cause(), "answered");
  CAF_CHECK_EQUAL(second->value->connector, first.connector);
  const auto info = postern::runtime::read_certificate_pem(second->value->certificate_pem).value();
  CAF_CHECK_EQUAL(info.common_name, first.connector);
  CAF_CHECK(info.not_after == clock.now() + 24h * 365);
  CAF_CHECK_EQUAL(renew(*second->value)->cause(), "answered");
}

CAF_TEST(a certificate is not renewed when its year is over) {
  const auto first = enrolled();
  pass_both(24h * 365 - 1s);
  CAF_CHECK_EQUAL(renew(first)->cause(), "answered");
  pass_both(1s);
  CAF_CHECK_EQUAL(renew(first)->cause(), "certificate_expired");
}

CAF_TEST(a connector that renews in time lives for ever) {
  auto current = enrolled();
  for (int half_year = 0; half_year < 10; ++half_year) {
    pass_both(24h * 180);
    const auto next = renew(current);
    CAF_REQUIRE_EQUAL(next->cause(), "answered");
    current = *next->value;
  }
}

CAF_TEST(a revoked connector is not renewed) {
  const auto issued = enrolled();
  CAF_REQUIRE(ask_void(connectors, revoke_atom_v, issued.connector, std::string{"root"})->value);
  CAF_CHECK_EQUAL(renew(issued)->cause(), "connector_revoked");
}

CAF_TEST(a renewal for somebody else is refused) {
  const auto issued = enrolled();
  const auto other = enrolled("other");
  CAF_CHECK_EQUAL(renew(issued, other.connector)->cause(), "csr_foreign_subject");
  CAF_CHECK_EQUAL(last_audited("certificate_renewed").outcome, "csr_foreign_subject");
}

CAF_TEST(a certificate of another authority is refused whatever it says) {
  const auto issued = enrolled();
  const auto info = postern::runtime::read_certificate_pem(issued.certificate_pem).value();
  auto other = authority_key::generate(clock.now(), random).value();
  auto forged = issued;
  forged.certificate_pem =
      other.sign(make_certificate_request(key, "x"), issued.connector, clock.now(), 24h, random)
          ->pem;
  CAF_CHECK_EQUAL(renew(forged)->cause(), "certificate_foreign");
  forged.certificate_pem = "nonsense";
  CAF_CHECK_EQUAL(renew(forged)->cause(), "certificate_malformed");
}

CAF_TEST(the authority stays the same and its key is wrapped) {
  const auto before = authority_pem();
  const auto issued = enrolled();
  const auto records = stored("authority");
  CAF_REQUIRE_EQUAL(records.size(), 1u);
  CAF_CHECK(records[0].value.find("PRIVATE KEY") == std::string::npos);
  restart();
  CAF_CHECK_EQUAL(authority_pem(), before);
  CAF_CHECK_EQUAL(renew(issued)->cause(), "answered");
}

CAF_TEST(after a rotation the key is wrapped anew) {
  const auto before = authority_pem();
  const auto fresh = postern::runtime::make_sealing_key(random);
  ring = make_ring({fresh, wrapping});
  restart();
  CAF_CHECK_EQUAL(authority_pem(), before);
  ring = make_ring({fresh});
  restart();
  CAF_CHECK_EQUAL(authority_pem(), before);
}

CAF_TEST(an authority that cannot be opened is never replaced) {
  ring = make_ring({postern::runtime::make_sealing_key(random)});
  const auto before = stored("authority");
  restart();
  CAF_CHECK_EQUAL(authority_pem(), "authority_unreadable");
  CAF_CHECK_EQUAL(enrol(request())->cause(), "authority_unreadable");
  const auto after = stored("authority");
  CAF_CHECK(after.at(0).value == before.at(0).value);
}

CAF_TEST(without a store nothing is signed and later all works) {
  medium->down = true;
  CAF_CHECK_EQUAL(enrol(request())->cause(), "store_failed");
  restart();
  CAF_CHECK_EQUAL(enrol(request())->cause(), "store_failed");
  medium->down = false;
  pass_both(1s);
  CAF_CHECK_EQUAL(enrol(request())->cause(), "answered");
}

CAF_TEST_FIXTURE_SCOPE_END()
