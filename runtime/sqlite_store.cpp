#include "runtime/sqlite.hpp"
#include "runtime/store.hpp"
#include "runtime/store_watchers.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace postern::runtime {

namespace {

using sqlite::row_scope;
using sqlite::statement;
using sqlite::transaction;

// Marks our files ("post"), so that a mistyped path does not add tables to another program's data.
constexpr int64_t application_id = 0x706f7374;

struct migration {
  int64_t number;
  const char* sql;
};

// Never change one that was released: add the next number.
constexpr migration migrations[] = {
    {1,
     "CREATE TABLE records ("
     "  kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, revision INTEGER NOT NULL,"
     "  PRIMARY KEY (kind, key)) WITHOUT ROWID;"
     "CREATE TABLE revisions (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), last INTEGER NOT "
     "NULL);"
     "INSERT INTO revisions VALUES (1, 0);"
     // AUTOINCREMENT: a sequence is never given twice, even after old entries were removed.
     "CREATE TABLE journal (sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
     "  journal TEXT NOT NULL, at INTEGER NOT NULL, value BLOB NOT NULL);"
     "CREATE INDEX journal_by_name ON journal (journal, sequence);"
     "PRAGMA application_id = 0x706f7374;"},
};

[[noreturn]] void fail(const char* cause, const std::string& detail) {
  throw error_exception({error_category::unavailable, cause, "store", detail});
}

[[noreturn]] void fail_with_errno(const std::string& path) {
  fail("store_failed", path + ": " + std::strerror(errno));
}

/// Makes the name of a new file survive a loss of power.
void sync_directory_of(const std::string& path) {
  auto directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) directory = ".";
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail_with_errno(directory);
  ::fsync(fd);
  ::close(fd);
}

/// Makes sure that there is a file that only its owner can read. SQLite gives its side files the
/// same mode.
void prepare_file(const std::string& path) {
  // An existing file is never opened here: closing it would drop the locks that this process holds
  // on it.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    sync_directory_of(path);
    return;
  }
  if (errno != EEXIST) fail_with_errno(path);
  if (!std::filesystem::is_regular_file(path)) fail("store_failed", path + ": not a regular file");
  if (::chmod(path.c_str(), 0600) != 0) fail_with_errno(path);
  for (const char* side_file : {"-wal", "-shm"})
    ::chmod((path + side_file).c_str(), 0600);
}

void check_ownership(sqlite::connection& db, const std::string& path) {
  const auto id = db.query_number("PRAGMA application_id");
  if (id == application_id) return;
  if (id != 0 || db.query_number("SELECT count(*) FROM sqlite_schema") != 0)
    fail("store_foreign", path + ": a database of another program");
}

void migrate(sqlite::connection& db, const std::string& path) {
  transaction change(db);
  db.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY)");
  const auto done = db.query_number("SELECT coalesce(max(number), 0) FROM migrations");
  if (done > std::prev(std::end(migrations))->number)
    fail("store_too_new",
         path + ": written by a newer version, at migration " + std::to_string(done));
  for (const auto& [number, sql] : migrations) {
    if (number <= done) continue;
    db.execute(sql);
    statement(db.native(), "INSERT INTO migrations VALUES (?)").bind(number).run();
  }
  change.commit();
}

/// Opened, ours and up to date.
sqlite::connection open_connection(const std::string& path) {
  prepare_file(path);
  sqlite::connection db(path);
  check_ownership(db, path);
  statement mode(db.native(), "PRAGMA journal_mode = WAL");
  if (!mode.step() || mode.text(0) != "wal")
    fail("store_failed", path + ": no write-ahead log on this file system");
  mode.reset();
  // FULL: a commit is on the disk when it returns, not only the consistency of the file.
  db.execute("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
  migrate(db, path);
  return db;
}

class sqlite_store final : public store {
 public:
  explicit sqlite_store(const std::string& path)
      : db_(open_connection(path)),
        load_(db_.native(), "SELECT key, value, revision FROM records WHERE kind = ? ORDER BY key"),
        find_(db_.native(), "SELECT value, revision FROM records WHERE kind = ? AND key = ?"),
        put_(db_.native(),
             "INSERT OR REPLACE INTO records (kind, key, value, revision) VALUES (?, ?, ?, ?)"),
        erase_(db_.native(), "DELETE FROM records WHERE kind = ? AND key = ?"),
        last_revision_(db_.native(), "SELECT last FROM revisions"),
        next_revision_(db_.native(), "UPDATE revisions SET last = last + 1 RETURNING last"),
        append_(db_.native(), "INSERT INTO journal (journal, at, value) VALUES (?, ?, ?)"),
        read_(db_.native(),
              "SELECT sequence, at, value FROM journal WHERE journal = ? AND sequence < ?"
              " ORDER BY sequence DESC LIMIT ?") {}

  result<std::vector<stored_record>> load(const std::string& kind) override {
    return guarded([&] {
      const row_scope scope(load_);
      std::vector<stored_record> found;
      load_.bind(kind);
      while (load_.step())
        found.push_back(
            {kind, load_.text(0), load_.text(1), static_cast<uint64_t>(load_.number(2))});
      return found;
    });
  }

  result<std::optional<stored_record>> find(const std::string& kind,
                                            const std::string& key) override {
    return guarded([&]() -> std::optional<stored_record> {
      const row_scope scope(find_);
      if (!find_.bind(kind).bind(key).step()) return std::nullopt;
      return stored_record{kind, key, find_.text(0), static_cast<uint64_t>(find_.number(1))};
    });
  }

  result<uint64_t> commit(const std::vector<store_change>& changes) override {
    const auto done = guarded([&] {
      if (changes.empty()) return first_number(last_revision_);
      transaction batch(db_);
      const auto revision = first_number(next_revision_);
      for (const auto& change : changes)
        apply(change, revision);
      batch.commit();
      return revision;
    });
    if (done && !changes.empty()) watchers_->tell(changes, *done);
    return done;
  }

  result<void> append(const std::vector<journal_entry>& entries) override {
    const auto done = guarded([&] {
      if (entries.empty()) return true;
      transaction batch(db_);
      for (const auto& entry : entries)
        append_.bind(entry.journal)
            .bind(entry.at.time_since_epoch().count())
            .bind_blob(entry.value)
            .run();
      batch.commit();
      return true;
    });
    if (!done) return done.error();
    return {};
  }

  result<std::vector<journal_entry>> read_journal(const std::string& journal, uint64_t before,
                                                  size_t limit) override {
    return guarded([&] {
      constexpr uint64_t most = std::numeric_limits<int64_t>::max();
      const row_scope scope(read_);
      read_.bind(journal)
          .bind(static_cast<int64_t>(before == 0 ? most : std::min(before, most)))
          .bind(static_cast<int64_t>(std::min<uint64_t>(limit, most)));
      std::vector<journal_entry> newest;
      while (read_.step())
        newest.push_back({static_cast<uint64_t>(read_.number(0)), journal,
                          timestamp{std::chrono::nanoseconds{read_.number(1)}}, read_.text(2)});
      return newest;
    });
  }

  /// Knows of this process only: a file has one node.
  std::shared_ptr<void> watch(store_watcher watcher) override {
    return watchers_->add(std::move(watcher));
  }

 private:
  /// One caller at a time; what SQLite refuses becomes an error.
  template <class Work>
  auto guarded(Work work) -> result<decltype(work())> {
    const std::lock_guard lock(mutex_);
    try {
      return work();
    } catch (const error_exception& e) {
      return e.value();
    } catch (const std::exception& e) {
      return error{error_category::unavailable, "store_failed", "store", e.what()};
    }
  }

  static uint64_t first_number(statement& query) {
    const row_scope scope(query);
    const bool found = query.step();
    const auto number = found ? static_cast<uint64_t>(query.number(0)) : 0;
    // RETURNING: the change is only made once all of the statement was stepped through.
    while (query.step()) {
    }
    return number;
  }

  uint64_t revision_of(const store_change& change) {
    const row_scope scope(find_);
    return find_.bind(change.kind).bind(change.key).step() ? static_cast<uint64_t>(find_.number(1))
                                                           : 0;
  }

  void apply(const store_change& change, uint64_t revision) {
    if (change.expected_revision) {
      const auto found = revision_of(change);
      if (found != *change.expected_revision)
        throw error_exception(
            {error_category::conflict, "store_conflict", "store",
             change.kind + " " + change.key + " is at revision " + std::to_string(found)});
    }
    if (change.what == store_change::action::erase)
      erase_.bind(change.kind).bind(change.key).run();
    else
      put_.bind(change.kind)
          .bind(change.key)
          .bind_blob(change.value)
          .bind(static_cast<int64_t>(revision))
          .run();
  }

  const std::shared_ptr<store_watchers> watchers_ = std::make_shared<store_watchers>();
  std::mutex mutex_;
  sqlite::connection db_;
  statement load_;
  statement find_;
  statement put_;
  statement erase_;
  statement last_revision_;
  statement next_revision_;
  statement append_;
  statement read_;
};

}  // namespace

result<std::unique_ptr<store>> open_sqlite_store(const std::string& path) {
  try {
    return std::unique_ptr<store>(std::make_unique<sqlite_store>(path));
  } catch (const error_exception& e) {
    return e.value();
  } catch (const std::exception& e) {
    return error{error_category::unavailable, "store_failed", "store", path + ": " + e.what()};
  }
}

}  // namespace postern::runtime
