#define CAF_SUITE durable_store
#include "actors/durable_store.hpp"

#include "tests/unit/actors/store_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::journal_entry;
using postern::runtime::store_change;
using postern::runtime::stored_record;

namespace {

using records = std::vector<stored_record>;
using changes = std::vector<store_change>;
using entries = std::vector<journal_entry>;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(durable_store_tests, store_fixture)

CAF_TEST(what was committed is loaded in the order of its keys) {
  const auto committed = ask<uint64_t>(store, commit_atom_v,
                                       changes{{.kind = "k", .key = "b", .value = "2"},
                                               {.kind = "k", .key = "a", .value = "1"},
                                               {.kind = "other", .key = "c", .value = "3"}});
  CAF_REQUIRE(committed->value.has_value());
  const auto loaded = ask<records>(store, load_atom_v, std::string{"k"});
  CAF_REQUIRE(loaded->value.has_value());
  CAF_REQUIRE_EQUAL(loaded->value->size(), 2u);
  CAF_CHECK_EQUAL(loaded->value->at(0).key, "a");
  CAF_CHECK_EQUAL(loaded->value->at(1).value, "2");
  CAF_CHECK_EQUAL(loaded->value->at(0).revision, *committed->value);
}

CAF_TEST(a conflict refuses the whole batch) {
  const auto refused =
      ask<uint64_t>(store, commit_atom_v,
                    changes{{.kind = "k", .key = "a", .value = "1"},
                            {.kind = "k", .key = "b", .value = "2", .expected_revision = 7}});
  CAF_REQUIRE(refused->failure.has_value());
  CAF_CHECK(refused->failure->category == postern::runtime::error_category::conflict);
  CAF_CHECK(stored("k").empty());
}

CAF_TEST(a failing medium is an error and not the end) {
  medium->down = true;
  CAF_CHECK_EQUAL(ask<records>(store, load_atom_v, std::string{"k"})->cause(), "store_failed");
  CAF_CHECK_EQUAL(ask_void(store, append_atom_v, entries{{.journal = "j"}})->cause(),
                  "store_failed");
  medium->down = false;
  CAF_CHECK_EQUAL(ask<records>(store, load_atom_v, std::string{"k"})->cause(), "answered");
}

CAF_TEST(a journal is listed from its end and page by page) {
  entries added;
  for (const auto* value : {"1", "2", "3"})
    added.push_back({.journal = "j", .value = value});
  CAF_REQUIRE(ask_void(store, append_atom_v, added)->value);
  const auto newest = ask<entries>(store, list_atom_v, std::string{"j"}, uint64_t{0}, uint32_t{2});
  CAF_REQUIRE(newest->value.has_value());
  CAF_REQUIRE_EQUAL(newest->value->size(), 2u);
  CAF_CHECK_EQUAL(newest->value->front().value, "3");
  const auto rest = ask<entries>(store, list_atom_v, std::string{"j"},
                                 newest->value->back().sequence, uint32_t{2});
  CAF_REQUIRE_EQUAL(rest->value->size(), 1u);
  CAF_CHECK_EQUAL(rest->value->front().value, "1");
}

CAF_TEST(a page has an upper bound) {
  CAF_REQUIRE(
      ask_void(store, append_atom_v, entries(largest_journal_page + 5, {.journal = "j"}))->value);
  const auto page =
      ask<entries>(store, list_atom_v, std::string{"j"}, uint64_t{0}, uint32_t{1'000'000});
  CAF_REQUIRE(page->value.has_value());
  CAF_CHECK_EQUAL(page->value->size(), size_t{largest_journal_page});
}

CAF_TEST_FIXTURE_SCOPE_END()
