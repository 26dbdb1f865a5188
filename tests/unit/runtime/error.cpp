#define CAF_SUITE error
#include "runtime/error.hpp"

#include <caf/test/unit_test.hpp>

#include <set>

using namespace postern::runtime;

CAF_TEST(every category has a name of its own and the status that users get) {
  const std::pair<error_category, unsigned> table[] = {{error_category::none, 200},
                                                       {error_category::invalid_input, 400},
                                                       {error_category::unauthenticated, 401},
                                                       {error_category::forbidden, 403},
                                                       {error_category::not_found, 404},
                                                       {error_category::conflict, 409},
                                                       {error_category::too_large, 413},
                                                       {error_category::overloaded, 503},
                                                       {error_category::unavailable, 503},
                                                       {error_category::bad_gateway, 502},
                                                       {error_category::timeout, 504},
                                                       {error_category::internal, 500}};
  std::set<std::string> names;
  for (const auto& [category, status] : table) {
    CAF_CHECK_EQUAL(http_status_code(category), status);
    names.insert(to_string(category));
  }
  CAF_CHECK_EQUAL(names.size(), std::size(table));
  CAF_CHECK_EQUAL(std::string{to_string(error_category::bad_gateway)}, "bad_gateway");
}

CAF_TEST(the log line names category and cause and what else is known) {
  CAF_CHECK_EQUAL(to_string(error{error_category::timeout, "late", "origin", "10.0.0.5"}),
                  "timeout late from origin: 10.0.0.5");
  CAF_CHECK_EQUAL(to_string(error{error_category::internal, "odd", {}, {}}), "internal odd");
}

CAF_TEST(the value of an error is an exception that carries it) {
  const result<int> failed = error{error_category::conflict, "changed", "store", "x"};
  CAF_REQUIRE(failed.has_error());
  try {
    static_cast<void>(failed.value());
    CAF_FAIL("a value came out of an error");
  } catch (const error_exception& e) {
    CAF_CHECK(e.value() == failed.error());
    CAF_CHECK_EQUAL(std::string{e.what()}, "conflict changed from store: x");
  }
}
