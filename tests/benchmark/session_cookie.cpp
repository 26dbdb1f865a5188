// What opening the session's cookie costs: base64, AES-256-GCM, the session within.

#include "edge/session_cookie.hpp"

#include "tests/unit/edge/samples.hpp"

#include <benchmark/benchmark.h>

using namespace postern;
using namespace postern::edge;

namespace {

void open_cookie(benchmark::State& state) {
  samples::sealing keys;
  auto session = samples::make_session();
  for (int64_t i = 0; i < state.range(0); ++i)
    session.user.groups.push_back("group-" + std::to_string(i));
  auto application = samples::wiki;
  for (const auto& group : session.user.groups)
    application.assigned.push_back("group:" + group);
  config::published published;
  published.applications = {application};
  const auto cookie =
      samples::cookie_pair(make_session_cookie(session, application, published, keys.ring, 1'000));
  const auto value = cookie.substr(cookie.find('=') + 1);
  for (auto _ : state) {
    auto opened = open_session(value, keys.ring);
    if (!opened) state.SkipWithError("the cookie does not open");
    benchmark::DoNotOptimize(opened);
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

BENCHMARK(open_cookie)->ArgName("groups")->Arg(0)->Arg(50);
