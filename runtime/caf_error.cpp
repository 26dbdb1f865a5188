#include "runtime/caf_error.hpp"

#include <caf/atom.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace postern::runtime {

namespace {

constexpr auto postern_category = caf::atom("postern");

}  // namespace

caf::error to_caf(const error& e) {
  return caf::error{static_cast<uint8_t>(e.category), postern_category,
                    caf::make_message(e.cause, e.source, e.detail)};
}

error from_caf(const caf::error& e) {
  if (e.category() == postern_category) {
    const auto& context = e.context();
    if (context.match_elements<std::string, std::string, std::string>())
      return {static_cast<error_category>(e.code()), context.get_as<std::string>(0),
              context.get_as<std::string>(1), context.get_as<std::string>(2)};
    return {static_cast<error_category>(e.code()), "unknown", "service", {}};
  }
  if (e == caf::sec::request_timeout)
    return {error_category::timeout, "actor_timeout", "service", "a part did not answer"};
  if (e == caf::sec::request_receiver_down || e.category() == caf::atom("exit"))
    return {error_category::unavailable, "actor_down", "service", "a part has gone"};
  return {error_category::internal, "actor_error", "service", caf::to_string(e)};
}

}  // namespace postern::runtime
