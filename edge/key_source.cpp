#include "edge/key_source.hpp"

#include "actors/contracts.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace postern::edge {

bool key_source::handle(caf::message& content, const runtime::actor_port::responder& answer) {
  if (!content.match_elements<actors::fetch_atom, std::string>()) return false;
  runtime::asio::co_spawn(home_.get_executor(), fetch(content.get_as<std::string>(1), answer),
                          runtime::asio::detached);
  return true;
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
