// The simulation: worlds made from seeds, run until a promise is broken or all seeds are done.
// scripts/simulate is how people start it.

#include "tests/simulation/world.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <iostream>

namespace {

using namespace postern::simulation;

struct totals {
  size_t worlds = 0, exchanges = 0, served = 0;
  duration simulated{0}, slowest_recovery{0}, slowest_convergence{0};
};

/// Runs one seed. Prints and returns false if a promise was broken.
bool run_seed(uint64_t seed, const scenario& s, bool verbose, bool twice, totals& sum) {
  try {
    const auto report = world{seed, s, verbose}.run();
    ++sum.worlds;
    sum.exchanges += report.exchanges;
    if (const auto i = report.outcomes.find("served"); i != report.outcomes.end())
      sum.served += i->second;
    sum.simulated += report.simulated;
    sum.slowest_recovery = std::max(sum.slowest_recovery, report.recovery);
    sum.slowest_convergence = std::max(sum.slowest_convergence, report.convergence);
    if (verbose)
      for (const auto& [outcome, count] : report.outcomes)
        std::cout << fmt::format("{:>8} {}\n", count, outcome);
    if (!twice) return true;
    const auto again = world{seed, s, false}.run();
    if (again.trace == report.trace) return true;
    std::cout << fmt::format("seed {}: two runs differ ({:016x}, {:016x})\n", seed, report.trace,
                             again.trace);
  } catch (const broken_promise& e) {
    std::cout << fmt::format("seed {}: broken promise: {}\n", seed, e.what());
  }
  return false;
}

void print(const totals& sum, std::chrono::duration<double> took) {
  using hours = std::chrono::duration<double, std::ratio<3600>>;
  std::cout << fmt::format(
      "{} seeds, {} exchanges ({} served), {:.1f} simulated hours, longest recovery {:.1f} s, "
      "nodes agree after {:.1f} s\n"
      "{:.1f} s: {:.1f} seeds/s, {:.2f} simulated hours/s\n",
      sum.worlds, sum.exchanges, sum.served, hours{sum.simulated}.count(),
      std::chrono::duration<double>{sum.slowest_recovery}.count(),
      std::chrono::duration<double>{sum.slowest_convergence}.count(), took.count(),
      static_cast<double>(sum.worlds) / took.count(), hours{sum.simulated}.count() / took.count());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs simulated worlds of Postern and checks what it promises."};
  uint64_t first = 1, seeds = 100, replay_every = 50;
  unsigned days = 0;
  std::string file;
  bool verbose = false;
  size_t stop_at = 3;
  std::optional<uint64_t> only;
  app.add_option("--seeds", seeds, "How many seeds")->capture_default_str();
  app.add_option("--first", first, "The first seed")->capture_default_str();
  app.add_option("--seed", only, "One seed only, with its trace");
  app.add_option("--days", days, "Virtual days after the faults, in leaps of ten");
  app.add_option("--scenario", file, "Faults from a file instead of the seed");
  app.add_option("--replay-every", replay_every, "Run every N-th seed twice and compare; 0: none")
      ->capture_default_str();
  app.add_option("--stop-at", stop_at, "Stop after so many seeds with a broken promise")
      ->capture_default_str();
  app.add_flag("--verbose", verbose, "Print the trace");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(verbose ? spdlog::level::trace : spdlog::level::off);

  scenario s;
  if (!file.empty()) {
    auto loaded = load_scenario(file);
    if (!loaded) {
      std::cerr << loaded.error().detail << '\n';
      return 2;
    }
    s = std::move(*loaded);
  }
  if (days > 0) s.days = days;
  if (only) {
    first = *only;
    seeds = 1;
    verbose = true;
  }
  totals sum;
  size_t broken = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const bool twice = replay_every > 0 && (seed - first) % replay_every == 0;
    if (run_seed(seed, s, verbose, twice, sum)) continue;
    ++broken;
    std::cout << fmt::format("replay it with: scripts/simulate --seed {}{}{}\n", seed,
                             file.empty() ? "" : " --scenario " + file,
                             days == 0 ? "" : " --days " + std::to_string(days))
              << std::flush;
    if (broken >= stop_at) break;
  }
  print(sum, std::chrono::steady_clock::now() - begun);
  return broken == 0 ? 0 : 1;
}
