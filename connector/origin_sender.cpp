#include "connector/origin_sender.hpp"

#include <charconv>
#include <cstring>

namespace postern::connector {

using runtime::io_status;

namespace {

constexpr size_t kept_queue = 4 * 1'024;
// A chunk's size in hexadecimal, CRLF before and after its content.
constexpr size_t chunk_overhead = 16 + 2 + 2;

/// One chunk (RFC 9112, section 7.1) in `room`, which is large enough.
std::string_view make_chunk(std::span<char> room, std::string_view piece) {
  auto* at = std::to_chars(room.data(), room.data() + 16, piece.size(), 16).ptr;
  *at++ = '\r';
  *at++ = '\n';
  std::memcpy(at, piece.data(), piece.size());
  at += piece.size();
  *at++ = '\r';
  *at++ = '\n';
  return {room.data(), static_cast<size_t>(at - room.data())};
}

}  // namespace

void origin_sender::begin(runtime::transport& connection, content_framing framing) {
  ++generation_;
  connection_ = &connection;
  pending_.clear();
  if (pending_.capacity() > kept_queue) pending_.release();
  pending_content_.clear();
  framing_ = framing;
  waiting_ = ended_ = failed_ = content_sent_ = false;
}

void origin_sender::stop() noexcept {
  ++generation_;
  connection_ = nullptr;
}

void origin_sender::send_head(std::string_view head) {
  send(head);
}

size_t origin_sender::send_content(std::string_view piece) {
  if (connection_ == nullptr || failed_ || ended_ || piece.empty()) return 0;
  content_sent_ = true;
  const bool was_idle = pending_.empty();
  pending_content_.add(piece.size());
  if (framing_ != content_framing::chunked) {
    send(piece);
  } else {
    // Content arrives outside of a turn's end: the room for gathering is free.
    auto room = home_.write_scratch();
    while (!piece.empty()) {
      const auto part = piece.substr(0, room.size() - chunk_overhead);
      send(make_chunk(room, part));
      piece.remove_prefix(part.size());
    }
  }
  // What waited before this piece is told by on_origin_took() when the socket has taken it.
  if (!was_idle || !pending_.empty()) return 0;
  return pending_content_.take_gone(0);
}

void origin_sender::send_end(const trailer_list& trailers) {
  if (connection_ == nullptr || failed_ || ended_) return;
  ended_ = true;
  if (framing_ == content_framing::chunked) {
    std::string end = "0\r\n";
    for (const auto& [name, value] : trailers) {
      if (!is_trailer(name)) continue;
      end += name;
      end += ": ";
      end += value;
      end += "\r\n";
    }
    end += "\r\n";
    send(end);
  }
  if (pending_.empty()) end_sending();
}

void origin_sender::send(std::string_view bytes) {
  if (pending_.empty() && !failed_) {
    while (!bytes.empty()) {
      const auto outcome = connection_->try_write({bytes.data(), bytes.size()});
      if (outcome.status == io_status::done) {
        bytes.remove_prefix(outcome.bytes);
        continue;
      }
      if (outcome.status == io_status::want_read || outcome.status == io_status::want_write)
        wait(outcome.status);
      else
        failed_ = true;
      break;
    }
  }
  if (!failed_) pending_.append(bytes);
}

void origin_sender::pump() {
  while (!pending_.empty()) {
    const auto outcome = connection_->try_write(pending_.bytes());
    if (outcome.status == io_status::done) {
      pending_.consume(outcome.bytes);
      continue;
    }
    if (outcome.status == io_status::want_read || outcome.status == io_status::want_write)
      wait(outcome.status);
    else
      failed_ = true;
    break;
  }
  const auto gone = pending_content_.take_gone(pending_.size());
  if (failed_) pending_.clear();
  if (ended_ && pending_.empty() && !failed_) end_sending();
  events_.on_origin_took(gone);
}

void origin_sender::wait(io_status what) {
  if (waiting_) return;
  waiting_ = true;
  const auto kind = what == io_status::want_write ? runtime::tcp_socket::wait_write
                                                  : runtime::tcp_socket::wait_read;
  connection_->socket().async_wait(
      kind, [this, generation = generation_](const boost::system::error_code& failure) {
        if (generation != generation_) return;
        waiting_ = false;
        if (!failure) pump();
      });
}

void origin_sender::end_sending() {
  if (framing_ != content_framing::raw) return;
  // The user's side of a WebSocket has ended: so does ours, and the origin's may go on.
  if (auto* tls = connection_->tls()) {
    SSL_shutdown(tls);
  } else {
    boost::system::error_code ignored;
    connection_->socket().shutdown(boost::asio::socket_base::shutdown_send, ignored);
  }
}

}  // namespace postern::connector
