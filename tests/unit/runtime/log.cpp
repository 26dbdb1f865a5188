#define CAF_SUITE log
#include "runtime/log.hpp"

#include "runtime/files.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::runtime;

namespace {

/// Logs into a file, and gives the process its logger back at the end.
struct fixture {
  ~fixture() {
    static_cast<void>(start_logging("info", "text", file));
    spdlog::set_default_logger(before);
  }

  void log_to_file(const std::string& format, const std::string& level = "info") const {
    CAF_REQUIRE(start_logging(level, format, file).has_value());
  }
  std::string content() const {
    spdlog::default_logger()->flush();
    return read_file(file).value();
  }
  /// The only line, without its end and, in text, without time and level.
  std::string line() const {
    auto text = content();
    CAF_REQUIRE_EQUAL(std::ranges::count(text, '\n'), 1);
    CAF_REQUIRE(text.ends_with('\n'));
    text.pop_back();
    return text.starts_with('{') ? text : text.substr(sizeof "2026-01-31T12:00:00.000Z info");
  }
  boost::json::object object() const { return boost::json::parse(line()).as_object(); }

  std::shared_ptr<spdlog::logger> before = spdlog::default_logger();
  postern::test::temp_directory directory;
  std::string file = directory / "x.log";
};

const std::string nasty = "a\n\"b\"\\\t\x1b[31m\x7f c";

}  // namespace

CAF_TEST_FIXTURE_SCOPE(log_tests, fixture)

CAF_TEST(a line of text is a message and its values) {
  log_to_file("text");
  log_event(spdlog::level::info, "user_left", {{"user", "bob"}, {"why", ""}, {"after", "3 s"}});
  CAF_CHECK_EQUAL(line(), " user_left user=bob after=\"3 s\"");
}

CAF_TEST(a value in text cannot begin another line or another value) {
  log_to_file("text");
  log_event(spdlog::level::info, "refused", {{"path", nasty}, {"end", "x=\"y"}});
  CAF_CHECK_EQUAL(line(),
                  " refused path=\"a\\u000a\\\"b\\\"\\\\\\u0009\\u001b[31m\\u007f c\" "
                  "end=\"x=\\\"y\"");
}

CAF_TEST(a line of JSON is an object with the same names) {
  log_to_file("json");
  log_event(spdlog::level::warn, "refused", {{"path", nasty}, {"why", ""}, {"status", "403"}});
  const auto said = object();
  CAF_CHECK(said.at("message").as_string() == "refused");
  CAF_CHECK(said.at("level").as_string() == "warning");
  CAF_CHECK_EQUAL(std::string{said.at("path").as_string()}, nasty);
  CAF_CHECK(said.at("status").as_string() == "403");
  CAF_CHECK(!said.contains("why"));
  CAF_CHECK_EQUAL(said.at("time").as_string().size(), sizeof "2026-01-31T12:00:00.000Z" - 1);
  CAF_CHECK_EQUAL(said.size(), 5u);
}

CAF_TEST(a plain message becomes JSON as well) {
  log_to_file("json");
  spdlog::info("{}", nasty);
  const auto said = object();
  CAF_CHECK_EQUAL(std::string{said.at("message").as_string()}, nasty);
  CAF_CHECK(said.at("level").as_string() == "info");
}

CAF_TEST(a plain message that looks like JSON is a message) {
  log_to_file("json");
  const std::string text = "{\"level\":\"none\"}\n";
  spdlog::info("{}", text);
  const auto said = object();
  CAF_CHECK_EQUAL(std::string{said.at("message").as_string()}, text);
  CAF_CHECK(said.at("level").as_string() == "info");
}

CAF_TEST(what is no text and what moves a terminals cursor is not written as it is) {
  log_to_file("json");
  const std::string fine = "Zo\u00eb \u20ac \U0001f600", wrong = "\xff\xc3(\xe2\x82";
  log_event(spdlog::level::info, "opened", {{"by", fine}, {"wrong", wrong}, {"c1", "\u009b2J"}});
  const auto said = object();
  CAF_CHECK_EQUAL(std::string{said.at("by").as_string()}, fine);
  CAF_CHECK_EQUAL(std::string{said.at("wrong").as_string()}, "\ufffd\ufffd(\ufffd\ufffd");
  CAF_CHECK(content().find(fine) != std::string::npos);
  CAF_CHECK(content().find("\\u009b2J") != std::string::npos);
}

CAF_TEST(what is below the level is not written) {
  log_to_file("text", "error");
  log_event(spdlog::level::warn, "unseen", {});
  CAF_CHECK_EQUAL(content(), "");
  log_event(spdlog::level::err, "seen", {});
  CAF_CHECK(content().ends_with(" seen\n"));
}

CAF_TEST(lines are there at once and behind those of the last start) {
  log_to_file("text");
  log_event(spdlog::level::info, "first", {});
  CAF_CHECK(read_file(file).value().ends_with(" first\n"));
  log_to_file("text");
  log_event(spdlog::level::info, "second", {});
  const auto both = read_file(file).value();
  CAF_CHECK(both.find(" first\n") < both.find(" second\n"));
}

CAF_TEST(a file that cannot be opened is said and the old log goes on) {
  log_to_file("json");
  const auto refused = start_logging("info", "text", directory.write("plain", "") + "/x.log");
  CAF_REQUIRE(refused.has_error());
  CAF_CHECK(refused.error().category == error_category::invalid_input);
  CAF_CHECK_EQUAL(refused.error().cause, "log_file");
  CAF_CHECK(refused.error().detail.find("plain/x.log") != std::string::npos);
  log_event(spdlog::level::info, "still here", {});
  CAF_CHECK(object().at("message").as_string() == "still here");
}

CAF_TEST_FIXTURE_SCOPE_END()
