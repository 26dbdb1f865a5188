// Feeds arbitrary bytes to the connector's reader of origins' responses over HTTP/1.1. The first
// byte says what was asked and how the connection ends.

#include "connector/origin_fields.hpp"
#include "connector/origin_response.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rt = postern::runtime;
namespace connector = postern::connector;

namespace {

using connector::response_progress;

/// What a response has said, and that it was said in order.
struct listener final : connector::response_events {
  void on_interim_response(unsigned status, const rt::field_list& fields) override {
    rt::ensure(heads == 0 && status >= 100 && status < 200, "interim responses come first");
    keep(status, fields);
  }
  void on_response_head(unsigned status, const rt::field_list& fields, bool has_content) override {
    rt::ensure(++heads == 1 && (status == 101 || status >= 200) && status <= 599, "one final head");
    may_follow = has_content;
    keep(status, fields);
  }
  void on_response_content(std::string_view piece) override {
    rt::ensure(heads == 1 && may_follow, "content follows a head that announces it");
    content += piece;
  }

  void keep(unsigned status, const rt::field_list& fields) {
    rt::field_list passed;
    connector::select_response_fields(fields, status, passed);
    said += std::to_string(status) + '\n';
    for (const auto& f : passed) {
      rt::ensure(!f.name.empty() && f.name.find_first_of(" \t:") == std::string_view::npos,
                 "a field's name is a token");
      rt::ensure(std::ranges::none_of(f.name, [](char c) { return c >= 'A' && c <= 'Z'; }),
                 "names are in lower case");
      for (const auto text : {f.name, f.value})
        rt::ensure(text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos,
                   "a field stays on its line");
      said.append(f.name).append(":").append(f.value).append("\n");
    }
  }

  unsigned heads = 0;
  bool may_follow = false;
  std::string said, content;
};

struct outcome {
  response_progress progress = response_progress::more;
  connector::trailer_list trailers;
  listener heard;

  bool operator==(const outcome& other) const {
    return progress == other.progress && trailers == other.trailers &&
           heard.said == other.heard.said && heard.content == other.heard.content;
  }
};

/// `how`: bit 0 HEAD, bit 1 an upgrade was asked for, bit 2 the origin ends the connection.
outcome read(std::string_view text, uint8_t how, size_t step) {
  outcome all;
  connector::origin_response response{all.heard};
  response.begin((how & 1) != 0, (how & 2) != 0);
  // The reader may change what it is given.
  std::vector<char> bytes{text.begin(), text.end()};
  for (size_t at = 0; at < bytes.size() && all.progress == response_progress::more; at += step)
    all.progress =
        response.take(std::span<char>{bytes}.subspan(at, std::min(step, bytes.size() - at)));
  if (all.progress == response_progress::more) all.progress = response.close((how & 4) != 0);
  rt::ensure(all.progress != response_progress::more, "an end is an end");
  if (all.progress == response_progress::done) {
    rt::ensure(all.heard.heads == 1, "nothing is complete without a head");
    all.trailers = response.take_trailers();
  } else {
    rt::ensure(!response.allows_reuse() && !response.problem().empty(),
               "what is malformed says why, and ends its connection");
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const auto whole = read(text, data[0], text.size() + 1);
  rt::ensure(read(text, data[0], 1) == whole, "byte by byte as at once");
  rt::ensure(read(text, data[0], 7) == whole, "in pieces as at once");
  return 0;
}
