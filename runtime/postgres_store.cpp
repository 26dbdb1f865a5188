#include "runtime/postgres_listener.hpp"
#include "runtime/store.hpp"
#include "runtime/store_watchers.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <mutex>
#include <random>
#include <utility>

namespace postern::runtime {

namespace {

using postgres::connection;
using postgres::parameters;

struct migration {
  int64_t number;
  std::vector<const char*> statements;
};

// Never change one that was released: add the next number. Keys and values are bytes, kinds are
// ordered as bytes: what the database's language thinks of them must not matter.
const migration migrations[] = {
    {1,
     {"CREATE TABLE postern.records (kind text COLLATE \"C\" NOT NULL, key bytea NOT NULL,"
      "  value bytea NOT NULL, revision bigint NOT NULL, PRIMARY KEY (kind, key))",
      "CREATE TABLE postern.revisions (only_row integer PRIMARY KEY CHECK (only_row = 1),"
      "  last bigint NOT NULL)",
      "INSERT INTO postern.revisions VALUES (1, 0)",
      "CREATE TABLE postern.journal (sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
      "  journal text COLLATE \"C\" NOT NULL, at bigint NOT NULL, value bytea NOT NULL)",
      "CREATE INDEX journal_by_name ON postern.journal (journal, sequence)"}},
};

// "post": of all who lock in this database, only nodes take this one.
constexpr const char* take_migration_lock = "SELECT pg_advisory_xact_lock(1886352244)";

constexpr std::chrono::milliseconds first_pause{250};
constexpr std::chrono::milliseconds longest_pause{2'000};

/// Rolls back unless it was committed; a lost connection has rolled back by itself.
class transaction {
 public:
  explicit transaction(connection& server) : server_(server) { server_.run("BEGIN"); }
  ~transaction() {
    if (done_ || server_.lost()) return;
    try {
      server_.run("ROLLBACK");
      // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const std::exception&) {  // the connection is lost now, and with it the transaction
    }
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  void commit() {
    done_ = true;
    server_.run("COMMIT");
  }

 private:
  connection& server_;
  bool done_ = false;
};

int64_t first_number(connection& server, const char* sql, const parameters& values = {}) {
  const auto answer = server.run(sql, values);
  return answer.size() == 0 ? 0 : answer.number(0, 0);
}

void refuse_foreign(connection& server) {
  if (first_number(server, "SELECT count(*) FROM pg_tables WHERE schemaname = 'postern'") != 0)
    throw error_exception({error_category::unavailable, "store_foreign", "store",
                           "the schema \"postern\" holds tables of another program"});
}

void migrate(connection& server) {
  transaction change(server);
  server.run(take_migration_lock);
  const auto known = first_number(
      server,
      "SELECT count(*) FROM pg_tables WHERE schemaname = 'postern' AND tablename = 'migrations'");
  if (known == 0) {
    refuse_foreign(server);
    // Asked first: whoever may only use a schema that was made for him must not need more rights.
    if (first_number(server, "SELECT count(*) FROM pg_namespace WHERE nspname = 'postern'") == 0)
      server.run("CREATE SCHEMA postern");
    server.run("CREATE TABLE postern.migrations (number bigint PRIMARY KEY)");
  }
  const auto done = first_number(server, "SELECT coalesce(max(number), 0) FROM postern.migrations");
  if (done > std::prev(std::end(migrations))->number)
    throw error_exception({error_category::unavailable, "store_too_new", "store",
                           "written by a newer version, at migration " + std::to_string(done)});
  for (const auto& [number, statements] : migrations) {
    if (number <= done) continue;
    for (const auto* sql : statements)
      server.run(sql);
    server.run("INSERT INTO postern.migrations VALUES ($1)", parameters{}.number(number));
  }
  change.commit();
}

class postgres_store final : public store {
 public:
  explicit postgres_store(std::string text) : text_(std::move(text)) {
    connect();
    migrate(*server_);
  }

  result<std::vector<stored_record>> load(const std::string& kind) override {
    return guarded([&](connection& server) {
      const auto answer = server.run(
          "SELECT key, value, revision FROM postern.records WHERE kind = $1 ORDER BY key",
          parameters{}.bytes(kind));
      std::vector<stored_record> found;
      found.reserve(static_cast<size_t>(answer.size()));
      for (int row = 0; row < answer.size(); ++row)
        found.push_back({kind, answer.bytes(row, 0), answer.bytes(row, 1),
                         static_cast<uint64_t>(answer.number(row, 2))});
      return found;
    });
  }

  result<std::optional<stored_record>> find(const std::string& kind,
                                            const std::string& key) override {
    return guarded([&](connection& server) -> std::optional<stored_record> {
      const auto answer =
          server.run("SELECT value, revision FROM postern.records WHERE kind = $1 AND key = $2",
                     parameters{}.bytes(kind).bytes(key));
      if (answer.size() == 0) return std::nullopt;
      return stored_record{kind, key, answer.bytes(0, 0),
                           static_cast<uint64_t>(answer.number(0, 1))};
    });
  }

  result<uint64_t> commit(const std::vector<store_change>& changes) override {
    return guarded([&](connection& server) {
      if (changes.empty())
        return static_cast<uint64_t>(first_number(server, "SELECT last FROM postern.revisions"));
      transaction batch(server);
      // Locks the row until the end: commits come one after the other, in the order of revisions,
      // and expectations are held against what the one before has left.
      const auto revision = static_cast<uint64_t>(
          first_number(server, "UPDATE postern.revisions SET last = last + 1 RETURNING last"));
      for (const auto& change : changes)
        apply(server, change, revision);
      server.run("SELECT pg_notify($1, $2)", parameters{}
                                                 .bytes(postgres::news_channel)
                                                 .bytes(postgres::encode_news(changes, revision)));
      finish(batch);
      return revision;
    });
  }

  result<void> append(const std::vector<journal_entry>& entries) override {
    const auto done = guarded([&](connection& server) {
      if (entries.empty()) return true;
      transaction batch(server);
      for (const auto& entry : entries)
        server.run("INSERT INTO postern.journal (journal, at, value) VALUES ($1, $2, $3)",
                   parameters{}
                       .bytes(entry.journal)
                       .number(entry.at.time_since_epoch().count())
                       .bytes(entry.value));
      finish(batch);
      return true;
    });
    if (!done) return done.error();
    return {};
  }

  result<std::vector<journal_entry>> read_journal(const std::string& journal, uint64_t before,
                                                  size_t limit) override {
    return guarded([&](connection& server) {
      constexpr uint64_t most = std::numeric_limits<int64_t>::max();
      const auto answer = server.run(
          "SELECT sequence, at, value FROM postern.journal WHERE journal = $1 AND sequence < $2"
          " ORDER BY sequence DESC LIMIT $3",
          parameters{}
              .bytes(journal)
              .number(static_cast<int64_t>(before == 0 ? most : std::min(before, most)))
              .number(static_cast<int64_t>(std::min<uint64_t>(limit, most))));
      std::vector<journal_entry> newest;
      newest.reserve(static_cast<size_t>(answer.size()));
      for (int row = 0; row < answer.size(); ++row)
        newest.push_back({static_cast<uint64_t>(answer.number(row, 0)), journal,
                          timestamp{std::chrono::nanoseconds{answer.number(row, 1)}},
                          answer.bytes(row, 2)});
      return newest;
    });
  }

  std::shared_ptr<void> watch(store_watcher watcher) override {
    auto handle = watchers_->add(std::move(watcher));
    const std::lock_guard lock(mutex_);
    if (!listener_) listener_ = std::make_unique<postgres::listener>(text_, watchers_);
    return handle;
  }

 private:
  using clock = std::chrono::steady_clock;

  /// One caller at a time, on a connection that works; what fails becomes an error. An operation
  /// that finds its connection broken is done again on a fresh one, unless it may have been
  /// committed.
  template <class Work>
  auto guarded(Work work) -> result<decltype(work(std::declval<connection&>()))> {
    const std::lock_guard lock(mutex_);
    for (bool first = true;; first = false) {
      const bool fresh = server_ == nullptr;
      try {
        if (fresh) connect();
        committing_ = false;
        return work(*server_);
      } catch (const error_exception& e) {
        const bool lost = server_ && server_->lost();
        if (lost) server_.reset();
        if (!lost || fresh || !first || committing_) return e.value();
      } catch (const std::exception& e) {
        server_.reset();
        return error{error_category::unavailable, "store_failed", "store", e.what()};
      }
    }
  }

  void finish(transaction& batch) {
    committing_ = true;
    batch.commit();
  }

  /// Connects, or fails at once while the pause after a failure lasts: callers must not queue up in
  /// front of a server that is not there.
  void connect() {
    if (clock::now() < not_before_)
      throw error_exception(
          {error_category::unavailable, "store_unavailable", "store", "not there a moment ago"});
    try {
      server_ = std::make_unique<connection>(text_);
      // A commit is on the disk when it returns, whatever the database's default.
      server_->run("SET synchronous_commit = on");
      failures_ = 0;
    } catch (...) {
      server_.reset();
      const auto bound = std::min(longest_pause, first_pause * (1U << std::min(failures_++, 5U)));
      not_before_ = clock::now() + std::chrono::milliseconds{std::uniform_int_distribution<int64_t>{
                                       bound.count() / 2, bound.count()}(chance_)};
      throw;
    }
  }

  void apply(connection& server, const store_change& change, uint64_t revision) {
    const auto name = parameters{}.bytes(change.kind).bytes(change.key);
    if (change.expected_revision) {
      const auto found = static_cast<uint64_t>(first_number(
          server, "SELECT revision FROM postern.records WHERE kind = $1 AND key = $2", name));
      if (found != *change.expected_revision)
        throw error_exception(
            {error_category::conflict, "store_conflict", "store",
             change.kind + " " + change.key + " is at revision " + std::to_string(found)});
    }
    if (change.what == store_change::action::erase)
      server.run("DELETE FROM postern.records WHERE kind = $1 AND key = $2", name);
    else
      server.run(
          "INSERT INTO postern.records (kind, key, value, revision) VALUES ($1, $2, $3, $4)"
          " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, revision = "
          "excluded.revision",
          parameters{name}.bytes(change.value).number(static_cast<int64_t>(revision)));
  }

  const std::string text_;
  const std::shared_ptr<store_watchers> watchers_ = std::make_shared<store_watchers>();
  std::mutex mutex_;
  std::unique_ptr<connection> server_;  // null: to be connected
  bool committing_ = false;             // the running operation may have been committed
  unsigned failures_ = 0;
  clock::time_point not_before_{};
  std::minstd_rand chance_{std::random_device{}()};
  std::unique_ptr<postgres::listener> listener_;
};

}  // namespace

result<std::unique_ptr<store>> open_postgres_store(const std::string& connection) {
  try {
    return std::unique_ptr<store>(std::make_unique<postgres_store>(connection));
  } catch (const error_exception& e) {
    return e.value();
  } catch (const std::exception& e) {
    return error{error_category::unavailable, "store_failed", "store", e.what()};
  }
}

}  // namespace postern::runtime
