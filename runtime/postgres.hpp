#pragma once
// A thin owner of one connection to a PostgreSQL server, every wait of which has a deadline.
// Internal to the PostgreSQL store: throws error_exception, and lets no other thread in.

#include "runtime/error.hpp"

#include <chrono>
#include <cstdint>
#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::runtime::postgres {

/// From the first packet to the end of the log-in, for each address of the server.
inline constexpr auto connect_timeout = std::chrono::seconds{3};
/// One answer of the server. Shorter than callers wait for a whole operation; longer than a server
/// takes whose disk is busy.
inline constexpr auto answer_timeout = std::chrono::seconds{5};
/// Kept by the server itself, for it cannot know that one of us has died or stands still. A wait
/// for what another has locked: shorter than answer_timeout, so that nobody is given a lock who has
/// gone.
inline constexpr auto lock_timeout = std::chrono::seconds{4};
/// Between two statements of a transaction; then it is rolled back and its connection cut. Shorter
/// than lock_timeout, so that whoever waits for its locks gets them.
inline constexpr auto idle_timeout = std::chrono::seconds{3};

/// The answer to one statement. Rows and columns count from 0.
class rows {
 public:
  explicit rows(PGresult* answer) : answer_(answer) {}
  int size() const noexcept { return PQntuples(answer_.get()); }
  const PGresult* raw() const noexcept { return answer_.get(); }
  /// A `bytea` or text column, received in binary form.
  std::string bytes(int row, int column) const;
  /// A `bigint` column.
  int64_t number(int row, int column) const;

 private:
  struct clear {
    void operator()(PGresult* r) const noexcept { PQclear(r); }
  };
  std::unique_ptr<PGresult, clear> answer_;
};

/// Parameters of a statement, in order; sent in binary form, so that any byte is allowed.
class parameters {
 public:
  parameters& bytes(std::string_view value);  ///< for `bytea` and text
  parameters& number(int64_t value);          ///< for `bigint`

 private:
  friend class connection;
  std::vector<std::string> values_;
};

/// One open connection.
class connection {
 public:
  /// Connects, with the server's time-outs above. Throws "store_unavailable" if no server answers,
  /// "store_refused" if it refuses the log-in; a detail never holds the connection string.
  explicit connection(const std::string& text);

  /// Runs one statement and returns its rows. Throws "store_unavailable" if the connection was lost
  /// or the answer took too long, then the connection is of no use any more, see lost(); else what
  /// the server says: "store_full", "store_failed".
  rows run(const char* sql, const parameters& values = {});

  /// The connection broke: only its destructor may be called.
  bool lost() const noexcept { return lost_; }

  /// Waits until something arrives or `wake` (a file descriptor) becomes readable; true for `wake`.
  bool wait(std::chrono::milliseconds timeout, int wake);
  /// The next notification that has arrived, or none.
  std::optional<std::string> notification();

 private:
  struct finish {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
  };
  [[noreturn]] void lose(const std::string& why);
  void await_socket(short events, std::chrono::steady_clock::time_point deadline);
  PGresult* receive(std::chrono::steady_clock::time_point deadline);

  std::unique_ptr<PGconn, finish> connection_;
  bool lost_ = false;
};

/// A connection string with what we want by default filled in (see open_postgres_store). Throws
/// `invalid_input` "store_connection_malformed".
std::string with_defaults(const std::string& text);

}  // namespace postern::runtime::postgres
