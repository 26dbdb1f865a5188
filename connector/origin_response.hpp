#pragma once
// An origin's response as it arrives: heads, framing and content of HTTP/1.1, told to the exchange
// piece by piece. Knows no socket.

#include "runtime/http1_parser.hpp"

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace postern::connector {

using trailer_list = std::vector<std::pair<std::string, std::string>>;

/// Who is told what a response says; called by take() only. Views end with the call.
class response_events {
 public:
  /// An interim response (1xx other than a 101 that was asked for).
  virtual void on_interim_response(unsigned status, const runtime::field_list& fields) = 0;
  /// The final head, names in lower case. `has_content`: on_response_content() may follow.
  virtual void on_response_head(unsigned status, const runtime::field_list& fields,
                                bool has_content) = 0;
  virtual void on_response_content(std::string_view piece) = 0;

 protected:
  ~response_events() = default;
};

/// How reading goes on.
enum class response_progress : uint8_t {
  more,       ///< bytes are missing
  done,       ///< the response is complete
  malformed,  ///< it is no HTTP/1.1, or breaks off
};

/// Reads one response after its interim ones, of which there may be limits::interim_responses.
/// begin() makes it ready for the next exchange.
class origin_response final : private runtime::content_sink {
 public:
  explicit origin_response(response_events& events) : events_(events) {}

  /// `head`: answers a HEAD. `upgrade`: a 101 is the final response, and bytes follow; success
  /// otherwise (2xx) is malformed.
  void begin(bool head, bool upgrade);

  /// Takes all of `bytes` and changes them (field names).
  response_progress take(std::span<char> bytes);

  /// How many bytes may go to the user as they are, without take(): the rest of a Content-Length,
  /// or any number of an unframed response. 0 where take() is needed. Tell what was used with
  /// passed().
  size_t direct() const noexcept;
  response_progress passed(size_t bytes) noexcept;

  /// The connection has ended; `cleanly`: by the origin's own FIN or close_notify. Only that can be
  /// the end of unframed content (RFC 9112, section 9.8).
  response_progress close(bool cleanly);

  bool has_started() const noexcept { return started_; }  ///< any byte has arrived
  bool has_head() const noexcept { return phase_ > phase::head; }
  /// The origin speaks HTTP/1.0. Precondition: has_head().
  bool is_http10() const noexcept { return parser_->version() < 11; }
  bool is_switched() const noexcept { return phase_ == phase::unframed && upgrade_; }
  /// Whether the connection may carry another exchange as far as the response is concerned:
  /// complete by its framing, persistent (RFC 9112, section 9.3), and with nothing behind it.
  /// After HEAD never: an origin that sends content nevertheless may send it late, and the next
  /// response would begin with it.
  bool allows_reuse() const noexcept {
    return phase_ == phase::done && persistent_ && !head_request_;
  }
  trailer_list take_trailers() noexcept { return std::move(trailers_); }
  /// Why it is malformed; for the log.
  const std::string& problem() const noexcept { return problem_; }

 private:
  enum class phase : uint8_t {
    head,      ///< a head is awaited, interim ones included
    sized,     ///< `remaining_` bytes of content follow
    chunked,   ///< chunks follow
    unframed,  ///< content or switched bytes until the connection ends
    done,
  };

  void on_content(std::string_view piece) override { events_.on_response_content(piece); }
  void on_trailer(std::string_view name, std::string_view value) override;

  response_progress take_heads(std::span<char>& input);
  bool take_head(std::span<char> head);
  void begin_content();
  response_progress take_content(std::span<char>& input);
  response_progress fail(std::string problem);
  response_progress finish(size_t surplus);
  void keep(std::span<char> rest);

  response_events& events_;
  std::optional<runtime::http1_response_parser> parser_;
  std::string partial_;  // what arrived and cannot be taken yet
  std::string problem_;
  trailer_list trailers_;
  uint64_t remaining_ = 0;
  unsigned interim_ = 0;  // interim responses so far
  phase phase_ = phase::head;
  bool head_request_ = false;
  bool upgrade_ = false;
  bool started_ = false;
  bool persistent_ = false;
};

}  // namespace postern::connector
