#define CAF_SUITE stream_farewell
#include "edge/stream_farewell.hpp"

#include <caf/test/dsl.hpp>

#include <string>
#include <vector>

using namespace postern::edge;

namespace {

std::string frame(uint8_t first, size_t size, bool masked = false) {
  std::string f{static_cast<char>(first)};
  const uint8_t mask = masked ? 0x80 : 0;
  if (size < 126) {
    f += static_cast<char>(mask | size);
  } else if (size < 65'536) {
    f += static_cast<char>(mask | 126);
    f += static_cast<char>(size >> 8);
    f += static_cast<char>(size & 0xff);
  } else {
    f += static_cast<char>(mask | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      f += static_cast<char>(static_cast<uint64_t>(size) >> shift & 0xff);
  }
  if (masked) f += "\x01\x02\x03\x04";
  return f + std::string(size, 'x');
}

/// Where a stream may be ended if it comes byte by byte.
std::vector<size_t> boundaries(stream_kind kind, const std::string& bytes) {
  stream_farewell subject;
  subject.begin(kind);
  std::vector<size_t> found;
  for (size_t i = 0; i < bytes.size(); ++i) {
    subject.pass({&bytes[i], 1}, false);
    if (subject.at_boundary()) found.push_back(i + 1);
  }
  return found;
}

using places = std::vector<size_t>;

}  // namespace

CAF_TEST(a websocket may be ended between frames of any size) {
  const auto small = frame(0x81, 5), empty = frame(0x8a, 0), medium = frame(0x02, 300),
             large = frame(0x80, 70'000), masked = frame(0x81, 200, true);
  const auto all = small + empty + medium + large + masked;
  places wanted;
  size_t end = 0;
  for (const auto& f : {small, empty, medium, large, masked})
    wanted.push_back(end += f.size());
  CAF_CHECK(boundaries(stream_kind::websocket, all) == wanted);
}

CAF_TEST(it stops behind the first frame that ends) {
  stream_farewell subject;
  subject.begin(stream_kind::websocket);
  CAF_CHECK(subject.at_boundary());
  const auto first = frame(0x81, 5), second = frame(0x81, 7);
  const auto cut = first.substr(3) + second;
  CAF_CHECK_EQUAL(subject.pass(first.substr(0, 3), true), 3u);
  CAF_CHECK(!subject.at_boundary());
  CAF_CHECK_EQUAL(subject.pass(cut, true), first.size() - 3);
  CAF_CHECK(subject.at_boundary());
}

CAF_TEST(after the Close of the origin nothing is left to say) {
  stream_farewell subject;
  subject.begin(stream_kind::websocket);
  subject.pass(frame(0x81, 5), false);
  CAF_CHECK(!subject.closed());
  subject.pass(frame(0x88, 2), false);
  CAF_CHECK(subject.closed());
}

CAF_TEST(the farewell is a frame of its own) {
  stream_farewell subject;
  subject.begin(stream_kind::websocket);
  CAF_CHECK_EQUAL(subject.pass(websocket_farewell, false), 4u);
  CAF_CHECK(subject.at_boundary());
  CAF_CHECK(subject.closed());
}

CAF_TEST(events may be ended after an empty line whatever ends lines) {
  CAF_CHECK(boundaries(stream_kind::events, "data: a\n\ndata: b\n") == places{9});
  CAF_CHECK(boundaries(stream_kind::events, "data: a\r\rx") == places{9});
  // CR LF: behind the CR as well as behind the LF the line has ended.
  CAF_CHECK((boundaries(stream_kind::events, "data: a\r\n\r\nx") == places{10, 11}));
}

CAF_TEST(an event in the making is not cut) {
  stream_farewell subject;
  subject.begin(stream_kind::events);
  CAF_CHECK(subject.at_boundary());
  CAF_CHECK_EQUAL(subject.pass("data: a\n", true), 8u);
  CAF_CHECK(!subject.at_boundary());
  CAF_CHECK_EQUAL(subject.pass("data: b\n\ndata: c\n\n", true), 9u);
  CAF_CHECK(subject.at_boundary());
}

CAF_TEST(anything else cannot be ended early) {
  stream_farewell subject;
  subject.begin(stream_kind::other);
  CAF_CHECK_EQUAL(subject.pass("a\n\nb", true), 4u);
  CAF_CHECK(!subject.at_boundary());
}

CAF_TEST(only events that are readable and of open length are taken for events) {
  using fields = postern::runtime::field_list;
  const auto kind = [](const fields& f) { return stream_kind_of(f); };
  CAF_CHECK(kind({{"content-type", "text/event-stream"}}) == stream_kind::events);
  CAF_CHECK(kind({{"content-type", "Text/Event-Stream; charset=utf-8"}}) == stream_kind::events);
  CAF_CHECK(kind({{"content-type", "text/plain"}}) == stream_kind::other);
  CAF_CHECK(kind({}) == stream_kind::other);
  CAF_CHECK(kind({{"content-type", "text/event-stream"}, {"content-encoding", "gzip"}}) ==
            stream_kind::other);
  CAF_CHECK(kind({{"content-type", "text/event-stream"}, {"content-length", "7"}}) ==
            stream_kind::other);
}
