#include "connector/run.hpp"

#include "actors/connector_agent.hpp"
#include "config/place.hpp"
#include "connector/connector_io.hpp"
#include "connector/limits.hpp"
#include "runtime/descriptors.hpp"
#include "runtime/files.hpp"
#include "runtime/log.hpp"
#include "runtime/shard_scheduler.hpp"
#include "runtime/x509.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <optional>
#include <unistd.h>

namespace postern::connector {

using runtime::awaitable;

namespace {

// An instance is told from another by chance; 16 bytes are a UUID's worth.
constexpr size_t instance_bytes = 16;

using signals = boost::asio::basic_signal_set<runtime::executor>;

int refuse(const std::string& line) {
  std::fputs(("postern-connector: " + line + "\n").c_str(), stderr);
  return 2;
}

/// What is wrong with a file that connector.toml names, as "KEY: expected ..."; none: nothing.
std::optional<std::string> find_unusable_file(const config::connector& own) {
  if (!own.ca_file.empty()) {
    const auto pem = runtime::read_file(own.ca_file);
    if (!pem) return "ca_file: expected a file, found: " + pem.error().detail;
    if (!runtime::read_certificate_pem(*pem))
      return "ca_file: expected PEM certificates, found something that is none (" + own.ca_file +
             ")";
  }
  if (const auto proxies = make_proxies(own); !proxies)
    return "proxy_credentials_file: expected a line USER:PASSWORD, found: " +
           proxies.error().detail;
  return {};
}

/// Calls `work` on a shard's thread and waits for it.
template <class F>
auto call_on(runtime::shard& on, F work) {
  std::promise<std::invoke_result_t<F>> done;
  auto result = done.get_future();
  on.post([&] {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      work();
      done.set_value();
    } else {
      done.set_value(work());
    }
  });
  return result.get();
}

awaitable<void> serve_until_signal(runtime::shard& home, connector_io& io,
                                   std::promise<void>& drained) {
  signals set{home.get_executor(), SIGTERM, SIGINT};
  co_await set.async_wait(runtime::use_awaitable);
  runtime::log_event(spdlog::level::info, "draining", {});
  set.async_wait([](const boost::system::error_code& failure, int) {
    if (!failure) std::_Exit(1);
  });
  co_await io.drain(limits::drain_deadline);
  drained.set_value();
}

/// Everything between the start of the threads and their end.
void serve(runtime::shard_pool& shards, caf::actor_system& system, connector_io& io,
           runtime::random_source& random) {
  actors::connector_agent_dependencies needs{.io = io.actor(), .random = &random};
  auto agent = system.spawn(actors::connector_agent, std::move(needs));
  std::promise<void> drained;
  auto& home = shards.at(0);
  home.post([&] {
    io.report_to(agent);
    caf::anon_send(agent, actors::start_atom_v);
    boost::asio::co_spawn(home.get_executor(), serve_until_signal(home, io, drained),
                          boost::asio::detached);
  });
  drained.get_future().wait();
  if (io.active() > 0) {
    runtime::log_event(spdlog::level::warn, "exchanges were cut off: the drain took too long", {});
    std::_Exit(0);
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    call_on(shards.at(i), [&] {
      io.at(i).exchanges.close();
      io.at(i).context.connections.clear();
      io.at(i).context.multiplexed.clear();
    });
  }
  caf::anon_send_exit(agent, caf::exit_reason::user_shutdown);
}

}  // namespace

int run(const run_options& options) {
  const state_directory state{options.state_directory};
  auto who = state.load_identity();
  if (!who) return refuse(who.error().detail);
  // Two processes of one identity would look like a stolen one.
  const auto held = runtime::lock_folder(state.path());
  if (!held) return refuse(held.error().detail);
  auto own = config::load_connector(state.configuration_file());
  if (!own) return refuse(to_string(own.error()));
  if (const auto wrong = find_unusable_file(*own)) {
    const auto key = wrong->substr(0, wrong->find(':'));
    return refuse(config::place_of(state.configuration_file(), key) + wrong->substr(key.size()));
  }
  if (!options.log_format.empty()) own->log.format = options.log_format;
  if (!options.log_level.empty()) own->log.level = options.log_level;
  if (auto logging = runtime::start_logging(own->log.level, own->log.format, own->log.file);
      !logging)
    return refuse(logging.error().detail);
  ::unlink(state.ready_file().c_str());
  // Each exchange may need a connection to its origin: a thousand per tunnel.
  runtime::raise_descriptor_limit();

  runtime::shard_pool shards{options.shards};
  shards.start();
  int code = 0;
  runtime::system_random_source random;  // outlives the agent, which ends with the system
  std::vector<std::unique_ptr<connector_shard>> left;
  {
    runtime::shard_system_config settings{shards};
    caf::actor_system system{settings};
    auto instance = random.hex(instance_bytes);
    auto io = call_on(shards.at(0), [&] {
      return connector_io::make(system, shards, state, std::move(*own), std::move(*who),
                                std::move(instance));
    });
    if (io)
      serve(shards, system, **io, random);
    else
      code = refuse(io.error().detail);
    if (io)
      call_on(shards.at(0), [&] {
        left = (*io)->release_shards();
        io->reset();
      });
  }
  ::unlink(state.ready_file().c_str());
  shards.stop();
  return code;
}

}  // namespace postern::connector
