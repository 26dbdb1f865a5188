#include "edge/key_source.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace postern::edge {

key_source::key_source(caf::actor_system& system, runtime::shard& home, issuer_trust trust)
    : home_(home), issuers_(home, make_issuer_fetch(home, std::move(trust))), port_(system, home) {
  port_.on_message([this](caf::message& content, const runtime::actor_port::responder& answer) {
    on_message(content, answer);
  });
}

void key_source::on_message(caf::message& content, const runtime::actor_port::responder& answer) {
  if (!content.match_elements<actors::fetch_atom, std::string>()) return;
  runtime::asio::co_spawn(home_.get_executor(), fetch(content.get_as<std::string>(1), answer),
                          runtime::asio::detached);
}

runtime::awaitable<void> key_source::fetch(std::string issuer,
                                           runtime::actor_port::responder answer) {
  try {
    auto keys = co_await issuers_.fetch_keys(std::move(issuer));
    if (keys)
      answer.deliver(caf::make_message(std::move(*keys)));
    else
      answer.deliver(keys.error());
  } catch (const std::exception& e) {
    answer.deliver(
        runtime::error{runtime::error_category::internal, "internal", "service", e.what()});
  }
}

}  // namespace postern::edge
