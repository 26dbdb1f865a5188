#include "actors/audit_buffer.hpp"

#include <boost/json.hpp>

#include <array>
#include <utility>

namespace postern::actors {

namespace {

namespace json = boost::json;

struct text_field {
  const char* key;
  std::string audit_event::* member;
};

constexpr std::array<text_field, 8> text_fields{{{"category", &audit_event::category},
                                                 {"action", &audit_event::action},
                                                 {"actor", &audit_event::actor},
                                                 {"target", &audit_event::target},
                                                 {"outcome", &audit_event::outcome},
                                                 {"address", &audit_event::address},
                                                 {"request_id", &audit_event::request_id},
                                                 {"detail", &audit_event::detail}}};

/// Cuts between two characters: half of one would make the event unreadable.
void cut(std::string& text) {
  if (text.size() <= audit_text_limit) return;
  size_t end = audit_text_limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  text.resize(end);
}

audit_event tell_of_dropped(uint64_t count, timestamp now) {
  return {.at = now,
          .category = "alarm",
          .action = "audit_events_dropped",
          .actor = "audit_log",
          .outcome = "store_unavailable",
          .detail = std::to_string(count) + " events"};
}

}  // namespace

std::string encode_audit_event(const audit_event& e) {
  json::object out;
  for (const auto& field : text_fields)
    if (!(e.*field.member).empty()) out[field.key] = e.*field.member;
  return json::serialize(out);
}

audit_event decode_audit_event(const runtime::journal_entry& entry) {
  audit_event out{.sequence = entry.sequence, .at = entry.at};
  boost::system::error_code failed;
  const auto value = json::parse(entry.value, failed);
  if (failed || !value.is_object()) {
    out.action = "unreadable";
    return out;
  }
  for (const auto& field : text_fields)
    if (const auto* text = value.get_object().if_contains(field.key); text && text->is_string())
      out.*field.member = text->get_string();
  return out;
}

void audit_buffer::record(audit_event event, timestamp now) {
  if (pending_.size() >= audit_limit) {
    ++dropped_;
    return;
  }
  if (event.at == timestamp{}) event.at = now;
  for (const auto& field : text_fields)
    cut(event.*field.member);
  pending_.push_back(std::move(event));
}

std::vector<runtime::journal_entry> audit_buffer::begin_batch(timestamp now) {
  std::vector<runtime::journal_entry> batch;
  if (writing()) return batch;
  // The gap is told where it happened: after the events that still found room.
  if (const auto count = std::exchange(dropped_, 0); count != 0)
    pending_.push_back(tell_of_dropped(count, now));
  batch.reserve(pending_.size());
  for (const auto& event : pending_)
    batch.push_back({.journal = audit_journal, .at = event.at, .value = encode_audit_event(event)});
  in_flight_ = batch.size();
  return batch;
}

void audit_buffer::end_batch(bool durable) {
  if (durable)
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(in_flight_));
  in_flight_ = 0;
  failed_ = !durable;
}

}  // namespace postern::actors
