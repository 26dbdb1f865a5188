#include "tests/simulation/shared_store.hpp"

namespace postern::simulation {

namespace {

/// As of runtime/postgres_listener: a silent connection is asked after so long.
constexpr std::chrono::seconds check_interval{5};
constexpr uint64_t longest_pause_ms = 2'000;

runtime::error failure() {
  return {runtime::error_category::unavailable, "store_unavailable", "service", "simulated"};
}

}  // namespace

// -- the server -----------------------------------------------------------------------------------

shared_store::shared_store(timeline& time, runtime::random_source& dice, network& net,
                           uint64_t seed)
    : time_(time), dice_(dice), net_(net), place_(time, dice, "store", seed) {}

std::shared_ptr<store_client> shared_store::connect(machine& from) {
  auto made = std::make_shared<store_client>(*this, from);
  clients_.push_back(made);
  return made;
}

std::vector<std::shared_ptr<store_client>> shared_store::clients() {
  std::vector<std::shared_ptr<store_client>> alive;
  for (const auto& c : clients_)
    if (auto client = c.lock()) alive.push_back(std::move(client));
  std::erase_if(clients_, [](const auto& c) { return c.expired(); });
  return alive;
}

void shared_store::set_down(bool down) {
  down_ = down;
  look_at_links();
}

void shared_store::look_at_links() {
  for (const auto& c : clients())
    c->look_at_link();
}

// -- one process's side ---------------------------------------------------------------------------

store_client::store_client(shared_store& server, machine& on) : server_(server), on_(on) {}

runtime::result<std::vector<runtime::stored_record>> store_client::load(const std::string& kind) {
  if (!reached()) return failure();
  return server_.medium_->load(kind);
}

runtime::result<std::optional<runtime::stored_record>> store_client::find(const std::string& kind,
                                                                          const std::string& key) {
  if (!reached()) return failure();
  return server_.medium_->find(kind, key);
}

runtime::result<uint64_t> store_client::commit(const std::vector<runtime::store_change>& changes) {
  if (!reached()) return failure();
  auto done = server_.medium_->commit(changes);
  if (done && !changes.empty()) {
    std::vector<runtime::store_news> news;
    for (const auto& change : changes)
      news.push_back({change.kind, change.key, *done});
    // Its own may come before the answer.
    const auto at_once = state_ == listening::on && server_.dice_.below(2) == 0;
    if (at_once) watchers_->tell(news);
    for (const auto& c : server_.clients())
      if (c.get() != this || !at_once) c->tell(news);
  }
  if (server_.lost_answers_ > 0) {
    --server_.lost_answers_;
    return failure();
  }
  return done;
}

runtime::result<void> store_client::append(const std::vector<runtime::journal_entry>& entries) {
  if (!reached()) return failure();
  return server_.medium_->append(entries);
}

runtime::result<std::vector<runtime::journal_entry>> store_client::read_journal(
    const std::string& journal, uint64_t before, size_t limit) {
  if (!reached()) return failure();
  return server_.medium_->read_journal(journal, before, limit);
}

std::shared_ptr<void> store_client::watch(runtime::store_watcher watcher) {
  if (state_ == listening::never) {
    state_ = listening::trying;
    try_to_listen(duration::zero());
  }
  return watchers_->add(std::move(watcher));
}

std::optional<actor_time> store_client::in_touch_since() const {
  if (state_ != listening::on || !reached()) return std::nullopt;
  return since_;
}

void store_client::try_to_listen(duration pause) {
  on_.after(pause, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->state_ != listening::trying) return;
    auto& dice = self->server_.dice_;
    if (!self->reached())
      return self->try_to_listen(std::chrono::milliseconds{100 + dice.below(longest_pause_ms)});
    self->state_ = listening::on;
    self->since_ = self->on_.now();
    self->watchers_->tell(std::vector<runtime::store_news>{{}});
  });
}

void store_client::tell(const std::vector<runtime::store_news>& news) {
  if (state_ == listening::held) return held_.push_back(news);
  if (state_ != listening::on) return;
  auto& time = server_.time_;
  last_arrival_ = std::max(last_arrival_, time.now() + server_.net_.latency(on_, server_.place_));
  time.at(last_arrival_, [weak = weak_from_this(), news] {
    const auto self = weak.lock();
    if (!self) return;
    if (self->state_ == listening::held) return self->held_.push_back(news);
    if (self->state_ != listening::on) return;  // the connection that it came over is gone
    self->on_.receive([weak, news] {
      if (const auto alive = weak.lock()) alive->watchers_->tell(news);
    });
  });
}

void store_client::look_at_link() {
  const bool cut = !server_.net_.joined(on_, server_.place_);
  if (state_ == listening::on && server_.down_) {
    state_ = listening::trying;
    return try_to_listen(std::chrono::milliseconds{100});
  }
  if (state_ == listening::on && cut) {
    state_ = listening::held;
    since_ = on_.now();
    return;
  }
  if (state_ != listening::held || (cut && !server_.down_)) return;
  auto held = std::exchange(held_, {});
  if (server_.down_ || on_.now() - since_ > check_interval) {
    // It was found broken meanwhile, or its server is gone.
    state_ = listening::trying;
    return try_to_listen(std::chrono::milliseconds{100 + server_.dice_.below(longest_pause_ms)});
  }
  state_ = listening::on;
  since_ = on_.now();
  // TCP sends again by a timer of its own.
  last_arrival_ = since_ + std::chrono::milliseconds{50 + server_.dice_.below(400)};
  for (auto& news : held)
    tell(news);
}

}  // namespace postern::simulation
