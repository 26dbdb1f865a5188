#define CAF_SUITE node_store
// Which store a node's configuration names, and what keeps it from being opened. The PostgreSQL
// store itself is shown in runtime/postgres_store.cpp.
#include "edge/node_store.hpp"

#include "tests/unit/edge/samples.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;
using namespace postern::edge;
using edge::samples::contains;
using std::filesystem::perms;

namespace {

/// No server listens there: whoever connects is told so at once.
const std::string nowhere = "postgresql://node:pass-word@/postern?host=/nonexistent";

struct fixture {
  fixture() {
    options.data_directory = folder / "data";
    std::filesystem::create_directory(options.data_directory);
  }

  void use_connection_file(const std::string& content, perms mode) {
    options.store.kind = "postgres";
    options.store.connection_file = folder.write("connection", content);
    std::filesystem::permissions(options.store.connection_file, mode);
  }
  runtime::error refusal() {
    const auto opened = open_node_store(options);
    CAF_REQUIRE(opened.has_error());
    return opened.error();
  }

  test::temp_directory folder;
  config::node options;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(node_store_tests, fixture)

CAF_TEST(a node alone keeps its records in its data directory) {
  CAF_CHECK(!is_shared(options.store));
  {
    const auto first = open_node_store(options);
    CAF_REQUIRE(first.has_value());
    CAF_REQUIRE((*first)->commit({{.kind = "k", .key = "a", .value = "1"}}).has_value());
  }
  CAF_CHECK(std::filesystem::exists(folder / "data/postern.db"));
  const auto second = open_node_store(options);
  CAF_REQUIRE(second.has_value());
  const auto found = (*second)->find("k", "a").value();
  CAF_REQUIRE(found.has_value());
  CAF_CHECK_EQUAL(found->value, "1");
}

CAF_TEST(a data directory that is not there is named) {
  options.data_directory = folder / "none";
  const auto why = refusal();
  CAF_CHECK(contains(why.detail, options.data_directory));
  CAF_CHECK(!std::filesystem::exists(options.data_directory));
}

CAF_TEST(a connection file that everybody may read is not used) {
  use_connection_file(nowhere, perms::owner_read | perms::others_read);
  CAF_CHECK(is_shared(options.store));
  const auto why = refusal();
  CAF_CHECK(why.category == runtime::error_category::invalid_input);
  CAF_CHECK_EQUAL(why.cause, "store_connection_readable");
  CAF_CHECK_EQUAL(why.source, "store");
  CAF_CHECK(contains(why.detail, options.store.connection_file));
}

CAF_TEST(a connection file of owner and group is used and never quoted) {
  for (const auto mode : {perms::owner_read, perms::owner_read | perms::group_read}) {
    use_connection_file(nowhere, mode);
    const auto why = refusal();
    CAF_CHECK(why.category == runtime::error_category::unavailable);
    CAF_CHECK_EQUAL(why.cause, "store_unavailable");
    CAF_CHECK(!contains(runtime::to_string(why), "pass-word"));
    std::filesystem::remove(options.store.connection_file);
  }
}

CAF_TEST(a connection file that is missing is said) {
  options.store = {"postgres", folder / "none"};
  const auto why = refusal();
  CAF_CHECK_EQUAL(why.cause, "file_missing");
  CAF_CHECK(contains(why.detail, options.store.connection_file));
  CAF_CHECK(!std::filesystem::exists(folder / "data/postern.db"));
}

CAF_TEST_FIXTURE_SCOPE_END()
