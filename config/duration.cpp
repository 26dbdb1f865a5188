#include "config/published.hpp"
#include "config/wording.hpp"

#include <array>
#include <charconv>

namespace postern::config {

namespace {

struct unit {
  std::string_view name;
  uint64_t milliseconds;
};

constexpr std::array<unit, 5> units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

/// A hundred years: whatever is longer is a typing error, and sums of durations stay far from
/// overflow.
constexpr uint64_t longest = 36'500 * units[0].milliseconds;

}  // namespace

result<milliseconds> parse_duration(std::string_view text) {
  problem refused{
      .message = expected(R"(a duration such as "1500ms", "30s", "5m", "8h" or "365d")", text)};
  uint64_t count = 0;
  auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (code != std::errc{} || rest == text.data()) return refused;
  std::string_view name{rest, static_cast<size_t>(text.data() + text.size() - rest)};
  for (const auto& u : units) {
    if (u.name != name) continue;
    if (count > longest / u.milliseconds) return refused;
    return milliseconds{static_cast<int64_t>(count * u.milliseconds)};
  }
  return refused;
}

std::string format_duration(milliseconds d) {
  auto count = static_cast<uint64_t>(d.count());
  if (d.count() <= 0) return "0s";
  for (const auto& u : units) {
    if (count % u.milliseconds == 0) return std::to_string(count / u.milliseconds).append(u.name);
  }
  return std::to_string(count) + "ms";
}

}  // namespace postern::config
