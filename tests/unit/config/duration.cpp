#define CAF_SUITE duration

#include "config/published.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;
using namespace std::chrono_literals;

CAF_TEST(every unit is read) {
  CAF_CHECK(*parse_duration("1500ms") == 1500ms);
  CAF_CHECK(*parse_duration("30s") == 30s);
  CAF_CHECK(*parse_duration("5m") == 5min);
  CAF_CHECK(*parse_duration("8h") == 8h);
  CAF_CHECK(*parse_duration("365d") == 365 * 24h);
  CAF_CHECK(*parse_duration("0s") == 0s);
}

CAF_TEST(anything but a whole number with a unit is refused) {
  for (auto text : {"", "s", "30", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1sec", "0x1s",
                    "99999999999999999999s", "36501d", "9223372036854775807ms"}) {
    CAF_CHECK(!parse_duration(text));
  }
  CAF_CHECK_EQUAL(
      parse_duration("soon").error().message,
      R"(expected a duration such as "1500ms", "30s", "5m", "8h" or "365d", found "soon")");
}

CAF_TEST(the largest unit that loses nothing is written) {
  CAF_CHECK_EQUAL(format_duration(1500ms), "1500ms");
  CAF_CHECK_EQUAL(format_duration(85s), "85s");
  CAF_CHECK_EQUAL(format_duration(180s), "3m");
  CAF_CHECK_EQUAL(format_duration(8h), "8h");
  CAF_CHECK_EQUAL(format_duration(365 * 24h), "365d");
  CAF_CHECK_EQUAL(format_duration(0ms), "0s");
}

CAF_TEST(what is written is read back) {
  for (int64_t ms :
       {1, 999, 1'000, 59'000, 60'000, 61'000, 3'599'999, 3'600'000, 86'400'000, 90'000'000}) {
    CAF_CHECK(*parse_duration(format_duration(milliseconds{ms})) == milliseconds{ms});
  }
}
