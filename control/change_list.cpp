#include "control/change_list.hpp"

#include "control/json_access.hpp"
#include "control/terminal.hpp"

#include <boost/json/array.hpp>

namespace postern::control {

namespace {

namespace json = boost::json;

struct counts {
  size_t created = 0;
  size_t changed = 0;
  size_t erased = 0;
};

char sign_of(std::string_view action, counts& seen) {
  if (action == "create") return ++seen.created, '+';
  if (action == "update") return ++seen.changed, '~';
  if (action == "erase") return ++seen.erased, '-';
  return '\0';
}

std::string shown(const json::value& text) {
  const auto* string = text.if_string();
  if (!string || string->empty()) return "(none)";
  return printable({string->data(), string->size()});
}

/// One indented line per field: the old and the new text, or the new one alone for what is created.
void append_fields(const json::object& fields, char sign, std::string& out) {
  for (const auto& [name, texts] : fields) {
    const auto* pair = texts.if_array();
    if (!pair || pair->size() != 2) continue;
    out.append("    ").append(printable({name.data(), name.size()})).append(": ");
    if (sign != '+') out.append(shown((*pair)[0])).append(" -> ");
    out.append(shown((*pair)[1])).append("\n");
  }
}

std::string summary(const counts& seen, const json::object& response, bool dry_run) {
  std::string out = std::to_string(seen.created) + " created, " + std::to_string(seen.changed) +
                    " changed, " + std::to_string(seen.erased) + " erased";
  if (dry_run) return out + "; dry run, the service was left as it is\n";
  return out + "; version " + printable(text_of(response, "version")) + "\n";
}

}  // namespace

outcome<std::string> describe_changes(const json::value& response, bool dry_run) {
  static constexpr auto unreadable = "the service answered something that is no list of changes";
  const auto* object = response.if_object();
  const auto* changes = object ? object->if_contains("changes") : nullptr;
  const auto* list = changes ? changes->if_array() : nullptr;
  if (!list) return refusal(unreadable);
  if (list->empty()) return {boost::system::in_place_value, "nothing to change\n"};
  counts seen;
  std::string out;
  for (const auto& entry : *list) {
    const auto* change = entry.if_object();
    char sign = change ? sign_of(text_of(*change, "action"), seen) : '\0';
    if (sign == '\0') return refusal(unreadable);
    out.append({sign, ' '}).append(printable(text_of(*change, "kind"))).append(" \"");
    out.append(printable(text_of(*change, "name"))).append("\"\n");
    if (sign != '-') append_fields(object_of(*change, "fields"), sign, out);
  }
  return out + summary(seen, *object, dry_run);
}

}  // namespace postern::control
