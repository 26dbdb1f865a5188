#include "actors/actor_support.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <string>

namespace postern::actors {

namespace {

std::string describe(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace

void report_crashes(caf::scheduled_actor* self) {
  self->set_exception_handler([](caf::scheduled_actor* crashed, std::exception_ptr& thrown) {
    const auto what = describe(thrown);
    spdlog::error("actor {} crashed: {}", crashed->name(), what);
    return runtime::to_caf({runtime::error_category::internal, "actor_crashed", "service",
                            std::string{crashed->name()} + ": " + what});
  });
}

}  // namespace postern::actors
