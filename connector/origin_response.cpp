#include "connector/origin_response.hpp"

#include "connector/limits.hpp"
#include "connector/origin_fields.hpp"
#include "runtime/http_fields.hpp"
#include "runtime/limits.hpp"

#include <algorithm>

namespace postern::connector {

namespace {

// An exchange keeps this much of its buffer for the next one.
constexpr size_t kept_partial = 4 * 1'024;

std::string_view view(std::span<char> bytes) {
  return {bytes.data(), bytes.size()};
}

/// Codings end here with the hop (RFC 9112, section 6.1), and chunked is the only one we undo.
bool has_unknown_coding(const runtime::field_list& fields) {
  return std::ranges::any_of(fields, [](const auto& f) {
    return f.name == "transfer-encoding" && !runtime::iequals(f.value, "chunked");
  });
}

}  // namespace

void origin_response::begin(bool head, bool upgrade) {
  parser_.reset();
  partial_.clear();
  if (partial_.capacity() > kept_partial) partial_.shrink_to_fit();
  problem_.clear();
  trailers_.clear();
  remaining_ = 0;
  interim_ = 0;
  phase_ = phase::head;
  head_request_ = head;
  upgrade_ = upgrade;
  started_ = false;
  persistent_ = false;
}

response_progress origin_response::take(std::span<char> bytes) {
  started_ = started_ || !bytes.empty();
  // Nearly every response is taken from where it was read; only a head or a chunk's line that came
  // in pieces is put together first.
  std::string joined;
  std::span<char> input = bytes;
  if (!partial_.empty()) {
    joined.swap(partial_);
    joined.append(bytes.data(), bytes.size());
    input = {joined.data(), joined.size()};
  }
  if (phase_ == phase::head)
    if (const auto p = take_heads(input);
        p == response_progress::malformed || phase_ == phase::head)
      return p;
  return take_content(input);
}

response_progress origin_response::take_heads(std::span<char>& input) {
  while (phase_ == phase::head) {
    const auto end = runtime::find_head_end(view(input), 0);
    if (end == std::string_view::npos) {
      if (input.size() > runtime::limits::head_bytes) return fail("the head is too large");
      keep(input);
      return response_progress::more;
    }
    if (!take_head(input.first(end))) return response_progress::malformed;
    input = input.subspan(end);
  }
  return response_progress::more;
}

bool origin_response::take_head(std::span<char> head) {
  lower_case_field_names(head);
  parser_.emplace();
  if (head_request_) parser_->expect_no_content();
  if (const auto parsed = parser_->parse_head(view(head)); !parsed) {
    fail(parsed.error().detail);
    return false;
  }
  const auto status = parser_->status();
  if (status < 100 || status > 599) {
    fail("status " + std::to_string(status));
    return false;
  }
  if (!parser_->done() && has_unknown_coding(parser_->fields())) {
    fail("a transfer coding other than chunked");
    return false;
  }
  // It would look like an opening: over HTTP/2 success is one (RFC 8441, section 5).
  if (upgrade_ && status >= 200 && status < 300) {
    fail("no WebSocket there: status " + std::to_string(status));
    return false;
  }
  if (status >= 200 || (status == 101 && upgrade_)) {
    begin_content();
    return true;
  }
  if (status == 101) {
    fail("an upgrade that nobody asked for");
    return false;
  }
  if (++interim_ > limits::interim_responses) {
    fail("too many interim responses");
    return false;
  }
  events_.on_interim_response(status, parser_->fields());
  return true;
}

void origin_response::begin_content() {
  const auto status = parser_->status();
  if (status == 101) {
    phase_ = phase::unframed;
  } else if (parser_->done()) {
    upgrade_ = false;
    phase_ = phase::done;
  } else {
    upgrade_ = false;
    const auto length = parser_->length();
    phase_ = length ? phase::sized : parser_->is_chunked() ? phase::chunked : phase::unframed;
    remaining_ = length.value_or(0);
  }
  persistent_ = phase_ != phase::unframed && parser_->keep_alive();
  events_.on_response_head(status, parser_->fields(), phase_ != phase::done);
}

response_progress origin_response::take_content(std::span<char>& input) {
  switch (phase_) {
    case phase::sized: {
      const auto n = static_cast<size_t>(std::min<uint64_t>(remaining_, input.size()));
      if (n > 0) events_.on_response_content(view(input.first(n)));
      remaining_ -= n;
      return remaining_ == 0 ? finish(input.size() - n) : response_progress::more;
    }
    case phase::chunked: {
      const auto taken = parser_->parse_content(view(input), *this);
      if (!taken) return fail(taken.error().detail);
      if (parser_->done()) return finish(input.size() - *taken);
      if (input.size() - *taken > runtime::limits::head_bytes)
        return fail("a chunk's line is too long");
      keep(input.subspan(*taken));
      return response_progress::more;
    }
    case phase::unframed:
      if (!input.empty()) events_.on_response_content(view(input));
      return response_progress::more;
    default:
      return finish(input.size());
  }
}

size_t origin_response::direct() const noexcept {
  if (phase_ == phase::unframed) return std::numeric_limits<size_t>::max();
  return phase_ == phase::sized ? static_cast<size_t>(remaining_) : 0;
}

response_progress origin_response::passed(size_t bytes) noexcept {
  if (phase_ != phase::sized) return response_progress::more;
  remaining_ -= bytes;
  return remaining_ == 0 ? finish(0) : response_progress::more;
}

response_progress origin_response::close(bool cleanly) {
  if (phase_ == phase::done) return response_progress::done;
  if (phase_ == phase::unframed && cleanly) return finish(0);
  return fail(phase_ == phase::head ? "the connection ended within the head"
                                    : "the connection ended within the content");
}

void origin_response::on_trailer(std::string_view name, std::string_view value) {
  std::string lower{name};
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  if (is_trailer(lower) && trailers_.size() < runtime::limits::head_fields)
    trailers_.emplace_back(std::move(lower), value);
}

response_progress origin_response::fail(std::string problem) {
  problem_ = std::move(problem);
  persistent_ = false;
  return response_progress::malformed;
}

response_progress origin_response::finish(size_t surplus) {
  // Bytes that nobody asked for would be taken for the next response.
  if (surplus > 0) persistent_ = false;
  phase_ = phase::done;
  return response_progress::done;
}

void origin_response::keep(std::span<char> rest) {
  partial_.assign(rest.data(), rest.size());
}

}  // namespace postern::connector
