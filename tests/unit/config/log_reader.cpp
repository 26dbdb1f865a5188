#define CAF_SUITE log_reader
// The [log] section by itself; that both files have one is shown by node.cpp and connector.cpp.
#include "config/log_reader.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;

namespace {

/// What a [log] section with these lines makes of the defaults, and what is wrong with it.
struct outcome {
  explicit outcome(const std::string& lines) {
    toml_document document{"[log]\n" + lines, "/etc/t.toml"};
    read_log(document.root().section("log"), log);
    if (document.failure()) refusal = to_string(*document.failure());
  }

  log_options log;
  std::string refusal;
};

}  // namespace

CAF_TEST(a key that is absent keeps its default and the others do not) {
  const outcome empty{""};
  CAF_CHECK_EQUAL(empty.refusal, "");
  CAF_CHECK_EQUAL(empty.log.level, "info");
  CAF_CHECK_EQUAL(empty.log.format, "text");
  CAF_CHECK_EQUAL(empty.log.file, "");
  CAF_CHECK(empty.log.access);
  const outcome one{"format = \"json\"\n"};
  CAF_CHECK_EQUAL(one.log.format, "json");
  CAF_CHECK_EQUAL(one.log.level, "info");
  CAF_CHECK(one.log.access);
}

CAF_TEST(every level and format that the sample names is taken and nothing like it) {
  for (const std::string level : {"trace", "debug", "info", "warn", "error"}) {
    const outcome read{"level = \"" + level + "\"\n"};
    CAF_CHECK_EQUAL(read.refusal, "");
    CAF_CHECK_EQUAL(read.log.level, level);
  }
  for (const std::string level : {"Info", "warning", "critical", "off", ""}) {
    const outcome read{"\nlevel = \"" + level + "\"\n"};
    CAF_CHECK(read.refusal.starts_with("/etc/t.toml:3: "));
    CAF_CHECK(read.refusal.find("level") != std::string::npos);
    CAF_CHECK_EQUAL(read.log.level, "info");
  }
  for (const std::string format : {"text", "json"})
    CAF_CHECK_EQUAL(outcome{"format = \"" + format + "\"\n"}.log.format, format);
  const outcome odd{"format = \"xml\"\n"};
  CAF_CHECK(odd.refusal.starts_with("/etc/t.toml:2: "));
  CAF_CHECK_EQUAL(odd.log.format, "text");
}

CAF_TEST(a relative file is beside the document and an absolute one is not) {
  CAF_CHECK_EQUAL(outcome{"file = \"logs/postern.log\"\n"}.log.file, "/etc/logs/postern.log");
  CAF_CHECK_EQUAL(outcome{"file = \"/var/log/postern.log\"\n"}.log.file, "/var/log/postern.log");
}

CAF_TEST(a key that nobody asked for is refused where it stands) {
  const outcome unknown{"level = \"warn\"\nacces = false\n"};
  CAF_CHECK(unknown.refusal.starts_with("/etc/t.toml:3: "));
  CAF_CHECK(unknown.refusal.find("acces") != std::string::npos);
  CAF_CHECK(unknown.log.access);
}

CAF_TEST(values of another type are refused) {
  for (const std::string line :
       {"level = 3", "format = true", "file = [\"a\"]", "access = \"yes\"", "access = 1"}) {
    const outcome read{line + "\n"};
    CAF_CHECK(read.refusal.starts_with("/etc/t.toml:2: "));
  }
}
