// Feeds arbitrary bytes to the reader of users' requests over HTTP/1.1: head, rules, content.

#include "edge/request_rules.hpp"
#include "runtime/http1_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rt = postern::runtime;
namespace edge = postern::edge;

namespace {

struct collected final : rt::content_sink {
  void on_content(std::string_view piece) override { content += piece; }
  void on_trailer(std::string_view name, std::string_view value) override {
    rt::ensure(!name.empty(), "a trailer has a name");
    trailers.emplace_back(name, value);
  }
  std::string content;
  std::vector<std::pair<std::string, std::string>> trailers;
};

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

size_t count_of(const rt::field_list& fields, std::string_view name) {
  return static_cast<size_t>(
      std::ranges::count_if(fields, [&](const auto& f) { return rt::iequals(f.name, name); }));
}

void check_fields(const rt::field_list& fields) {
  for (const auto& f : fields) {
    rt::ensure(!f.name.empty() && f.name.find_first_of(" \t:") == std::string_view::npos &&
                   is_one_line(f.name),
               "a field's name is a token");
    rt::ensure(is_one_line(f.value), "a field's value stays on its line");
  }
}

void check_accepted(const rt::http1_request_parser& parser, const edge::checked_request& request) {
  const auto& fields = parser.fields();
  rt::ensure(count_of(fields, "host") == 1, "one Host");
  const auto lengths = count_of(fields, "content-length");
  const auto codings = count_of(fields, "transfer-encoding");
  rt::ensure(lengths <= 1 && codings <= 1 && lengths + codings <= 1, "framed in one way");
  rt::ensure(parser.is_chunked() == (codings == 1), "a coding that is named is used");
  rt::ensure(request.target.starts_with('/') || request.target == "*", "origin-form");
  rt::ensure(request.target.find_first_of(" \t\r\n\\#") == std::string_view::npos,
             "a target of one word");
  rt::ensure(request.target.starts_with(request.path), "the path begins the target");
  rt::ensure(!request.host.empty() && request.authority.starts_with(request.host),
             "the host begins the authority");
  rt::ensure(request.method != "CONNECT" && request.method != "TRACE", "no methods of proxies");
}

bool begins(const auto& whole, const auto& part) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

/// Gives the content to a parser in pieces of at most `step` bytes. How many bytes it took, or
/// nothing if it refused them.
std::pair<bool, size_t> read_content(std::string_view head, std::string_view rest, size_t step,
                                     collected& into) {
  rt::http1_request_parser parser;
  rt::ensure(parser.parse_head(head).has_value(), "a head is accepted twice");
  size_t given = 0, taken = 0;
  while (!parser.done() && given < rest.size()) {
    given = std::min(rest.size(), given + step);
    const auto more = parser.parse_content(rest.substr(taken, given - taken), into);
    if (!more) return {false, 0};
    rt::ensure(*more <= given - taken, "nobody takes more than there is");
    taken += *more;
  }
  return {true, parser.done() ? taken : rest.size() + 1};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto end = rt::find_head_end(text, 0);
  if (end == std::string_view::npos) return 0;
  const auto head = text.substr(0, end);
  rt::http1_request_parser parser;
  if (!parser.parse_head(head)) return 0;
  check_fields(parser.fields());
  const auto request = edge::check_request(parser);
  if (!request) return 0;
  rt::ensure(!rt::has_forbidden_line_breaks(head), "every line ends as it should");
  check_accepted(parser, *request);

  // However it arrives, a request ends in one place and says one thing. Trailers of one that is
  // refused have been told up to its fault if they came at once, and may have not if they did not.
  collected whole, bytes, pieces;
  const auto rest = text.substr(end);
  const auto at_once = read_content(head, rest, rest.size() + 1, whole);
  const auto as_whole = [&](size_t step, collected& got) {
    return read_content(head, rest, step, got) == at_once && got.content == whole.content &&
           (at_once.first ? got.trailers == whole.trailers : begins(whole.trailers, got.trailers));
  };
  rt::ensure(as_whole(1, bytes), "byte by byte as at once");
  rt::ensure(as_whole(7, pieces), "in pieces as at once");
  return 0;
}
