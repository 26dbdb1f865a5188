#include "config/published.hpp"
#include "config/published_json.hpp"
#include "control/change_list.hpp"
#include "control/commands.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace postern::control {

namespace {

template <class T>
boost::json::array encode(const std::vector<T>& resources) {
  boost::json::array out;
  for (const auto& r : resources)
    out.push_back(config::to_json(r));
  return out;
}

}  // namespace

outcome<report> apply(const apply_command& c, const admin_client& admin) {
  auto wanted = config::load_published(c.file == "-" ? "/dev/stdin" : c.file);
  if (!wanted) return bad_input(config::to_string(wanted.error()));
  boost::json::object content;
  content["groups"] = encode(wanted->groups);
  content["applications"] = encode(wanted->applications);
  content["prune"] = c.prune;
  content["dry_run"] = c.dry_run;
  auto response = admin.post("/apply", content);
  if (!response) return response.error();
  auto text = describe_changes(*response, c.dry_run);
  if (!text) return text.error();
  return report{std::move(*text), {}};
}

}  // namespace postern::control
