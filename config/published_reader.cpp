#include "config/published.hpp"
#include "config/published_checks.hpp"
#include "config/published_fields.hpp"
#include "config/toml_reader.hpp"
#include "config/wording.hpp"

#include <algorithm>

namespace postern::config {

namespace {

void read_field(toml_section& s, std::string_view name, preauthentication_kind& out) {
  static constexpr std::string_view choices[] = {"oidc", "passthrough"};
  std::string text{to_string(out)};
  s.read_choice(name, text, choices);
  out = parse_preauthentication(text).value_or(out);
}

void read_field(toml_section& s, std::string_view name, origin_protocol_kind& out) {
  static constexpr std::string_view choices[] = {"http1", "h2", "h2c"};
  std::string text{to_string(out)};
  s.read_choice(name, text, choices);
  out = parse_origin_protocol(text).value_or(out);
}

template <class T>
void read_field(toml_section& s, std::string_view name, T& out) {
  s.read(name, out);
}

void fail(const toml_section& s, const std::optional<field_problem>& wrong) {
  if (wrong) s.fail(wrong->field, wrong->message);
}

group read_group(toml_section& s, consistency_check& together) {
  group g;
  s.read("name", g.name);
  s.finish();
  if (s.failed()) return g;
  fail(s, check(g));
  if (!s.failed()) fail(s, together.add(g));
  return g;
}

/// Certificates travel as text: the machine that keeps the file is not the one that needs it.
void read_authorities(toml_section& s, const std::string& file, application& a) {
  if (!a.backend_authorities.empty())
    return s.fail("backend_ca_file",
                  "expected one of backend_ca_file and backend_authorities, found both");
  auto text = read_file(file);
  if (!text) return s.fail("backend_ca_file", text.error().message + ": " + quote(file));
  a.backend_authorities = std::move(*text);
  if (a.backend_authorities.empty())
    s.fail("backend_ca_file", expected("a file of certificates that can be read", file));
}

application read_application(toml_section& s, consistency_check& together) {
  application a;
  visit_fields(a, [&](std::string_view name, auto& member) { read_field(s, name, member); });
  std::string authorities_file;
  s.read_path("backend_ca_file", authorities_file);
  if (!authorities_file.empty()) read_authorities(s, authorities_file, a);
  s.finish();
  if (s.failed()) return a;
  normalize(a);
  auto wrong = check(a);
  // The line to point at is the one that somebody has written.
  if (wrong && wrong->field == "backend_authorities" && !authorities_file.empty())
    wrong->field = "backend_ca_file";
  fail(s, wrong);
  if (!s.failed()) fail(s, together.add(a));
  return a;
}

template <class T>
void sort_by_name(std::vector<T>& list) {
  std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return a.name < b.name; });
}

}  // namespace

result<published> load_published(const std::string& path) {
  return load_with(path, parse_published);
}

result<published> parse_published(std::string_view text, const std::string& file) {
  toml_document document{text, file};
  auto root = document.root();
  auto groups = root.sections("group");
  auto applications = root.sections("application");
  root.finish();
  published p;
  consistency_check together;
  for (auto& s : groups)
    p.groups.push_back(read_group(s, together));
  for (auto& s : applications)
    p.applications.push_back(read_application(s, together));
  if (document.failure()) return *document.failure();
  sort_by_name(p.groups);
  sort_by_name(p.applications);
  return p;
}

}  // namespace postern::config
