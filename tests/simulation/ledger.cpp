#include "tests/simulation/ledger.hpp"

#include "actors/failover.hpp"
#include "actors/restart_patience.hpp"
#include "actors/tunnel_lease.hpp"

#include <iostream>

namespace postern::simulation {

namespace {

/// A message that is under way on a slow link arrives no later than this.
constexpr milliseconds longest_way{300};

std::string seconds(duration d) {
  auto ms = std::chrono::duration_cast<milliseconds>(d).count();
  auto fraction = std::to_string(ms % 1000);
  return std::to_string(ms / 1000) + '.' + std::string(3 - fraction.size(), '0') + fraction;
}

}  // namespace

const char* to_string(method m) noexcept {
  switch (m) {
    case method::get:
      return "GET";
    case method::post:
      return "POST";
    case method::upload:
      return "POST with content";
  }
  return "?";
}

void ledger::note(const std::string& line) {
  const auto text = seconds(time_.elapsed()) + ' ' + line;
  for (const unsigned char c : text)
    trace_ = (trace_ ^ c) * 0x100000001b3;
  if (verbose_) std::cout << text << '\n';
}

void ledger::fail(const std::string& promise, const std::string& detail) const {
  if (broken_.empty()) broken_ = promise + " (at " + seconds(time_.elapsed()) + " s): " + detail;
  throw broken_promise(broken_);
}

exchange_record& ledger::find(uint64_t id) {
  const auto i = exchanges_.find(id);
  require(i != exchanges_.end(), "every exchange is known", std::to_string(id));
  return i->second;
}

const exchange_record& ledger::at(uint64_t id) const {
  return exchanges_.at(id);
}

void ledger::accepted(exchange_record r) {
  r.accepted = time_.now();
  note("exchange " + std::to_string(r.id) + " at " + r.node + ": " + to_string(r.how) + ' ' +
       r.application);
  ++open_;
  const auto id = r.id;
  require(exchanges_.emplace(id, std::move(r)).second, "ids are unique", std::to_string(id));
}

void ledger::met_crash(uint64_t id, actor_time asked, bool leaving) {
  auto& r = find(id);
  r.no_next = leaving;
  // Whoever was in good hands for a while has met the next crash.
  if (r.crash_met && time_.now() - asked <= actors::alive_after) return;
  r.crash_met = time_.now();
  note("exchange " + std::to_string(id) + " meets an actor that has crashed");
}

void ledger::next_step(uint64_t id) {
  find(id).crash_met.reset();
}

void ledger::authorized(uint64_t id) {
  find(id).authorized = true;
}

void ledger::assigned(uint64_t id, uint64_t stream, const std::string& connector) {
  auto& r = find(id);
  require(r.authorized, "only what is authorized is given to a connector", std::to_string(id));
  ++r.attempts;
  r.attempt_in_force = stream;
  note("exchange " + std::to_string(id) + " -> " + connector);
}

void ledger::handed_over(uint64_t id) {
  find(id).handed_over = true;
}

void ledger::announced(uint64_t id) {
  find(id).announced = true;
}

void ledger::taken_away(uint64_t id, bool refused) {
  auto& r = find(id);
  r.attempt_in_force = 0;
  r.attempt_left = time_.now();
  if (refused) r.handed_over = r.announced = r.deliveries > 0;
}

void ledger::delivered(uint64_t id, uint64_t stream, const std::string& connector,
                       actor_time thawed) {
  auto& r = find(id);
  const auto who = "exchange " + std::to_string(id) + " (" + to_string(r.how) + ") by " + connector;
  note(who + " reaches the origin");
  require(r.authorized, "nothing reaches an origin without an authorization", who);
  ++r.deliveries;
  require(repeatable(r.how) || r.deliveries == 1,
          "a request that must not be repeated reaches an origin once", who);
  require(r.deliveries <= actors::most_started_attempts, "no request is repeated without end", who);
  if (r.attempt_in_force == stream) return;
  // It was taken away from this connector. News of that takes a way, and a cut link holds it back
  // for as long as the lease: but a connector that stood still meanwhile has no lease.
  require(r.attempt_left >= thawed || thawed == timeline::beginning,
          "a connector that thaws starts nothing that was taken from it", who);
  require(time_.now() - r.attempt_left <= actors::lease_duration + longest_way,
          "nothing is started that was taken away longer ago than the lease", who);
}

void ledger::check_loss(const exchange_record& r) const {
  const auto who = "exchange " + std::to_string(r.id) + " (" + to_string(r.how) + "): " + r.outcome;
  if (r.outcome == "served") require(r.deliveries > 0, "only an origin's answer is served", who);
  if (r.outcome != "connector_lost") return;
  if (repeatable(r.how))
    require(r.attempts >= actors::most_started_attempts,
            "what may be repeated is tried elsewhere when its connector is lost", who);
  else
    require(r.handed_over || r.announced || r.attempts >= actors::most_attempts,
            "what no origin has got is tried elsewhere when its connector is lost", who);
}

void ledger::check_crash(const exchange_record& r) const {
  if (!actors::is_crash(r.outcome) || r.no_next) return;
  require(r.crash_met && time_.now() - *r.crash_met >= actors::longest_restart_wait,
          "who meets an actor that has crashed waits for its next one",
          "exchange " + std::to_string(r.id) + ": " + r.outcome);
}

void ledger::ended(uint64_t id, const std::string& outcome) {
  auto& r = find(id);
  require(!r.ended, "an exchange ends once",
          std::to_string(id) + ": " + r.outcome + ", then " + outcome);
  r.ended = true;
  r.ended_at = r.attempt_left = time_.now();
  r.attempt_in_force = 0;
  r.outcome = outcome;
  --open_;
  ++outcomes_[outcome];
  note("exchange " + std::to_string(id) + " ends: " + outcome);
  if (outcome != "user_gone" && outcome != "node_died")
    slowest_ = std::max<duration>(slowest_, r.ended_at - r.accepted);
  check_loss(r);
  check_crash(r);
}

void ledger::require_all_ended() const {
  for (const auto& [id, r] : exchanges_)
    require(r.ended, "every exchange ends",
            "exchange " + std::to_string(id) + " (" + to_string(r.how) + ") of " + r.node);
}

size_t ledger::count(const std::string& outcome) const {
  const auto i = outcomes_.find(outcome);
  return i == outcomes_.end() ? 0 : i->second;
}

}  // namespace postern::simulation
