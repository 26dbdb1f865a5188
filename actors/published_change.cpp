#include "actors/published_change.hpp"

#include "config/published_fields.hpp"
#include "config/published_json.hpp"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>

namespace postern::actors {

namespace {

using runtime::error;
using runtime::error_category;
using action = resource_change::action;
using field_changes = std::map<std::string, std::pair<std::string, std::string>>;

error refuse(error_category category, std::string cause, std::string detail) {
  return {category, std::move(cause), "configuration", std::move(detail)};
}

field_changes compare(const config::group*, const config::group&) {
  return {};  // a group is its name
}

field_changes compare(const config::application* before, const config::application& after) {
  auto fields = config::changed_fields(before ? *before : config::application{}, after);
  fields.erase("name");
  return fields;
}

config::group in_stored_form(config::group g) {
  return g;
}

config::application in_stored_form(config::application a) {
  config::normalize(a);
  return a;
}

/// One kind of resource on its way from `current` to what the request wants.
template <class Resource>
class resource_plan {
 public:
  resource_plan(std::string kind, const std::vector<Resource>& current) : kind_(std::move(kind)) {
    for (const auto& resource : current)
      next_.emplace(resource.name, resource);
  }

  /// `check` says what is wrong with a resource by itself.
  template <class Check>
  runtime::result<void> apply(const std::vector<Resource>& puts,
                              const std::vector<std::string>& erasures, bool prune,
                              const Check& check) {
    for (const auto& resource : puts)
      if (auto done = put(resource, check); !done) return done;
    for (const auto& name : erasures)
      if (auto done = erase(name); !done) return done;
    if (prune) erase_unnamed();
    return {};
  }

  void append_to(std::vector<resource_change>& changes, std::vector<runtime::store_change>& writes,
                 std::vector<Resource>& next) {
    changes.insert(changes.end(), changes_.begin(), changes_.end());
    writes.insert(writes.end(), writes_.begin(), writes_.end());
    for (auto& [name, resource] : next_)
      next.push_back(std::move(resource));
  }

 private:
  template <class Check>
  runtime::result<void> put(const Resource& wanted, const Check& check) {
    const auto resource = in_stored_form(wanted);
    if (!named_.insert(resource.name).second) return contradiction(resource.name);
    if (const auto valid = check(resource); !valid)
      return refuse(error_category::invalid_input, "published_invalid", valid.error().message);
    const auto known = next_.find(resource.name);
    const auto* before = known == next_.end() ? nullptr : &known->second;
    if (before != nullptr && *before == resource) return {};
    changes_.push_back({before ? action::update : action::create, kind_, resource.name,
                        compare(before, resource)});
    writes_.push_back({.kind = kind_,
                       .key = resource.name,
                       .value = boost::json::serialize(config::to_json(resource))});
    next_.insert_or_assign(resource.name, resource);
    return {};
  }

  runtime::result<void> erase(const std::string& name) {
    if (!named_.insert(name).second) return contradiction(name);
    if (next_.erase(name) == 0)
      return refuse(error_category::not_found, kind_ + "_unknown", kind_ + " \"" + name + "\"");
    note_erased(name);
    return {};
  }

  void erase_unnamed() {
    for (auto it = next_.begin(); it != next_.end();) {
      if (named_.contains(it->first)) {
        ++it;
        continue;
      }
      note_erased(it->first);
      it = next_.erase(it);
    }
  }

  void note_erased(const std::string& name) {
    changes_.push_back({action::erase, kind_, name, {}});
    writes_.push_back({.what = runtime::store_change::action::erase, .kind = kind_, .key = name});
  }

  error contradiction(const std::string& name) const {
    return refuse(error_category::invalid_input, "change_contradictory",
                  kind_ + " \"" + name + "\" is named twice");
  }

  std::string kind_;
  std::map<std::string, Resource> next_;
  std::set<std::string> named_;
  std::vector<resource_change> changes_;
  std::vector<runtime::store_change> writes_;
};

template <class Resource>
void read_records(const std::vector<runtime::stored_record>& records, std::vector<Resource>& out,
                  config::result<Resource> (*read)(const boost::json::value&)) {
  for (const auto& record : records) {
    boost::system::error_code failed;
    const auto value = boost::json::parse(record.value, failed);
    if (failed) {
      spdlog::error("stored {} {} is left out: {}", record.kind, record.key, failed.message());
      continue;
    }
    auto resource = read(value);
    if (resource)
      out.push_back(std::move(*resource));
    else
      spdlog::error("stored {} {} is left out: {}", record.kind, record.key,
                    resource.error().message);
  }
  std::ranges::sort(out, {}, &Resource::name);
}

}  // namespace

runtime::result<planned_change> plan_change(const config::published& current,
                                            const change_request& request,
                                            const std::vector<std::string>& service_hosts) {
  const auto check_group = [](const config::group& g) { return config::validate(g); };
  const auto check_application = [&](const config::application& a) {
    const auto valid = config::validate(a);
    return valid ? config::validate_host(a, service_hosts) : valid;
  };
  resource_plan<config::group> groups{"group", current.groups};
  resource_plan<config::application> applications{"application", current.applications};
  if (auto done = groups.apply(request.groups, request.erase_groups, request.prune, check_group);
      !done)
    return done.error();
  if (auto done = applications.apply(request.applications, request.erase_applications,
                                     request.prune, check_application);
      !done)
    return done.error();
  planned_change plan;
  plan.next.version = current.version + 1;
  groups.append_to(plan.changes, plan.writes, plan.next.groups);
  applications.append_to(plan.changes, plan.writes, plan.next.applications);
  if (const auto valid = config::validate(plan.next); !valid)
    return refuse(error_category::invalid_input, "published_invalid", valid.error().message);
  return plan;
}

config::published read_published(const std::vector<runtime::stored_record>& groups,
                                 const std::vector<runtime::stored_record>& applications,
                                 uint64_t version) {
  config::published out{.version = version};
  read_records(groups, out.groups, config::group_from_json);
  read_records(applications, out.applications, config::application_from_json);
  return out;
}

}  // namespace postern::actors
