#define CAF_SUITE change_list

#include "control/change_list.hpp"

#include <boost/json/parse.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::control;

namespace {

std::string lines(const char* text, bool dry_run = false) {
  auto described = describe_changes(boost::json::parse(text), dry_run);
  return described ? *described : "refused: " + described.error().message;
}

}  // namespace

CAF_TEST(nothing to do is said) {
  CAF_CHECK_EQUAL(lines(R"({"version":3,"changes":[]})"), "nothing to change\n");
}

CAF_TEST(each kind of change has its sign) {
  CAF_CHECK_EQUAL(lines(R"({"version":7,"changes":[
    {"action":"create","kind":"group","name":"branch","fields":{}},
    {"action":"create","kind":"application","name":"new","fields":{"group":["","hq"]}},
    {"action":"update","kind":"application","name":"wiki","fields":{"idle_timeout":["3m","30s"],"issuer":["https://x",""]}},
    {"action":"erase","kind":"application","name":"old","fields":{"group":["hq",""]}}]})"),
                  "+ group \"branch\"\n"
                  "+ application \"new\"\n"
                  "    group: hq\n"
                  "~ application \"wiki\"\n"
                  "    idle_timeout: 3m -> 30s\n"
                  "    issuer: https://x -> (none)\n"
                  "- application \"old\"\n"
                  "2 created, 1 changed, 1 erased; version 7\n");
}

CAF_TEST(a dry run says that nothing was done) {
  CAF_CHECK_EQUAL(
      lines(R"({"version":7,"changes":[{"action":"erase","kind":"group","name":"g"}]})", true),
      "- group \"g\"\n0 created, 0 changed, 1 erased; dry run, the service was left as it is\n");
}

CAF_TEST(names cannot fake lines) {
  CAF_CHECK_EQUAL(
      lines(R"({"version":1,"changes":[{"action":"erase","kind":"group","name":"g\n+ x"}]})"),
      "- group \"g?+ x\"\n0 created, 0 changed, 1 erased; version 1\n");
}

CAF_TEST(anything else is refused) {
  for (auto text : {"null", "[]", "{}", R"({"changes":1})", R"({"changes":[1]})",
                    R"({"changes":[{"action":"boil"}]})", R"({"changes":[{}]})"}) {
    CAF_CHECK_EQUAL(lines(text),
                    "refused: the service answered something that is no list of changes");
  }
}
