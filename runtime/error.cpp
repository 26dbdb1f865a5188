#include "runtime/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace postern::runtime {

namespace {

struct category_row {
  const char* name;
  unsigned status;
};

constexpr category_row categories[] = {
    {"none", 200},        {"invalid_input", 400}, {"unauthenticated", 401}, {"forbidden", 403},
    {"not_found", 404},   {"conflict", 409},      {"too_large", 413},       {"overloaded", 503},
    {"unavailable", 503}, {"bad_gateway", 502},   {"timeout", 504},         {"internal", 500},
};

}  // namespace

const char* to_string(error_category c) noexcept {
  return categories[static_cast<size_t>(c)].name;
}

unsigned http_status_code(error_category c) noexcept {
  return categories[static_cast<size_t>(c)].status;
}

std::string to_string(const error& e) {
  std::string text = to_string(e.category);
  text += ' ';
  text += e.cause;
  if (!e.source.empty()) text += " from " + e.source;
  if (!e.detail.empty()) text += ": " + e.detail;
  return text;
}

error_exception::error_exception(error e) : error_(std::move(e)), text_(to_string(error_)) {}

const char* error_exception::what() const noexcept {
  return text_.c_str();
}

void throw_exception_from_error(const error& e, const boost::source_location&) {
  throw error_exception(e);
}

void ensure(bool condition, const char* what) noexcept {
  if (condition) return;
  std::fprintf(stderr, "postern: broken invariant: %s\n", what);
  std::abort();
}

}  // namespace postern::runtime
