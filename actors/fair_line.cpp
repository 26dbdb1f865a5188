#include "actors/fair_line.hpp"

#include <algorithm>
#include <utility>

namespace postern::actors {

bool fair_line::enter(waiting_exchange&& w) {
  if (places_.contains(w.ticket.id) || places_.size() >= total_) return false;
  auto known = lines_.find(w.ticket.application);
  if (known != lines_.end() && known->second->exchanges.size() >= bound_) return false;
  if (bound_ == 0) return false;
  if (known == lines_.end()) {
    const auto in = turns_.insert(turns_.end(), line{w.ticket.application, {}});
    known = lines_.emplace(w.ticket.application, in).first;
  }
  const auto in = known->second;
  const auto id = w.ticket.id;
  const auto at = in->exchanges.insert(in->exchanges.end(), std::move(w));
  places_.emplace(id, place{in, at});
  return true;
}

waiting_exchange fair_line::take_out(const place& p) {
  auto w = std::move(*p.at);
  const auto in = p.in;
  in->exchanges.erase(p.at);
  places_.erase(w.ticket.id);  // `p` may lie in there: not to be used from here on
  if (in->exchanges.empty()) {
    lines_.erase(in->application);
    turns_.erase(in);
  }
  return w;
}

std::optional<waiting_exchange> fair_line::serve() {
  if (turns_.empty()) return std::nullopt;
  turns_.splice(turns_.end(), turns_, turns_.begin());
  const auto served = std::prev(turns_.end());
  return take_out({served, served->exchanges.begin()});
}

size_t fair_line::ahead_of(const std::string& application) const {
  const auto own = lines_.find(application);
  const auto rounds = own == lines_.end() ? 0 : own->second->exchanges.size();
  size_t ahead = rounds;
  for (const auto& l : turns_)
    if (l.application != application) ahead += std::min(l.exchanges.size(), rounds + 1);
  return ahead;
}

std::optional<waiting_exchange> fair_line::leave(uint64_t ticket) {
  const auto i = places_.find(ticket);
  if (i == places_.end()) return std::nullopt;
  return take_out(i->second);
}

std::vector<waiting_exchange> fair_line::expire(actor_time now) {
  std::vector<uint64_t> over;
  for (const auto& l : turns_)
    for (const auto& w : l.exchanges)
      if (w.deadline <= now) over.push_back(w.ticket.id);
  std::vector<waiting_exchange> out;
  out.reserve(over.size());
  for (const auto id : over)
    out.push_back(take_out(places_.at(id)));
  return out;
}

std::optional<actor_time> fair_line::earliest_deadline() const {
  std::optional<actor_time> earliest;
  for (const auto& l : turns_)
    for (const auto& w : l.exchanges)
      earliest = std::min(earliest.value_or(w.deadline), w.deadline);
  return earliest;
}

std::vector<waiting_exchange> fair_line::clear() {
  std::vector<waiting_exchange> out;
  out.reserve(size());
  while (auto w = serve())
    out.push_back(std::move(*w));
  return out;
}

}  // namespace postern::actors
