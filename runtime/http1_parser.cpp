#include "runtime/http1_parser.hpp"

#include "runtime/limits.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/impl/basic_parser.ipp>

namespace postern::runtime {

namespace {

// "0\r\n\r\n". Beast asserts that it is given no less of a last chunk once it has seen its line.
// Behind another chunk the line end of that one comes first, and makes it long enough.
constexpr size_t shortest_end = 5;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool has_bare_line_feed(std::string_view text) {
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    if (at == 0 || text[at - 1] != '\r') return true;
  return false;
}

error malformed(const char* cause, const boost::beast::error_code& why) {
  if (why == http::error::header_limit)
    return {error_category::too_large, "head_too_large", "request", why.message()};
  return {error_category::invalid_input, cause, "request", why.message()};
}

}  // namespace

size_t find_head_end(std::string_view buffer, size_t from) noexcept {
  const auto at = buffer.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  return at == std::string_view::npos ? at : at + 4;
}

bool has_forbidden_line_breaks(std::string_view head) noexcept {
  // By memchr, which looks at 32 bytes at once: heads are long, lines are few.
  if (head.find('\0') != std::string_view::npos) return true;
  size_t line_feeds = 0;
  for (auto at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r') return true;
    if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t')) return true;
    ++line_feeds;
  }
  // Every line feed ends a CRLF: a carriage return more is a bare one.
  size_t returns = 0;
  for (auto at = head.find('\r'); at != std::string_view::npos; at = head.find('\r', at + 1))
    ++returns;
  return returns != line_feeds;
}

template <bool IsRequest>
http1_parser<IsRequest>::http1_parser() {
  this->header_limit(limits::head_bytes);
  this->body_limit(boost::none);
  fields_.reserve(24);
}

template <bool IsRequest>
result<void> http1_parser<IsRequest>::parse_head(std::string_view head) {
  if (has_forbidden_line_breaks(head))
    return error{error_category::invalid_input, "malformed_head", "request", "line breaks"};
  error_code why;
  this->put(boost::asio::buffer(head.data(), head.size()), why);
  if (why) return malformed("malformed_head", why);
  if (!this->is_header_done())
    return error{error_category::invalid_input, "malformed_head", "request", "incomplete"};
  this->eager(true);
  return {};
}

template <bool IsRequest>
result<size_t> http1_parser<IsRequest>::parse_content(std::string_view bytes, content_sink& sink) {
  sink_ = &sink;
  size_t taken = 0;
  while (taken < bytes.size() && !this->is_done()) {
    const auto rest = bytes.substr(taken);
    if (is_chunked() && !had_chunk_ && rest.front() == '0' && rest.size() < shortest_end) break;
    error_code why;
    const auto n = this->put(boost::asio::buffer(bytes.data() + taken, bytes.size() - taken), why);
    taken += n;
    if (why == http::error::need_more) break;
    if (why) return malformed("malformed_content", why);
    if (n == 0) break;
  }
  // Beast waits for the CRLF of a chunk's line or a trailer, and would wait behind a bare LF until
  // the peer gives up. Of content nothing is ever left over.
  if (is_chunked() && !this->is_done() && has_bare_line_feed(bytes.substr(taken)))
    return error{error_category::invalid_input, "malformed_content", "request", "line breaks"};
  return taken;
}

template <bool IsRequest>
result<void> http1_parser<IsRequest>::finish_by_close() {
  if (this->is_done()) return {};
  error_code why;
  if (this->is_header_done() && this->need_eof()) this->put_eof(why);
  if (why || !this->is_done())
    return error{error_category::bad_gateway, "truncated_content", "request", why.message()};
  return {};
}

template <bool IsRequest>
void http1_parser<IsRequest>::on_request_impl(http::verb, string_view method, string_view target,
                                              int version, error_code&) {
  method_ = view(method);
  target_ = view(target);
  version_ = version;
}

template <bool IsRequest>
void http1_parser<IsRequest>::on_response_impl(int code, string_view, int version, error_code&) {
  status_ = static_cast<unsigned>(code);
  version_ = version;
}

template <bool IsRequest>
void http1_parser<IsRequest>::on_field_impl(http::field, string_view name, string_view value,
                                            error_code& ec) {
  if (this->is_header_done()) {
    if (sink_) sink_->on_trailer(view(name), view(value));
    return;
  }
  if (fields_.size() >= limits::head_fields) {
    ec = http::error::header_limit;
    return;
  }
  fields_.push_back({view(name), view(value)});
}

template <bool IsRequest>
void http1_parser<IsRequest>::on_body_init_impl(const boost::optional<uint64_t>&, error_code&) {}

template <bool IsRequest>
size_t http1_parser<IsRequest>::on_body_impl(string_view piece, error_code&) {
  sink_->on_content(view(piece));
  return piece.size();
}

template <bool IsRequest>
void http1_parser<IsRequest>::on_chunk_header_impl(uint64_t size, string_view extensions,
                                                   error_code& ec) {
  if (size > 0) had_chunk_ = true;
  // Beast takes a line feed for text where it stands within quotes.
  if (extensions.size() > limits::chunk_extension_bytes ||
      extensions.find('\n') != string_view::npos)
    ec = http::error::bad_chunk_extension;
}

template <bool IsRequest>
size_t http1_parser<IsRequest>::on_chunk_body_impl(uint64_t, string_view piece, error_code&) {
  sink_->on_content(view(piece));
  return piece.size();
}

template class http1_parser<true>;
template class http1_parser<false>;

}  // namespace postern::runtime
