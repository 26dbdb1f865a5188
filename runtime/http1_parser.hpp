#pragma once
// HTTP/1.1 heads and framing by Beast's basic_parser, strict where smuggling hides, fields as views
// into the caller's buffer. Who uses it: the edge for users' requests, the connector for origins'
// responses.

#include "runtime/error.hpp"
#include "runtime/http_fields.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <functional>
#include <optional>

namespace postern::runtime {

namespace http = boost::beast::http;

/// Receives the content of a message, piece by piece, during parse_content().
class content_sink {
 public:
  virtual void on_content(std::string_view piece) = 0;
  virtual void on_trailer(std::string_view name, std::string_view value) = 0;

 protected:
  ~content_sink() = default;
};

/// Finds the end of a head: the offset behind its empty line, or npos.
size_t find_head_end(std::string_view buffer, size_t from) noexcept;

/// Whether a head has bare CR or LF, NUL or folded lines (RFC 9112, sections 2.2 and 5.2): refuse
/// it.
bool has_forbidden_line_breaks(std::string_view head) noexcept;

/// One message: first parse_head() with the complete head, then parse_content() until done(). Not
/// reusable.
template <bool IsRequest>
class http1_parser final : public http::basic_parser<IsRequest> {
 public:
  http1_parser();

  /// `head` must reach to its empty line, and must stay where it is for as long as fields() is
  /// used. Errors: `invalid_input` "malformed_head" (detail says what), `too_large`
  /// "head_too_large".
  result<void> parse_head(std::string_view head);

  /// Takes what it can of `bytes`, gives content to `sink`, returns the bytes taken. A chunk's head
  /// and the trailers are taken in one piece only: what is left comes again with more behind it.
  /// Errors: `invalid_input` "malformed_content".
  result<size_t> parse_content(std::string_view bytes, content_sink& sink);

  /// Tells that the peer ended the connection. Errors: "truncated_content" if the message is not
  /// complete by that.
  result<void> finish_by_close();

  bool done() const noexcept { return this->is_done(); }
  const field_list& fields() const noexcept { return fields_; }

  // -- requests
  std::string_view method() const noexcept { return method_; }
  std::string_view target() const noexcept { return target_; }
  // -- responses
  unsigned status() const noexcept { return status_; }
  /// A response to HEAD or CONNECT has no content, whatever its fields say. Call before
  /// parse_head().
  void expect_no_content() { this->skip(true); }

  int version() const noexcept { return version_; }
  /// The Content-Length, if the framing has one.
  std::optional<uint64_t> length() const {
    const auto value = this->content_length();
    return value && !this->chunked() ? std::optional<uint64_t>{*value} : std::nullopt;
  }
  bool is_chunked() const noexcept { return this->chunked(); }

 private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;

  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override;
  void on_response_impl(int code, string_view, int version, error_code&) override;
  void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code&) override;
  size_t on_body_impl(string_view piece, error_code&) override;
  void on_chunk_header_impl(uint64_t, string_view extensions, error_code& ec) override;
  size_t on_chunk_body_impl(uint64_t, string_view piece, error_code&) override;
  void on_finish_impl(error_code&) override {}

  field_list fields_;
  std::string_view method_, target_;
  content_sink* sink_ = nullptr;
  unsigned status_ = 0;
  int version_ = 11;
  bool had_chunk_ = false;  ///< one with content, of the content that is being taken
};

extern template class http1_parser<true>;
extern template class http1_parser<false>;
using http1_request_parser = http1_parser<true>;
using http1_response_parser = http1_parser<false>;

}  // namespace postern::runtime
