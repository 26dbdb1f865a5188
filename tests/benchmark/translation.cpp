// What the way of a head through the edge costs: a browser's request parsed, checked and translated
// for the origin.

#include "edge/translation.hpp"

#include "runtime/http1_parser.hpp"
#include "tests/unit/edge/samples.hpp"

#include <benchmark/benchmark.h>

using namespace postern;
using namespace postern::edge;

namespace {

const std::string head =
    "GET /wiki/page?id=7 HTTP/1.1\r\nHost: wiki.example:8443\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Cookie: theme=dark; __Host-postern=" +
    std::string(600, 'x') +
    "; language=en\r\nReferer: https://wiki.example:8443/\r\nConnection: keep-alive\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n\r\n";

void translate_head(benchmark::State& state) {
  const auto application = samples::wiki;
  const auto urls = split_application_urls(application);
  const auto user = samples::make_session().user;
  translated_request out;
  for (auto _ : state) {
    runtime::http1_request_parser parser;
    if (!parser.parse_head(head)) state.SkipWithError("the head is malformed");
    const auto checked = check_request(parser);
    if (!checked) {
      state.SkipWithError("the head is refused");
      break;
    }
    translate_request(out, *checked, parser.fields(), application, urls,
                      {"192.0.2.1", "0123456789abcdef0123456789abcdef", &user});
    benchmark::DoNotOptimize(out.fields().size());
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

BENCHMARK(translate_head);
