#include "runtime/tls_output.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <sys/socket.h>
#include <utility>

namespace postern::runtime {

namespace {

constexpr size_t record_content = 16 * 1024;  // RFC 8446, section 5.1
constexpr size_t record_overhead = 256;       // RFC 8446, section 5.2: at most
constexpr size_t most_records = 8;

/// The records of one write. One per thread: it is free again when write() returns.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
struct gathering_buffer {
  std::array<char, most_records*(record_content + record_overhead)> bytes;
  size_t size = 0;
  struct end {
    size_t content, bytes;
  };
  std::array<end, most_records> ends;  ///< how far content and bytes go with each record
  size_t records = 0;
};

gathering_buffer& gathered() {
  static thread_local const auto buffer = std::make_unique<gathering_buffer>();
  return *buffer;
}

bool would_block() noexcept {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

tls_output::tls_output(SSL* connection, int socket) : connection_(connection), socket_(socket) {
  auto* bio = BIO_new(method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set0_wbio(connection, bio);
}

const BIO_METHOD* tls_output::method() {
  static BIO_METHOD* const shared = [] {
    auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gathered socket");
    BIO_meth_set_write_ex(m, &on_write);
    BIO_meth_set_ctrl(m, &on_control);
    return m;
  }();
  return shared;
}

int tls_output::on_write(BIO* bio, const char* data, size_t size, size_t* written) {
  BIO_clear_retry_flags(bio);
  const int taken = static_cast<tls_output*>(BIO_get_data(bio))->take(bio, data, size);
  *written = taken > 0 ? static_cast<size_t>(taken) : 0;
  return taken > 0 ? 1 : 0;
}

long tls_output::on_control(BIO*, int command, long, void*) {
  // Nothing is held back from OpenSSL's point of view.
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int tls_output::take(BIO* bio, const char* data, size_t size) {
  if (gathering_) {
    auto& buffer = gathered();
    if (buffer.bytes.size() - buffer.size < size) return -1;
    std::copy_n(data, size, buffer.bytes.data() + buffer.size);
    buffer.size += size;
    return static_cast<int>(size);
  }
  // Handshake, alerts, key updates: by themselves, behind what waits.
  if (!pending_.empty()) {
    pending_.append(data, size);
    return static_cast<int>(size);
  }
  const auto n = send({data, size});
  if (n < 0) return -1;
  if (n == 0) BIO_set_retry_write(bio);
  return n == 0 ? -1 : static_cast<int>(n);
}

ssize_t tls_output::send(std::span<const char> bytes) const {
  const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return n < 0 && would_block() ? 0 : n;
}

tls_output::status tls_output::send_pending() {
  while (pending_offset_ < pending_.size()) {
    const auto n = send(std::span<const char>{pending_}.subspan(pending_offset_));
    if (n < 0) return status::failed;
    if (n == 0) return status::blocked;
    pending_offset_ += static_cast<size_t>(n);
  }
  std::string{}.swap(pending_);
  pending_offset_ = 0;
  return status::done;
}

tls_output::outcome tls_output::write(std::span<const char> content) {
  if (!pending_.empty()) {
    if (const auto sent = send_pending(); sent != status::done) return {sent, 0};
    if (owed_ > 0) return {status::done, std::exchange(owed_, 0)};
  }
  auto& buffer = gathered();
  buffer.size = buffer.records = 0;
  gathering_ = true;
  size_t taken = 0;
  while (taken < content.size() && buffer.records < most_records) {
    const auto part = std::min(content.size() - taken, record_content);
    const int n = SSL_write(connection_, content.data() + taken, static_cast<int>(part));
    if (n <= 0) break;
    taken += static_cast<size_t>(n);
    buffer.ends[buffer.records++] = {taken, buffer.size};
  }
  gathering_ = false;
  if (buffer.size > 0) return send_gathered(taken);
  return {content.empty() ? status::done : status::want, 0};
}

tls_output::outcome tls_output::send_gathered(size_t taken) {
  const auto& buffer = gathered();
  const auto sent = send({buffer.bytes.data(), buffer.size});
  if (sent < 0) return {status::failed, 0};
  const auto out = static_cast<size_t>(sent);
  if (out == buffer.size) return {taken > 0 ? status::done : status::want, taken};
  pending_.assign(buffer.bytes.data() + out, buffer.size - out);
  pending_offset_ = 0;
  size_t done = 0;
  for (size_t i = 0; i < buffer.records && buffer.ends[i].bytes <= out; ++i)
    done = buffer.ends[i].content;
  owed_ = taken - done;
  if (done > 0) return {status::done, done};
  return {status::blocked, 0};
}

}  // namespace postern::runtime
