#include "connector/http2_origin.hpp"

#include "connector/limits.hpp"
#include "runtime/limits.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace postern::connector {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;

namespace {

runtime::http2_options session_options() {
  runtime::http2_options options;
  options.initial_window = runtime::limits::stream_window;
  options.window_growth = runtime::limits::origin_window_growth;
  options.max_streams = limits::http2_assumed_streams;
  return options;
}

/// How OpenSSL tells that the other end shares no protocol with us (RFC 7301, section 3.2).
bool says_no_protocol(const error& why) {
  return why.detail.find("no application protocol") != std::string::npos;
}

}  // namespace

// -- one connection
// ---------------------------------------------------------------------------------------

http2_origin::http2_origin(runtime::shard& home, runtime::transport connection)
    : session_(home, std::move(connection), *this, session_options()),
      idle_since_(std::chrono::steady_clock::now()),
      settled_(home) {}

awaitable<void> http2_origin::run() {
  co_await session_.run();
  ended_ = true;
  settled_.wake();
}

awaitable<runtime::result<void>> http2_origin::settle(std::chrono::milliseconds timeout) {
  session_.home().timers().arm(
      deadline_, timeout, [](void* self) { static_cast<http2_origin*>(self)->settled_.wake(); },
      this);
  co_await settled_.wait();
  deadline_.disarm();
  if (has_settings_) co_return runtime::result<void>{};
  const bool silent = !ended_;
  session_.close();
  if (silent)
    co_return error{error_category::timeout, "connect_timeout", "origin", "no HTTP/2 settings"};
  co_return error{error_category::bad_gateway, "origin_protocol", "origin",
                  "the connection ended without HTTP/2"};
}

void http2_origin::on_settings() {
  has_settings_ = true;
  settled_.wake();
}

bool http2_origin::has_room() const noexcept {
  return is_usable() && session_.open_streams() < session_.peer_max_streams();
}

bool http2_origin::is_idle_for(std::chrono::milliseconds time) const noexcept {
  return session_.open_streams() == 0 && std::chrono::steady_clock::now() - idle_since_ >= time;
}

void http2_origin::retire() {
  if (std::exchange(retired_, true)) return;
  if (session_.open_streams() == 0) session_.close();
}

void http2_origin::on_stream_closed() {
  if (session_.open_streams() > 0) return;
  idle_since_ = std::chrono::steady_clock::now();
  if (retired_) session_.close();
}

// -- all of a shard
// ---------------------------------------------------------------------------------------

std::shared_ptr<http2_origin> http2_origins::find(uint64_t origin_id) {
  const auto found = by_origin_.find(origin_id);
  if (found == by_origin_.end()) return {};
  auto& open = found->second.open;
  std::erase_if(open, [](const auto& one) { return !one->is_usable(); });
  for (const auto& one : open)
    if (one->has_room()) return one;
  // The origin's limit is reached everywhere: the exchange waits in the shortest line.
  if (open.size() < limits::http2_connections) return {};
  return *std::ranges::min_element(open, {},
                                   [](const auto& one) { return one->session().open_streams(); });
}

std::shared_ptr<http2_dial> http2_origins::dial(std::shared_ptr<const origin_table> table,
                                                const origin& to) {
  auto& pending = by_origin_[to.id].dialling;
  if (pending) return pending;
  pending = std::make_shared<http2_dial>();
  auto started = pending;
  boost::asio::co_spawn(home_.get_executor(), connect(std::move(table), to, started),
                        boost::asio::detached);
  return started;
}

awaitable<void> http2_origins::connect(std::shared_ptr<const origin_table> table, const origin& to,
                                       std::shared_ptr<http2_dial> pending) {
  const auto begun = std::chrono::steady_clock::now();
  auto target = to.http2_target;
  auto connection = co_await runtime::dial(home_, std::move(target), to.connect_timeout);
  std::shared_ptr<http2_origin> opened;
  if (!connection) {
    pending->failure = connection.error();
    if (says_no_protocol(pending->failure)) pending->failure.cause = "origin_protocol";
  } else if (connection->tls() && runtime::selected_protocol(connection->tls()) != "h2") {
    pending->failure = {error_category::bad_gateway, "origin_protocol", "origin",
                        to.target.host + " does not agree to HTTP/2"};
  } else {
    opened = std::make_shared<http2_origin>(home_, std::move(*connection));
    auto served = [](std::shared_ptr<http2_origin> one) -> awaitable<void> { co_await one->run(); };
    boost::asio::co_spawn(home_.get_executor(), served(opened), boost::asio::detached);
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begun);
    auto settled =
        co_await opened->settle(std::max(to.connect_timeout - spent, std::chrono::milliseconds{1}));
    if (!settled) {
      pending->failure = settled.error();
      opened.reset();
    }
  }
  auto& mine = by_origin_[to.id];
  mine.dialling.reset();
  if (opened) mine.open.push_back(opened);
  table.reset();
  pending->done = true;
  for (auto* point : std::exchange(pending->waiting, {}))
    point->wake();
  if (opened && !sweep_timer_.armed()) arm_sweep();
}

void http2_origins::retain(const origin_table& current) {
  for (auto& [id, mine] : by_origin_) {
    if (current.holds(id)) continue;
    for (const auto& one : std::exchange(mine.open, {}))
      one->retire();
  }
  std::erase_if(by_origin_, [](const auto& entry) {
    return entry.second.open.empty() && !entry.second.dialling;
  });
}

void http2_origins::clear() {
  for (auto& [id, mine] : by_origin_)
    for (const auto& one : mine.open)
      one->session().close();
  by_origin_.clear();
  sweep_timer_.disarm();
}

size_t http2_origins::size() const noexcept {
  size_t count = 0;
  for (const auto& [id, mine] : by_origin_)
    count += mine.open.size();
  return count;
}

void http2_origins::sweep() {
  for (auto& [id, mine] : by_origin_) {
    for (const auto& one : mine.open)
      if (one->is_idle_for(runtime::limits::origin_idle_timeout)) one->retire();
    std::erase_if(mine.open, [](const auto& one) { return !one->is_usable(); });
  }
  std::erase_if(by_origin_, [](const auto& entry) {
    return entry.second.open.empty() && !entry.second.dialling;
  });
  if (!by_origin_.empty()) arm_sweep();
}

void http2_origins::arm_sweep() {
  home_.timers().arm(
      sweep_timer_, limits::idle_sweep,
      [](void* self) { static_cast<http2_origins*>(self)->sweep(); }, this);
}

}  // namespace postern::connector
