#define CAF_SUITE audit_buffer
#include "actors/audit_buffer.hpp"

#include "tests/unit/actors/store_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

const auto now = postern::runtime::from_unix_seconds(start_of_time);

audit_event named(std::string action) {
  return {.action = std::move(action)};
}

}  // namespace

CAF_TEST(an event survives the journal) {
  const audit_event event{.at = now,
                          .category = "sign_in",
                          .action = "sign_in_failed",
                          .actor = "ali\"ce\n",
                          .target = "wiki",
                          .outcome = "token_expired",
                          .address = "192.0.2.1",
                          .request_id = "r1",
                          .detail = "\xc3\xa4"};
  const auto back = decode_audit_event({.at = now, .value = encode_audit_event(event)});
  CAF_CHECK(back.at == event.at);
  CAF_CHECK_EQUAL(back.category, event.category);
  CAF_CHECK_EQUAL(back.action, event.action);
  CAF_CHECK_EQUAL(back.actor, event.actor);
  CAF_CHECK_EQUAL(back.target, event.target);
  CAF_CHECK_EQUAL(back.outcome, event.outcome);
  CAF_CHECK_EQUAL(back.address, event.address);
  CAF_CHECK_EQUAL(back.request_id, event.request_id);
  CAF_CHECK_EQUAL(back.detail, event.detail);
}

CAF_TEST(empty fields take no room) {
  CAF_CHECK_EQUAL(encode_audit_event(named("a")), R"({"action":"a"})");
}

CAF_TEST(a damaged line does not hide the others) {
  for (const auto* damaged : {"", "{", "[]", "7"})
    CAF_CHECK_EQUAL(decode_audit_event({.value = damaged}).action, "unreadable");
  CAF_CHECK_EQUAL(decode_audit_event({.value = R"({"action":7,"actor":"a"})"}).actor, "a");
}

CAF_TEST(what strangers send takes little room and stays readable) {
  audit_buffer buffer;
  auto long_one = named("a");
  // The limit falls between the two bytes of a character.
  long_one.detail = "x" + [] {
    std::string text;
    for (int i = 0; i < 30'000; ++i)
      text += "\xc3\xa4";
    return text;
  }();
  long_one.actor = std::string(audit_text_limit, 'y');
  buffer.record(std::move(long_one), now);
  const auto back = decode_audit_event(buffer.begin_batch(now).at(0));
  CAF_CHECK_EQUAL(back.action, "a");
  CAF_CHECK_EQUAL(back.detail.size(), audit_text_limit - 1);
  CAF_CHECK(back.detail.ends_with("\xc3\xa4"));
  CAF_CHECK_EQUAL(back.actor.size(), audit_text_limit);
}

CAF_TEST(an event without a time gets one) {
  audit_buffer buffer;
  buffer.record(named("a"), now);
  buffer.record({.at = now - 1h, .action = "b"}, now);
  const auto batch = buffer.begin_batch(now);
  CAF_REQUIRE_EQUAL(batch.size(), 2u);
  CAF_CHECK(batch[0].at == now);
  CAF_CHECK(batch[1].at == now - 1h);
  CAF_CHECK_EQUAL(batch[0].journal, "audit");
}

CAF_TEST(one batch is under way at a time) {
  audit_buffer buffer;
  buffer.record(named("a"), now);
  CAF_CHECK_EQUAL(buffer.begin_batch(now).size(), 1u);
  buffer.record(named("b"), now);
  CAF_CHECK(buffer.begin_batch(now).empty());
  buffer.end_batch(true);
  const auto second = buffer.begin_batch(now);
  CAF_REQUIRE_EQUAL(second.size(), 1u);
  CAF_CHECK(second[0].value.find("\"b\"") != std::string::npos);
}

CAF_TEST(a batch that failed is part of the next one) {
  audit_buffer buffer;
  buffer.record(named("a"), now);
  buffer.begin_batch(now);
  buffer.record(named("b"), now);
  buffer.end_batch(false);
  CAF_CHECK_EQUAL(buffer.begin_batch(now).size(), 2u);
  buffer.end_batch(true);
  CAF_CHECK_EQUAL(buffer.size(), 0u);
}

CAF_TEST(after a failure a full batch waits for the tick) {
  audit_buffer buffer;
  for (size_t i = 0; i < audit_batch; ++i)
    buffer.record(named("a"), now);
  CAF_CHECK(buffer.full_batch());
  buffer.begin_batch(now);
  CAF_CHECK(!buffer.full_batch());
  buffer.end_batch(false);
  CAF_CHECK(!buffer.full_batch());
  CAF_CHECK_EQUAL(buffer.begin_batch(now).size(), audit_batch);
}

CAF_TEST(what finds no room is counted and told) {
  audit_buffer buffer;
  for (size_t i = 0; i < audit_limit + 3; ++i)
    buffer.record(named("a"), now);
  CAF_CHECK_EQUAL(buffer.size(), audit_limit);
  CAF_CHECK_EQUAL(buffer.dropped(), 3u);
  const auto batch = buffer.begin_batch(now);
  const auto told = decode_audit_event(batch.back());
  CAF_CHECK_EQUAL(told.action, "audit_events_dropped");
  CAF_CHECK_EQUAL(told.detail, "3 events");
  CAF_CHECK_EQUAL(buffer.dropped(), 0u);
}
