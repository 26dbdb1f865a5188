#define CAF_SUITE toml_reader
#include "config/toml_reader.hpp"

#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view words[] = {"left", "right"};

/// What is wrong with a document after it was read so.
template <class Read>
std::string refusal(std::string_view text, Read read, std::string file = "t.toml") {
  toml_document document{text, std::move(file)};
  auto root = document.root();
  read(root);
  return document.failure() ? to_string(*document.failure()) : "accepted";
}

/// The same for one key "k" that is read into `out`.
template <class T, class... Bounds>
std::string refused_into(T& out, std::string_view value, Bounds... bounds) {
  return refusal("\nk = " + std::string{value} + "\n",
                 [&](toml_section& s) { s.read("k", out, bounds...); });
}

/// One variable of every kind that can be read.
struct settings {
  std::string text = "default";
  std::string word = "right";
  std::string path = "/default";
  bool flag = true;
  std::vector<std::string> list{"default"};
  std::chrono::milliseconds pause{7};
  std::chrono::seconds age{7};
  uint16_t number = 7;
  bool operator==(const settings&) const = default;

  void read(toml_section s) {
    s.read("text", text);
    s.read_choice("word", word, words);
    s.read_path("path", path);
    s.read("flag", flag);
    s.read("list", list);
    s.read("pause", pause);
    s.read("age", age, 1s, 60s);
    s.read("number", number, 1, 9);
  }
};

constexpr std::string_view everything =
    "text = \"t\"\nword = \"left\"\npath = \"p\"\nflag = false\nlist = []\npause = \"5ms\"\n"
    "age = \"1m\"\nnumber = 9\n";

}  // namespace

CAF_TEST(a problem names what is known of its place) {
  CAF_CHECK_EQUAL(to_string(problem{"f.toml", 3, "wrong"}), "f.toml:3: wrong");
  CAF_CHECK_EQUAL(to_string(problem{"f.toml", 0, "wrong"}), "f.toml: wrong");
  CAF_CHECK_EQUAL(to_string(problem{"", 3, "wrong"}), "line 3: wrong");
  CAF_CHECK_EQUAL(to_string(problem{"", 0, "wrong"}), "wrong");
}

CAF_TEST(keys that are there take the place of the defaults and no others do) {
  settings s;
  const auto read = [&](toml_section& root) { s.read(root); };
  CAF_CHECK_EQUAL(refusal("", read), "accepted");
  CAF_CHECK_EQUAL(refusal("", [&](toml_section& root) { s.read(root.section("s")); }), "accepted");
  CAF_CHECK(refusal(std::string{everything} + "[", read).starts_with("t.toml:9: expected TOML: "));
  CAF_CHECK(s == settings{});
  CAF_CHECK_EQUAL(refusal(everything, read, "/etc/t.toml"), "accepted");
  CAF_CHECK((s == settings{"t", "left", "/etc/p", false, {}, 5ms, 60s, 9}));
}

CAF_TEST(after the first problem nothing is read and nothing else is a problem) {
  settings s;
  CAF_CHECK_EQUAL(refusal("wrong = 1\n" + std::string{everything},
                          [&](toml_section& root) {
                            bool wrong = false;
                            root.read("wrong", wrong);
                            s.read(root);
                            root.finish();
                          }),
                  "t.toml:1: wrong: expected true or false, found the number 1");
  CAF_CHECK(s == settings{});
}

CAF_TEST(a value of another type is called by what it is) {
  for (const auto& [value, found] : {std::pair{"true", "true"},
                                     {"1.5", "a fraction"},
                                     {"[1]", "a list"},
                                     {"{a = 1}", "a table"},
                                     {"1979-05-27", "a date or time"}}) {
    std::string out = "default";
    CAF_CHECK_EQUAL(refused_into(out, value),
                    std::string{"t.toml:2: k: expected a text in quotes, found "} + found);
    CAF_CHECK_EQUAL(out, "default");
  }
  std::vector<std::string> list{"default"};
  CAF_CHECK_EQUAL(
      refused_into(list, R"(["a", 1])"),
      R"(t.toml:2: k: expected a list of texts such as ["a", "b"], found the number 1)");
  CAF_CHECK_EQUAL(refused_into(list, R"("a")"),
                  R"(t.toml:2: k: expected a list of texts such as ["a", "b"], found "a")");
  CAF_CHECK((list == std::vector<std::string>{"default"}));
}

CAF_TEST(bounds of numbers and of seconds are inclusive) {
  uint32_t number = 7;
  for (const auto* value : {"10", "20"})
    CAF_CHECK_EQUAL(refused_into(number, value, 10U, 20U), "accepted");
  for (const auto* value : {"9", "21", "-10", "10.5", "\"10\"", "true", "9223372036854775807"})
    CAF_CHECK(refused_into(number, value, 10U, 20U)
                  .starts_with("t.toml:2: k: expected a whole number from 10 to 20, found "));
  CAF_CHECK_EQUAL(number, 20u);
  std::chrono::seconds age = 7s;
  for (const auto* value : {R"("2s")", R"("1m")"})
    CAF_CHECK_EQUAL(refused_into(age, value, 2s, 60s), "accepted");
  for (const auto* value : {R"("1s")", R"("61s")", R"("0s")", R"("2500ms")"})
    CAF_CHECK(refused_into(age, value, 2s, 60s)
                  .starts_with("t.toml:2: k: expected whole seconds from 2s to 1m, found "));
  CAF_CHECK(age == 60s);
}

CAF_TEST(a relative path is taken from the folder of the document) {
  std::string out;
  const auto read = [&](toml_section& s) { s.read_path("k", out); };
  const auto path = [&](const std::string& file, const std::string& text) {
    CAF_CHECK_EQUAL(refusal("k = \"" + text + "\"", read, file), "accepted");
    return out;
  };
  CAF_CHECK_EQUAL(path("/etc/postern/t.toml", "keys/a.pem"), "/etc/postern/keys/a.pem");
  CAF_CHECK_EQUAL(path("t.toml", "a.pem"), "a.pem");
  CAF_CHECK_EQUAL(path("/etc/postern/t.toml", "/keys/a.pem"), "/keys/a.pem");
  CAF_CHECK_EQUAL(refusal(R"(k = "a\u0000b")", read),
                  R"(t.toml:1: k: expected the name of a file or folder, found "a\x00b")");
}

CAF_TEST(of several unknown keys the one that stands first is refused) {
  const auto read = [](toml_section& s) {
    bool known = false;
    s.read("known", known);
    s.finish();
  };
  CAF_CHECK_EQUAL(refusal("zebra = 1\nknown = true\nant = 1\n", read),
                  R"(t.toml:1: unknown key "zebra"; known are known)");
  CAF_CHECK_EQUAL(refusal("\nknwon = true\n", read),
                  R"(t.toml:2: unknown key "knwon"; did you mean "known"?)");
}

CAF_TEST(tables of a list come in the order of the file and know their lines) {
  std::vector<std::string> seen;
  const auto read = [&](toml_section& root) {
    for (auto& s : root.sections("s")) {
      s.read("k", seen.emplace_back("none"));
      s.finish();
      if (seen.size() == 3) s.fail("absent", "expected something");
    }
    root.finish();
  };
  CAF_CHECK_EQUAL(refusal("[[s]]\nk = \"b\"\n[[s]]\nk = \"a\"\n\n[[s]]\n", read),
                  "t.toml:6: absent: expected something");
  CAF_CHECK((seen == std::vector<std::string>{"b", "a", "none"}));
  seen.clear();
  CAF_CHECK_EQUAL(refusal("s = [{k = \"b\"}, {k = \"a\"}]\n", read), "accepted");
  CAF_CHECK((seen == std::vector<std::string>{"b", "a"}));
  CAF_CHECK_EQUAL(refusal("s = [{k = \"b\"}, 1]\n", read),
                  "t.toml:1: s: expected tables such as [[s]], found the number 1");
  CAF_CHECK_EQUAL(seen.size(), 2u);
}

CAF_TEST(a file is read whole as it is up to the bound) {
  const postern::test::temp_directory folder;
  const std::string odd{"a\0b\r\n\xff", 6};
  CAF_CHECK(read_file(folder.write("odd", odd)).value() == odd);
  CAF_CHECK(read_file(folder.write("empty", "")).value().empty());
  const std::string largest(16U << 20U, 'x');
  CAF_CHECK_EQUAL(read_file(folder.write("largest", largest)).value().size(), largest.size());
  const auto path = folder.write("larger", largest + "x");
  const auto refused = read_file(path);
  CAF_REQUIRE(refused.has_error());
  CAF_CHECK_EQUAL(to_string(refused.error()), path + ": expected a file of at most 16 MiB");
}

CAF_TEST(what cannot be read is not parsed) {
  const postern::test::temp_directory folder;
  const auto parse = [](std::string_view text, const std::string&) -> result<size_t> {
    return text.size();
  };
  CAF_CHECK(load_with(folder.write("f", "text"), parse).value() == 4);
  std::filesystem::create_symlink("nowhere", folder / "link");
  const auto refused = load_with(folder / "link", parse);
  CAF_REQUIRE(refused.has_error());
  CAF_CHECK_EQUAL(to_string(refused.error()),
                  folder / "link" + ": expected a file, found: No such file or directory");
}
