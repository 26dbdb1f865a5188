#pragma once
// A connector's io at a service on loopback that answers as the test says, with an agent that
// writes down what it is told. Include it after CAF_SUITE.

#include "actors/connector_configuration.hpp"
#include "connector/connector_io.hpp"
#include "runtime/encoding.hpp"
#include "runtime/files.hpp"
#include "tests/unit/actors/connector_fixture.hpp"
#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/runtime/temp_directory.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>

#include <filesystem>
#include <functional>

namespace postern::connector::testing {

using namespace std::chrono_literals;
using runtime::awaitable;
using runtime::error;
using runtime::http_request;
using runtime::http_response;
using usage = runtime::certificate_profile::usage;

struct told {
  std::vector<actors::pull_outcome> pulls;
  std::vector<error> renewals;
  std::vector<uint32_t> opened;
  std::vector<std::pair<uint32_t, error>> closed;
  std::vector<std::string> summons;
  int drains = 0;
};

inline actors::connector_agent_actor::behavior_type recording_agent(
    actors::connector_agent_actor::pointer, std::shared_ptr<told> t) {
  using namespace actors;
  return {[](start_atom) {},
          [t](pulled_atom, const pull_outcome& o) { t->pulls.push_back(o); },
          [t](opened_atom, uint32_t slot) { t->opened.push_back(slot); },
          [t](closed_atom, uint32_t slot, const error& why) { t->closed.emplace_back(slot, why); },
          [t](summon_atom, const std::string& node) { t->summons.push_back(node); },
          [t](renewed_atom, const error& why) { t->renewals.push_back(why); },
          [t](drain_atom) { ++t->drains; },
          [](lookup_atom) { return agent_status{}; },
          [](dial_atom, uint32_t, uint64_t) {},
          [](pull_atom, uint64_t) {}};
}

inline http_response answer_of(unsigned status, std::string content, const std::string& tag = {}) {
  http_response response{static_cast<runtime::http_status>(status), 11};
  if (!tag.empty()) response.set(runtime::http_field::etag, tag);
  response.body() = std::move(content);
  return response;
}

inline actors::connector_configuration sample(uint64_t version, bool drained = false) {
  actors::connector_configuration c;
  c.version = version;
  c.connector = "c1";
  c.group = "one";
  c.exchanges = 7;
  c.drained = drained;
  return c;
}

struct io_fixture : actors::testing::fixture {
  using answering = std::function<http_response(const http_request&)>;

  runtime::shard_pool pool{1};
  runtime::shard& home = pool.at(0);
  test::temp_directory folder;
  const runtime::private_key key = runtime::private_key::generate();
  const std::string authority =
      runtime::self_sign(key, test::tls_authority::profile("authority", usage::authority)).value();
  identity who = signed_identity("c1", usage::client);
  runtime::tcp_acceptor acceptor{home.get_executor(), {boost::asio::ip::address_v4::loopback(), 0}};
  std::string node = "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  state_directory state{folder / "."};
  std::shared_ptr<told> agent_told = std::make_shared<told>();
  actors::connector_agent_actor agent = own(sys.spawn(recording_agent, agent_told));
  std::unique_ptr<connector_io> io = make().value();
  // Of the service, of its last connection.
  http_request asked;
  std::string shown;
  test::http2_end tunnel;

  io_fixture() { io->report_to(agent); }
  ~io_fixture() override {
    if (tunnel.session && !tunnel.ended) tunnel.session->close();
    acceptor.close();
    CAF_CHECK(works_until([&] { return !io || io->active() == 0; }));
    CAF_CHECK(works_until([&] { return !tunnel.session || tunnel.ended; }));
    end();
  }
  /// As connector/run does it.
  void end() {
    if (!io) return;
    io->at(0).exchanges.close();
    const auto left = io->release_shards();
    io.reset();
    test::run_ready(home);
  }

  identity signed_identity(const std::string& name, usage use) const {
    auto wanted = test::tls_authority::profile(name, use);
    if (use == usage::server) wanted.dns_names = {name};
    const auto mine = runtime::private_key::generate();
    return {mine.pem(), runtime::sign_key(mine, wanted, key, authority).value()};
  }
  config::connector options() const {
    config::connector own;
    own.service = "https://localhost:" + node.substr(node.find(':') + 1) + "/";
    own.ca_file = folder.write("ca.pem", authority);
    own.proxy = "none";
    return own;
  }
  runtime::result<std::unique_ptr<connector_io>> make() { return make(options(), who); }
  runtime::result<std::unique_ptr<connector_io>> make(config::connector own, identity by) {
    return connector_io::make(sys, pool, state, std::move(own), std::move(by), "instance-1");
  }
  template <class Condition>
  bool works_until(Condition done) {
    return test::run_until(home, [&] {
      sched.run();
      return done();
    });
  }
  /// The next connection, with TLS; who it is stands in `shown`.
  awaitable<runtime::transport> accepted() {
    const auto server = signed_identity("localhost", usage::server);
    const auto tls = runtime::tls_server_context::make(
                         {{server.certificate_pem, server.key_pem}},
                         {{"localhost", authority, {tunnel_protocol, "http/1.1"}}}, {})
                         .value();
    auto socket = co_await acceptor.async_accept(runtime::use_awaitable);
    runtime::transport connection{std::move(socket), tls->make_connection()};
    const auto shaken = co_await connection.handshake(home.timers(), 10s);
    if (shaken) shown = runtime::peer_certificate_pem(connection.tls());
    co_return connection;
  }
  /// Answers one request, which stands in `asked` then.
  void serve(answering answer) {
    test::start(home, [this, answer = std::move(answer)]() -> awaitable<void> {
      auto connection = co_await accepted();
      boost::beast::flat_buffer buffer;
      asked = {};
      const auto token = boost::asio::as_tuple(runtime::use_awaitable);
      co_await boost::beast::http::async_read(connection, buffer, asked, token);
      auto response = answer(asked);
      response.prepare_payload();
      co_await boost::beast::http::async_write(connection, response, token);
      connection.shutdown();
    });
  }
  void serve(http_response response) {
    serve([response = std::move(response)](const http_request&) { return response; });
  }
  /// Takes one tunnel, and says hello.
  void serve_tunnel(test::noted_stream& hello) {
    test::start(home, [this, &hello]() -> awaitable<void> {
      auto connection = co_await accepted();
      tunnel.session.emplace(home, std::move(connection), tunnel, runtime::http2_options{});
      const runtime::field_list fields{{":method", "GET"},
                                       {":scheme", "https"},
                                       {":authority", "c"},
                                       {":path", "/.postern/hello"}};
      CAF_CHECK(tunnel.session->submit_request(hello, fields, true).has_value());
      co_await tunnel.session->run();
      tunnel.ended = true;
    });
  }
  actors::pull_outcome pulled(uint64_t known, std::chrono::milliseconds wait = 0ms) {
    const auto before = agent_told->pulls.size();
    tell(io->actor(), actors::pull_atom_v, known, wait);
    CAF_REQUIRE(works_until([&] { return agent_told->pulls.size() > before; }));
    return agent_told->pulls.back();
  }
  error renewed() {
    const auto before = agent_told->renewals.size();
    tell(io->actor(), actors::renew_atom_v);
    CAF_REQUIRE(works_until([&] { return agent_told->renewals.size() > before; }));
    return agent_told->renewals.back();
  }
  /// Signs what comes, as an authority that knows the connector.
  http_response enrol_again(const http_request& request) const {
    const auto wanted = test::tls_authority::profile("c1", usage::client);
    const auto csr = runtime::from_base64(request.body()).value();
    const auto fresh = runtime::sign_request(csr, wanted, key, authority).value();
    return answer_of(200, runtime::to_base64(runtime::make_pkcs7({fresh}).value()));
  }
  std::string asked_field(const char* name) const { return std::string{asked[name]}; }
  boost::json::object ready_file() const {
    const auto text = runtime::read_file(state.ready_file());
    return text ? boost::json::parse(*text).as_object() : boost::json::object{};
  }
  void update(const actors::connector_configuration& c) {
    tell(io->actor(), actors::update_atom_v, c);
    test::run_ready(home);
  }
};

}  // namespace postern::connector::testing
