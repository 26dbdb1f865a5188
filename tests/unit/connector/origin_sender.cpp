#define CAF_SUITE origin_sender

#include "connector/origin_sender.hpp"

#include "tests/unit/connector/loopback.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::connector;

namespace {

struct fixture : sender_events {
  postern::runtime::shard home{0};
  postern::test::loopback network{home};
  std::pair<postern::runtime::transport, postern::runtime::tcp_socket> ends = network.connect();
  origin_sender sender{home, *this};
  size_t told = 0;

  void on_origin_took(size_t content) override { told += content; }

  void begin(content_framing framing) { sender.begin(ends.first, framing); }

  /// What the origin has got so far.
  std::string got() {
    std::string all(1 << 20, '\0');
    boost::system::error_code none;
    ends.second.non_blocking(true);
    all.resize(ends.second.read_some(boost::asio::buffer(all), none));
    return all;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(origin_sender_tests, fixture)

CAF_TEST(content with a length goes as it is) {
  begin(content_framing::length);
  sender.send_head("HEAD");
  CAF_CHECK(!sender.has_sent_content());
  CAF_CHECK_EQUAL(sender.send_content("abc"), 3u);
  CAF_CHECK(sender.has_sent_content());
  CAF_CHECK(!sender.is_complete());
  CAF_CHECK(!sender.has_ended());
  sender.send_end({});
  CAF_CHECK(sender.is_complete());
  CAF_CHECK(sender.has_ended());
  CAF_CHECK_EQUAL(got(), "HEADabc");
}

CAF_TEST(content without a length goes in chunks) {
  begin(content_framing::chunked);
  CAF_CHECK_EQUAL(sender.send_content("hello"), 5u);
  CAF_CHECK_EQUAL(sender.send_content(std::string(17, 'x')), 17u);
  sender.send_end({{"x-sum", "1"}, {"content-length", "9"}});
  CAF_CHECK_EQUAL(got(),
                  "5\r\nhello\r\n11\r\n" + std::string(17, 'x') + "\r\n0\r\nx-sum: 1\r\n\r\n");
}

CAF_TEST(nothing follows the end) {
  begin(content_framing::length);
  sender.send_end({});
  CAF_CHECK_EQUAL(sender.send_content("late"), 0u);
  CAF_CHECK_EQUAL(got(), "");
}

CAF_TEST(what an origin does not take waits and is told once it has gone) {
  begin(content_framing::length);
  const std::string piece(256 * 1'024, 'x');
  size_t sent = 0;
  size_t at_once = 0;
  do {
    at_once = sender.send_content(piece);
    sent += piece.size();
    told += at_once;
  } while (at_once > 0);
  sender.send_end({});
  CAF_CHECK(!sender.is_idle());
  CAF_CHECK(told < sent);
  size_t arrived = 0;
  while (arrived < sent) {
    arrived += got().size();
    home.io().restart();
    home.io().poll();
  }
  CAF_CHECK_EQUAL(told, sent);
  CAF_CHECK(sender.is_complete());
}

CAF_TEST(what waits for a slow origin stays bounded however many chunks go) {
  begin(content_framing::chunked);
  ends.first.socket().set_option(boost::asio::socket_base::send_buffer_size{32 * 1'024});
  ends.second.set_option(boost::asio::socket_base::receive_buffer_size{32 * 1'024});
  constexpr size_t window = 64 * 1'024;  // of content that has not been told
  size_t given = 0;
  size_t arrived = 0;
  const auto fill = [&] {
    for (; given - told < window; given += 10)
      told += sender.send_content(std::string(10, 'x'));
  };
  const auto under_way = [&] { return given / 10 * 15 - arrived; };  // five of framing in each
  fill();
  const auto at_first = under_way();
  std::string some(8 * 1'024, '\0');
  for (int round = 0; round < 2'000; ++round) {
    arrived += ends.second.read_some(boost::asio::buffer(some));
    home.io().restart();
    home.io().poll();
    fill();
    CAF_REQUIRE(under_way() < at_first + 256 * 1'024);
  }
}

CAF_TEST(an origin that is gone ends the sending and no more) {
  begin(content_framing::length);
  ends.second.set_option(boost::asio::socket_base::linger{true, 0});
  ends.second.close();
  sender.send_head("HEAD");
  sender.send_content("content");
  sender.send_content("content");
  CAF_CHECK(sender.has_failed());
  sender.send_end({});
  CAF_CHECK(!sender.is_complete());
}

CAF_TEST(the end of a WebSocket is half an end) {
  begin(content_framing::raw);
  sender.send_content("frame");
  sender.send_end({});
  CAF_CHECK_EQUAL(got(), "frame");
  char byte = 0;
  boost::system::error_code end;
  ends.second.read_some(boost::asio::buffer(&byte, 1), end);
  CAF_CHECK(end == boost::asio::error::eof);
  ends.second.send(boost::asio::buffer("bye", 3));
  char bytes[4] = {};
  CAF_CHECK_EQUAL(ends.first.try_read(bytes).bytes, 3u);
}

CAF_TEST_FIXTURE_SCOPE_END()
