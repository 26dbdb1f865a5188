#define CAF_SUITE terminal

#include "control/terminal.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::control;

CAF_TEST(columns are aligned and lines end without blanks) {
  table t{{"NAME", "GROUP", "ALARM"}};
  t.add({"a", "headquarters", ""});
  t.add({"long-name", "b", "!"});
  CAF_CHECK_EQUAL(t.text(),
                  "NAME       GROUP         ALARM\n"
                  "a          headquarters  -\n"
                  "long-name  b             !\n");
}

CAF_TEST(characters count and not bytes) {
  CAF_CHECK_EQUAL(display_width("Müller"), 6u);
  table t{{"N", "X"}};
  t.add({"Müller", "1"});
  t.add({"Miller", "2"});
  CAF_CHECK_EQUAL(t.text(), "N       X\nMüller  1\nMiller  2\n");
}

CAF_TEST(missing cells are shown and surplus ones dropped) {
  table t{{"A", "B"}};
  CAF_CHECK(t.empty());
  t.add({"1"});
  t.add({"1", "2", "3"});
  CAF_CHECK(!t.empty());
  CAF_CHECK_EQUAL(t.text(), "A  B\n1  -\n1  2\n");
}

CAF_TEST(nothing from the network can steer a terminal) {
  CAF_CHECK_EQUAL(printable("a\x1b[2Jb\r\nc\x7f"), "a?[2Jb??c?");
  CAF_CHECK_EQUAL(printable("\xc2\x9b"
                            "2J"),
                  "?2J");
  CAF_CHECK_EQUAL(printable("\xc2\xa0Müller"), "\xc2\xa0Müller");
  CAF_CHECK_EQUAL(printable("\xc2"), "\xc2");
  table t{{"N"}};
  t.add({"x\ny"});
  CAF_CHECK_EQUAL(t.text(), "N\nx?y\n");
}

CAF_TEST(JSON is indented and stays JSON) {
  auto value = boost::json::parse(R"({"a":[1,{"b":"x\u001b"}],"c":[],"d":{},"e":null})");
  CAF_CHECK_EQUAL(pretty(value),
                  "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\\u001b\"\n    }\n  ],\n"
                  "  \"c\": [],\n  \"d\": {},\n  \"e\": null\n}\n");
  CAF_CHECK(boost::json::parse(pretty(value)) == value);
  boost::json::value steering(
      "a\x7f\xc2\x9b"
      "2Jü");
  CAF_CHECK_EQUAL(pretty(steering), "\"a\\u007f\\u009b2Jü\"\n");
  CAF_CHECK(boost::json::parse(pretty(steering)) == steering);
}
