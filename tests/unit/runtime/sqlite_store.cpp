#define CAF_SUITE sqlite_store
// What only a file can promise: it outlives the process, torn writes, a full disk and foreign
// hands.
#include "runtime/store.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/unit_test.hpp>
#include <sqlite3.h>

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rt = postern::runtime;
namespace fs = std::filesystem;

namespace {

constexpr int batch_size = 20;

std::vector<rt::store_change> batch(int number) {
  std::vector<rt::store_change> changes;
  for (int i = 0; i < batch_size; ++i)
    changes.push_back(
        {rt::store_change::action::put, "batch", std::to_string(i), std::to_string(number), {}});
  return changes;
}

/// The number that all records of the last batch carry; 0 if there are none, -1 if it was torn.
int last_whole_batch(rt::store& store) {
  const auto records = store.load("batch").value();
  if (records.empty()) return 0;
  if (records.size() != batch_size) return -1;
  for (const auto& r : records)
    if (r.value != records[0].value || r.revision != records[0].revision) return -1;
  return std::stoi(records[0].value);
}

struct fixture {
  postern::test::temp_directory directory;
  std::string path = directory / "store.db";

  std::unique_ptr<rt::store> open() {
    auto opened = rt::open_sqlite_store(path);
    if (!opened) CAF_FAIL(rt::to_string(opened.error()));
    return std::move(*opened);
  }

  /// The error of opening; empty if it worked.
  rt::error refusal() {
    const auto opened = rt::open_sqlite_store(path);
    return opened ? rt::error{} : opened.error();
  }

  /// Changes the file behind the store's back.
  void execute(const char* sql) {
    sqlite3* db = nullptr;
    CAF_REQUIRE_EQUAL(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    CAF_CHECK_EQUAL(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  }
};

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_store_tests, fixture)

CAF_TEST(what was committed is there after reopening) {
  {
    const auto store = open();
    CAF_REQUIRE(store->commit(batch(1)).has_value());
    CAF_REQUIRE(store->append({{0, "audit", rt::timestamp{}, "first"}}).has_value());
  }
  const auto store = open();
  CAF_CHECK_EQUAL(last_whole_batch(*store), 1);
  CAF_CHECK_EQUAL(store->commit(batch(2)).value(), 2u);
  CAF_REQUIRE(store->append({{0, "audit", rt::timestamp{}, "second"}}).has_value());
  const auto journal = store->read_journal("audit", 0, 10).value();
  CAF_REQUIRE_EQUAL(journal.size(), 2u);
  CAF_CHECK_EQUAL(journal[0].value, "second");
  CAF_CHECK(journal[0].sequence > journal[1].sequence);
}

CAF_TEST(a killed process loses nothing that was acknowledged and leaves no half batch) {
  int acknowledgements[2];
  CAF_REQUIRE_EQUAL(::pipe(acknowledgements), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = rt::open_sqlite_store(path);
    for (int number = 1; store; ++number) {
      if (!(*store)->commit(batch(number))) break;
      if (::write(acknowledgements[1], &number, sizeof(number)) != sizeof(number)) break;
    }
    ::_exit(1);
  }
  ::close(acknowledgements[1]);
  int acknowledged = 0;
  while (acknowledged < 5 && ::read(acknowledgements[0], &acknowledged, sizeof(acknowledged)) > 0) {
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  CAF_REQUIRE(WIFSIGNALED(status));
  while (::read(acknowledgements[0], &acknowledged, sizeof(acknowledged)) > 0) {
  }
  ::close(acknowledgements[0]);
  const auto found = last_whole_batch(*open());
  // One more may have become durable before the process could say so.
  CAF_CHECK(found == acknowledged || found == acknowledged + 1);
}

CAF_TEST(a log that was cut anywhere opens with whole batches only) {
  const auto store = open();
  for (int number = 1; number <= 3; ++number)
    CAF_REQUIRE(store->commit(batch(number)).has_value());
  const auto log_size = fs::file_size(path + "-wal");
  CAF_REQUIRE(log_size > 3000);
  const std::string copy = directory / "copy.db";
  int before = 0;
  for (uintmax_t size = 0; size <= log_size; size += 509) {
    for (const char* suffix : {"", "-wal", "-shm"})
      fs::remove(copy + suffix);
    fs::copy_file(path, copy);
    fs::copy_file(path + "-wal", copy + "-wal");
    fs::resize_file(copy + "-wal", size);
    auto opened = rt::open_sqlite_store(copy);
    CAF_REQUIRE(opened.has_value());
    const int found = last_whole_batch(**opened);
    CAF_CHECK(found >= before);
    before = found;
  }
  CAF_CHECK(before >= 2);
}

CAF_TEST(a full disk refuses the batch and keeps what was there) {
  const auto store = open();
  CAF_REQUIRE(store->commit(batch(1)).has_value());
  rlimit old_limit{};
  CAF_REQUIRE_EQUAL(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{fs::file_size(path + "-wal"), old_limit.rlim_max};
  CAF_REQUIRE_EQUAL(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto refused = store->commit(batch(2));
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().category == rt::error_category::unavailable);
  CAF_CHECK_EQUAL(last_whole_batch(*store), 1);
  CAF_CHECK_EQUAL(store->commit(batch(3)).value(), 2u);
  CAF_CHECK_EQUAL(last_whole_batch(*store), 3);
}

CAF_TEST(nobody but the owner can read the files) {
  const auto old_mask = ::umask(0);
  auto store = open();
  CAF_REQUIRE(store->commit(batch(1)).has_value());
  for (const char* suffix : {"", "-wal", "-shm"})
    CAF_CHECK_EQUAL(mode_of(path + suffix), 0600u);
  store.reset();
  CAF_REQUIRE_EQUAL(::chmod(path.c_str(), 0644), 0);
  store = open();
  CAF_CHECK_EQUAL(mode_of(path), 0600u);
  ::umask(old_mask);
}

CAF_TEST(two stores on one file see each other) {
  const auto a = open();
  const auto b = open();
  CAF_CHECK_EQUAL(a->commit(batch(1)).value(), 1u);
  CAF_CHECK_EQUAL(b->commit(batch(2)).value(), 2u);
  CAF_CHECK_EQUAL(last_whole_batch(*a), 2);
}

CAF_TEST(a file by a newer version is left alone) {
  open();
  execute("INSERT INTO migrations VALUES (999)");
  CAF_CHECK_EQUAL(refusal().cause, "store_too_new");
  execute("DELETE FROM migrations WHERE number = 999");
  CAF_CHECK_EQUAL(refusal().cause, "");
}

CAF_TEST(the database of another program is left alone) {
  execute("CREATE TABLE theirs (x)");
  CAF_CHECK_EQUAL(refusal().cause, "store_foreign");
}

CAF_TEST(a file that is no database is refused) {
  directory.write("store.db", std::string(4096, 'x'));
  CAF_CHECK_EQUAL(refusal().cause, "store_corrupt");
}

CAF_TEST(an impossible path is named with the reason) {
  path = directory / "missing/store.db";
  const auto missing = refusal();
  CAF_CHECK(missing.category == rt::error_category::unavailable);
  CAF_CHECK_EQUAL(missing.detail, path + ": No such file or directory");
  path = directory / ".";
  CAF_CHECK_EQUAL(refusal().cause, "store_failed");
}

CAF_TEST_FIXTURE_SCOPE_END()
