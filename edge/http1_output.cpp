// What goes to the user: heads in HTTP/1.1's form, framed content, one write per turn.

#include "edge/http1_connection.hpp"
#include "edge/node_load.hpp"

#include <boost/beast/http/status.hpp>

#include <array>
#include <charconv>

namespace postern::edge {

using runtime::io_status;

namespace {

void append_hex(runtime::byte_queue& out, size_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  out.append({digits.data(), static_cast<size_t>(end - digits.data())});
}

/// Beast's, and those that it does not know. It may be empty (RFC 9112, section 4).
std::string_view reason_phrase(unsigned status) {
  if (status == 103) return "Early Hints";
  if (status == 425) return "Too Early";
  const auto known = boost::beast::http::int_to_status(status);
  if (known == boost::beast::http::status::unknown) return {};
  const auto reason = boost::beast::http::obsolete_reason(known);
  return {reason.data(), reason.size()};
}

}  // namespace

void http1_connection::write_status_line(unsigned status) {
  const auto reason = reason_phrase(status);
  std::array<char, 4> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size(), status);
  out_.append("HTTP/1.1 ").append({digits.data(), 3}).append(" ").append(reason).append("\r\n");
}

void http1_connection::write_fields(const runtime::field_list& fields) {
  for (const auto& f : fields)
    out_.append(f.name).append(": ").append(f.value).append("\r\n");
}

void http1_connection::send_interim(unsigned status, const runtime::field_list& fields) {
  if (http10_ || dropped_) return;
  if (status == 100) owes_continue_ = false;
  write_status_line(status);
  write_fields(fields);
  out_ += "\r\n";
  wants_flush();
}

void http1_connection::send_head(unsigned status, const runtime::field_list& fields, bool ended) {
  response_status_ = status;
  const bool bodiless = head_request_ || status == 204 || status == 304;
  const bool has_length = runtime::find_field(fields, "content-length") != nullptr;
  // Content of the request that has not been read would be taken for the next request; and a node
  // that leaves says so as soon as it can.
  if (!content_ended_ || context_.load->draining.load(std::memory_order_relaxed))
    keep_alive_ = false;
  if (bodiless)
    framing_ = framing::none;
  else if (has_length)
    framing_ = framing::length;
  else if (ended)
    framing_ = framing::none;
  else
    framing_ = http10_ ? framing::close : framing::chunked;
  if (framing_ == framing::close) keep_alive_ = false;
  write_status_line(status);
  write_fields(fields);
  if (framing_ == framing::chunked) out_ += "transfer-encoding: chunked\r\n";
  if (ended && !bodiless && !has_length) out_ += "content-length: 0\r\n";
  if (!keep_alive_)
    out_ += "connection: close\r\n";
  else if (http10_)
    out_ += "connection: keep-alive\r\n";
  out_ += "\r\n";
  wants_flush();
}

void http1_connection::send_upgrade(const runtime::field_list& fields) {
  response_status_ = 101;
  framing_ = framing::upgraded;
  keep_alive_ = false;
  content_ended_ = false;
  write_status_line(101);
  for (const auto& f : fields)
    if (f.name != "content-length") out_.append(f.name).append(": ").append(f.value).append("\r\n");
  out_ += "connection: Upgrade\r\nupgrade: websocket\r\n\r\n";
  wants_flush();
  point_.wake();
}

void http1_connection::send_content(std::string_view piece) {
  if (dropped_ || piece.empty()) return;
  if (framing_ == framing::none) return exchange_.on_sent(piece.size());
  out_content_.add(piece.size());
  if (framing_ == framing::chunked) {
    append_hex(out_, piece.size());
    out_.append("\r\n").append(piece).append("\r\n");
  } else {
    out_.append(piece);
  }
  wants_flush();
}

void http1_connection::send_end(const runtime::field_list& trailers) {
  if (framing_ == framing::chunked) {
    out_ += "0\r\n";
    write_fields(trailers);
    out_ += "\r\n";
    wants_flush();
  }
}

void http1_connection::send_abort() {
  keep_alive_ = false;
  // What has come so far goes out first: the user learns what was begun, and that it was not
  // finished.
  if (!dropped_ && !write_blocked_) flush();
  drop_connection();
}

void http1_connection::drop_connection() {
  if (dropped_) return;
  dropped_ = true;
  out_.clear();
  // A reset, and in TLS no close_notify: nobody can take what arrived for the whole (RFC 9112, 8).
  connection_.abort();
  point_.wake();
}

void http1_connection::flush() {
  if (dropped_ || write_blocked_) return;
  size_t sent = 0;
  while (!out_.empty()) {
    const auto outcome = connection_.try_write(out_.bytes());
    if (outcome.status == io_status::done) {
      out_.consume(outcome.bytes);
      sent += outcome.bytes;
      sent_ += outcome.bytes;
    } else if (outcome.status == io_status::want_write || outcome.status == io_status::want_read) {
      wait_until_writable();
      break;
    } else {
      dropped_ = true;
      connection_.close();
      exchange_.user_gone();
      point_.wake();
      return;
    }
  }
  if (out_.empty() && point_.has_waiter()) point_.wake();
  if (sent > 0) exchange_.on_sent(out_content_.take_gone(out_.size()));
}

void http1_connection::wait_until_writable() {
  write_blocked_ = true;
  connection_.socket().async_wait(
      runtime::tcp_socket::wait_write,
      [self = shared_from_this()](const boost::system::error_code& failure) {
        self->write_blocked_ = false;
        if (!failure) self->flush();
      });
}

}  // namespace postern::edge
