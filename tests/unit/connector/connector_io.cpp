#define CAF_SUITE connector_io
// What the agent's hands do and what they report.
#include "connector/connector_io.hpp"

#include "tests/unit/connector/io_fixture.hpp"

#include <unistd.h>

using namespace postern;
using namespace postern::connector;
using namespace postern::connector::testing;
using runtime::error_category;

CAF_TEST_FIXTURE_SCOPE(connector_io_tests, io_fixture)

CAF_TEST(what cannot be used is refused before anything is dialled) {
  auto own = options();
  own.ca_file = folder / "missing";
  CAF_CHECK_EQUAL(make(own, who).error().cause, "file_missing");
  own = options();
  own.proxy = "ftp://proxy.example";
  CAF_CHECK_EQUAL(make(own, who).error().cause, "proxy_malformed");
  own = options();
  own.service = "localhost";
  CAF_CHECK_EQUAL(make(own, who).error().cause, "url_malformed");
  const auto other = signed_identity("c1", usage::client);
  const identity odd{other.key_pem, who.certificate_pem};
  CAF_CHECK_EQUAL(make(options(), odd).error().cause, "tls_identity");
}

// -- tunnels --------------------------------------------------------------------------------------

CAF_TEST(a dial that fails is active until its end is told with its slot and reason) {
  acceptor.close();
  for (const uint32_t slot : {4u, 9u})
    tell(io->actor(), actors::dial_atom_v, slot, node);
  CAF_REQUIRE(works_until([&] { return io->active() == 2; }));
  CAF_REQUIRE(works_until([&] { return agent_told->closed.size() == 2; }));
  CAF_CHECK_EQUAL(io->active(), 0u);
  CAF_CHECK_EQUAL(agent_told->closed[0].first + agent_told->closed[1].first, 13u);
  for (const auto& [slot, why] : agent_told->closed)
    CAF_CHECK_EQUAL(why.cause, "connection_refused");
  tell(io->actor(), actors::dial_atom_v, uint32_t{1}, std::string{"no address"});
  CAF_REQUIRE(works_until([&] { return agent_told->closed.size() == 3; }));
  const auto why = agent_told->closed.back().second;
  CAF_CHECK_EQUAL(why.cause, "node_address");
  CAF_CHECK(agent_told->opened.empty());
  CAF_CHECK(ready_file().empty());
}

CAF_TEST(a tunnel is told and makes ready and ends when its slot is drained) {
  update(sample(3));
  CAF_CHECK(ready_file().empty());
  test::noted_stream hello;
  serve_tunnel(hello);
  tell(io->actor(), actors::dial_atom_v, uint32_t{5});
  CAF_REQUIRE(works_until([&] { return !agent_told->opened.empty(); }));
  CAF_CHECK_EQUAL(agent_told->opened.front(), 5u);
  CAF_REQUIRE(works_until([&] { return hello.closed.has_value(); }));
  const auto me = actors::decode_tunnel_hello(hello.content);
  CAF_REQUIRE(me.has_value());
  CAF_CHECK_EQUAL(me->instance, "instance-1");
  CAF_CHECK_EQUAL(me->capacity, 7u);
  auto ready = ready_file();
  CAF_CHECK(ready["pid"] == ::getpid());
  CAF_CHECK(ready["connector"] == "c1");
  CAF_CHECK(ready["configuration_version"] == 3);

  tell(io->actor(), actors::drain_atom_v, uint32_t{4});  // another slot
  test::run_ready(home);
  CAF_CHECK_EQUAL(io->active(), 1u);
  tell(io->actor(), actors::drain_atom_v, uint32_t{5});
  CAF_REQUIRE(works_until([&] { return !agent_told->closed.empty(); }));
  CAF_CHECK_EQUAL(agent_told->closed.front().first, 5u);
  CAF_CHECK_EQUAL(io->active(), 0u);
  CAF_CHECK(io->at(0).tunnels.empty());
}

CAF_TEST(what a node asks for reaches the agent) {
  io->at(0).context.on_summons("192.0.2.7:443");
  CAF_REQUIRE(works_until([&] { return !agent_told->summons.empty(); }));
  CAF_CHECK_EQUAL(agent_told->summons.front(), "192.0.2.7:443");
}

// -- configuration --------------------------------------------------------------------------------

CAF_TEST(a connector that is to have no tunnels is ready with its configuration) {
  update(sample(1));
  CAF_CHECK(ready_file().empty());
  update(sample(2, true));
  auto ready = ready_file();
  CAF_CHECK(ready["configuration_version"] == 2);
  update(sample(3));
  ready = ready_file();
  CAF_CHECK(ready["configuration_version"] == 3);
  CAF_CHECK(ready["connector"] == "c1");
}

CAF_TEST(exchanges to come go by the origins of the last configuration) {
  auto fresh = sample(1);
  fresh.applications.resize(1);
  fresh.applications[0].name = "wiki";
  fresh.applications[0].internal_url = "http://wiki.corp/";
  update(fresh);
  CAF_CHECK(io->at(0).context.origins->find("wiki") != nullptr);
  update(sample(2));
  CAF_CHECK(io->at(0).context.origins->find("wiki") == nullptr);
}

CAF_TEST(a pull names the configuration in use and one that did not change is none) {
  serve(answer_of(200, actors::encode_connector_configuration(sample(7)), "\"tag-7\""));
  const auto first = pulled(0);
  CAF_CHECK(first.failure.category == error_category::none);
  CAF_REQUIRE(first.configuration != nullptr);
  CAF_CHECK_EQUAL(first.configuration->version, 7u);
  CAF_CHECK_EQUAL(asked_field("If-None-Match"), "");
  CAF_CHECK_EQUAL(asked_field("postern-instance"), "instance-1");

  serve(answer_of(304, ""));
  const auto same = pulled(7, 30s);
  CAF_CHECK(same.failure.category == error_category::none);
  CAF_CHECK(same.configuration == nullptr);
  CAF_CHECK_EQUAL(asked_field("If-None-Match"), "\"tag-7\"");
  CAF_CHECK_EQUAL(asked_field("Prefer"), "wait=30");

  // Whoever knows no version wants one whatever it was.
  serve(answer_of(304, ""));
  pulled(0);
  CAF_CHECK_EQUAL(asked_field("If-None-Match"), "");
}

CAF_TEST(a pull that fails is told and what was known stays) {
  serve(answer_of(200, actors::encode_connector_configuration(sample(7)), "\"tag-7\""));
  pulled(0);
  serve(answer_of(403, R"({"cause":"connector_revoked","source":"connector"})", "\"other\""));
  const auto refused = pulled(7);
  CAF_CHECK(refused.configuration == nullptr);
  CAF_CHECK(refused.failure.category == error_category::forbidden);
  CAF_CHECK_EQUAL(refused.failure.cause, "connector_revoked");
  serve(answer_of(200, "{", "\"other\""));
  CAF_CHECK_EQUAL(pulled(7).failure.cause, "configuration_malformed");
  serve(answer_of(304, ""));
  pulled(7);
  CAF_CHECK_EQUAL(asked_field("If-None-Match"), "\"tag-7\"");
}

CAF_TEST(a pull that comes back after the end reaches nobody) {
  bool answered = false;
  serve([&](const http_request&) {
    end();
    answered = true;
    return answer_of(200, actors::encode_connector_configuration(sample(7)));
  });
  tell(io->actor(), actors::pull_atom_v, uint64_t{0}, 0ms);
  CAF_REQUIRE(works_until([&] { return answered; }));
  // The farewell of the connection is behind the answer.
  serve(answer_of(304, ""));
  io = make().value();
  io->report_to(agent);
  pulled(0);
  CAF_CHECK_EQUAL(agent_told->pulls.size(), 1u);
}

// -- renewal --------------------------------------------------------------------------------------

CAF_TEST(a renewed identity is on the disk and is the one that comes next) {
  serve([this](const http_request& request) { return enrol_again(request); });
  CAF_CHECK(renewed().category == error_category::none);
  CAF_CHECK_EQUAL(std::string{asked.target()}, "/.well-known/est/simplereenroll");
  CAF_CHECK(runtime::read_certificate_pem(shown)->serial ==
            runtime::read_certificate_pem(who.certificate_pem)->serial);
  const auto stored = state.load_identity();
  CAF_REQUIRE(stored.has_value());
  CAF_CHECK(*stored != who);
  serve(answer_of(304, ""));
  pulled(0);
  CAF_CHECK_EQUAL(shown, stored->certificate_pem);
}

CAF_TEST(an identity that cannot be kept is not used) {
  std::filesystem::create_directory(state.identity_file());
  serve([this](const http_request& request) { return enrol_again(request); });
  const auto why = renewed();
  CAF_CHECK(why.category == error_category::unavailable);
  CAF_CHECK_EQUAL(why.cause, "file_unwritable");
  serve(answer_of(304, ""));
  pulled(0);
  CAF_CHECK_EQUAL(shown, who.certificate_pem);
}

CAF_TEST(a renewal that is refused or of another key changes nothing) {
  serve(answer_of(403, R"({"cause":"certificate_unknown","source":"connector"})"));
  CAF_CHECK_EQUAL(renewed().cause, "certificate_unknown");
  const auto other = signed_identity("c1", usage::client);
  serve(answer_of(200, runtime::to_base64(runtime::make_pkcs7({other.certificate_pem}).value())));
  CAF_CHECK_EQUAL(renewed().cause, "est_malformed");
  CAF_CHECK(!std::filesystem::exists(state.identity_file()));
  serve(answer_of(304, ""));
  pulled(0);
  CAF_CHECK_EQUAL(shown, who.certificate_pem);
}

// -- leaving --------------------------------------------------------------------------------------

CAF_TEST(a drain tells the agent and is over at once where nothing runs) {
  bool over = false;
  test::start(home, [&]() -> awaitable<void> {
    co_await io->drain(std::chrono::hours{1});
    over = true;
  });
  CAF_CHECK(works_until([&] { return over; }));
  CAF_CHECK_EQUAL(agent_told->drains, 1);
}

CAF_TEST(a drain waits for the last tunnel and no longer than its patience) {
  update(sample(1));
  test::noted_stream hello;
  serve_tunnel(hello);
  tell(io->actor(), actors::dial_atom_v, uint32_t{0});
  CAF_REQUIRE(works_until([&] { return !agent_told->opened.empty(); }));
  int over = 0;
  for (const auto patience : {1ms, 3'600'000ms})
    test::start(home, [&, patience]() -> awaitable<void> {
      co_await io->drain(patience);
      ++over;
    });
  CAF_REQUIRE(works_until([&] { return over == 1; }));
  CAF_CHECK_EQUAL(io->active(), 1u);
  tunnel.session->close();
  CAF_CHECK(works_until([&] { return over == 2; }));
  CAF_CHECK_EQUAL(io->active(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
