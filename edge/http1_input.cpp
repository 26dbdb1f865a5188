// What arrives from the user: the input buffer, content for the running exchange, and the watch for
// the user's end.

#include "edge/http1_connection.hpp"
#include "runtime/limits.hpp"

#include <cstring>

namespace postern::edge {

namespace limits = runtime::limits;
using runtime::io_status;

bool http1_connection::make_room() {
  if (in_ == nullptr) {
    in_ = context_.home.buffers().acquire();
    in_size_ = runtime::buffer_pool::buffer_size;
    in_begin_ = in_end_ = 0;
    return true;
  }
  if (in_begin_ > 0) {
    std::memmove(in_, in_ + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  if (in_end_ < in_size_) return true;
  if (in_size_ >= limits::head_bytes) return false;
  auto* larger = new char[limits::head_bytes];
  std::memcpy(larger, in_, in_end_);
  const auto kept = in_end_;
  release_input();
  in_ = larger;
  in_size_ = limits::head_bytes;
  in_end_ = kept;
  return true;
}

void http1_connection::release_input() {
  if (in_ == nullptr) return;
  if (in_size_ == runtime::buffer_pool::buffer_size)
    context_.home.buffers().release(in_);
  else
    delete[] in_;
  in_ = nullptr;
  in_size_ = in_begin_ = in_end_ = 0;
}

io_status http1_connection::fill_input() {
  const auto outcome = connection_.try_read({in_ + in_end_, in_size_ - in_end_});
  if (outcome.status == io_status::done) in_end_ += outcome.bytes;
  return outcome.status;
}

void http1_connection::arm_read() {
  if (read_armed_ || dropped_) return;
  read_armed_ = true;
  connection_.socket().async_wait(
      runtime::tcp_socket::wait_read,
      [self = shared_from_this()](const boost::system::error_code& failure) {
        self->read_armed_ = false;
        self->readable_ = !failure;
        self->wake();
      });
}

void http1_connection::wake() {
  // While the exchange waits in the queue nobody pumps: a user that leaves is noticed here.
  if (exchange_.current() == exchange::state::queued) {
    if (exchange_.watch_user()) watch_user();
    return;
  }
  point_.wake();
}

void http1_connection::on_content(std::string_view piece) {
  if (service_content_ != nullptr)
    service_content_->append(piece);
  else
    exchange_.content(piece);
}

void http1_connection::on_trailer(std::string_view name, std::string_view value) {
  if (!is_reserved_request_field(name)) trailers_.emplace_back(name, value);
}

void http1_connection::take_content() {
  if (framing_ == framing::upgraded) return take_raw(exchange_.content_room());
  for (size_t room = exchange_.content_room(); room > 0; room = exchange_.content_room()) {
    if (owes_continue_) {
      // The connector has asked for the content, whether the origin said 100 or began to read
      // without a word.
      owes_continue_ = false;
      send_interim(100, {});
    }
    if (input().empty()) {
      // From here on the head in the buffer is gone: no second attempt.
      exchange_.content({});
      in_begin_ = in_end_ = 0;
      if (!make_room()) return;
      const auto status = fill_input();
      if (status == io_status::want_read || status == io_status::want_write) return arm_read();
      if (status != io_status::done) return exchange_.user_gone();
    }
    // All that is there, a buffer at most: a chunk's head that the room cuts through would never be
    // taken.
    const auto taken = parser_->parse_content(input(), *this);
    if (!taken || (*taken == 0 && !parser_->done() && input().size() >= in_size_)) {
      keep_alive_ = false;
      return exchange_.user_gone();
    }
    in_begin_ += *taken;
    if (parser_->done()) {
      content_ended_ = true;
      return exchange_.content_end(std::move(trailers_));
    }
    if (*taken == 0) {
      // The parser wants more than what is there to see the next chunk's head. What is there is
      // moved over the request's head: no second attempt.
      exchange_.content({});
      if (!make_room()) return;
      const auto status = fill_input();
      if (status == io_status::want_read || status == io_status::want_write) return arm_read();
      if (status != io_status::done) return exchange_.user_gone();
    }
  }
}

void http1_connection::take_raw(size_t room) {
  while (room > 0) {
    if (input().empty()) {
      in_begin_ = in_end_ = 0;
      if (!make_room()) return;
      const auto status = fill_input();
      if (status == io_status::want_read || status == io_status::want_write) {
        release_input();
        return arm_read();
      }
      if (status != io_status::done) return exchange_.user_gone();
    }
    const auto piece = input().substr(0, room);
    exchange_.content(piece);
    in_begin_ += piece.size();
    room = exchange_.content_room();
  }
}

void http1_connection::watch_user() {
  if (unread_) return;
  if (!readable_) return arm_read();
  readable_ = false;
  switch (connection_.peek()) {
    case io_status::want_read:
    case io_status::want_write:
      return arm_read();
    case io_status::done:
      unread_ = true;
      return check_for_end();
    case io_status::closed:
    case io_status::failed:
      return exchange_.user_gone();
  }
}

void http1_connection::check_for_end() {
  if (dropped_ || !unread_) return;
  if (connection_.peer_has_left()) return exchange_.user_gone();
  context_.home.timers().arm(
      end_check_, limits::abort_check_interval,
      [](void* raw) { static_cast<http1_connection*>(raw)->check_for_end(); }, this);
}

}  // namespace postern::edge
