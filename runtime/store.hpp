#pragma once
// Durable records and journals behind one interface: SQLite for one node, PostgreSQL for a cluster,
// memory for simulation. Knows no product word: what a kind or a value means is the caller's
// business.

#include "runtime/error.hpp"
#include "runtime/wall_clock.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postern::runtime {

/// One durable record. (kind, key) is unique.
struct stored_record {
  std::string kind;
  std::string key;
  std::string value;      ///< an opaque blob
  uint64_t revision = 0;  ///< the store-wide revision of the commit that wrote it
};

/// One change within a batch.
struct store_change {
  enum class action : uint8_t { put, erase };
  action what = action::put;
  std::string kind;
  std::string key;
  std::string value;
  /// If set, the record must be at this revision (0: must not exist), else the whole batch is
  /// refused with `conflict`.
  std::optional<uint64_t> expected_revision;
};

/// One entry of an append-only journal.
struct journal_entry {
  uint64_t sequence = 0;  ///< given by the store, rising within a journal
  std::string journal;
  timestamp at;
  std::string value;
};

/// What a commit has touched.
struct store_news {
  std::string kind;       ///< empty: anything may have changed, because news may have been missed
  std::string key;        ///< empty: any record of the kind may have changed
  uint64_t revision = 0;  ///< of the commit; 0 if it is not known
};

/// Is told of commits. Called on a thread of the store or of whoever commits: pass it on and
/// return, and do not call the store.
using store_watcher = std::function<void(const std::vector<store_news>&)>;

/// Blocking interface; every member may be called from any thread (one writer at a time inside).
/// Errors: category `unavailable` when the medium fails, `conflict` for an expected_revision that
/// does not hold.
class store {
 public:
  virtual ~store() = default;

  /// All records of a kind, ordered by key.
  virtual result<std::vector<stored_record>> load(const std::string& kind) = 0;

  /// One record, or none.
  virtual result<std::optional<stored_record>> find(const std::string& kind,
                                                    const std::string& key) = 0;

  /// Applies all changes or none; durable when it returns (survives kill -9). Returns the new
  /// revision.
  virtual result<uint64_t> commit(const std::vector<store_change>& changes) = 0;

  /// Appends entries in order; durable when it returns. `sequence` of the arguments is ignored.
  virtual result<void> append(const std::vector<journal_entry>& entries) = 0;

  /// The newest `limit` entries of a journal with a sequence below `before` (0: from the end),
  /// newest first.
  virtual result<std::vector<journal_entry>> read_journal(const std::string& journal,
                                                          uint64_t before, size_t limit) = 0;

  /// Tells every later commit, this object's own and those of others on the same store, soon after
  /// it is durable. A watch that may have missed some is told so; it never misses one silently. The
  /// watch ends with the returned handle, which must not be dropped by the watcher itself; no call
  /// is under way any more then.
  [[nodiscard]] virtual std::shared_ptr<void> watch(store_watcher watcher) = 0;
};

/// Opens or creates a SQLite file (WAL, synchronous=FULL, migrations applied); mode 0600. Errors
/// say which file and why.
result<std::unique_ptr<store>> open_sqlite_store(const std::string& path);

/// Opens a PostgreSQL database: connects, makes or migrates the tables in its schema "postern",
/// under a lock that only one node at a time gets. `connection` is libpq's connection string or
/// URI; a host that is neither local nor given an `sslmode` is asked for a certificate
/// ("verify-full"). When the server goes away every call fails with "store_unavailable" within
/// seconds, and connects again, with back-off, once it is back. Errors never hold the connection
/// string.
result<std::unique_ptr<store>> open_postgres_store(const std::string& connection);

/// A store that forgets everything when destroyed: for tests and simulation.
std::unique_ptr<store> make_memory_store();

}  // namespace postern::runtime
