#pragma once
// A thin owner of one SQLite connection and its statements. Internal to sqlite_store.cpp: throws,
// and lets no other thread in; the store locks around it and turns exceptions into errors.

#include "runtime/error.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace postern::runtime::sqlite {

/// The error to return when SQLite answered `code`, always of the category `unavailable`. Causes:
/// "store_busy", "store_full", "store_corrupt", else "store_failed". The detail names the file and
/// SQLite's reason.
error make_error(sqlite3* db, int code);

/// A prepared statement. Parameters and columns count from 0; texts that were bound must live until
/// the next `reset`.
class statement {
 public:
  statement(sqlite3* db, const char* sql);

  /// Fills the next parameter. Text is stored as it is, zero bytes included.
  statement& bind(std::string_view text);
  /// Fills the next parameter with a number; numbers above 2^63-1 are stored as negative ones.
  statement& bind(int64_t number);
  /// Fills the next parameter with a BLOB.
  statement& bind_blob(std::string_view bytes);

  /// Goes to the next row; false after the last. Throws error_exception.
  bool step();
  /// Steps through to the end and resets.
  void run();
  /// Forgets the parameters and gives up the rows (and with them the read lock). Also done by
  /// `row_scope`.
  void reset() noexcept;

  std::string text(int column) const;
  int64_t number(int column) const;

 private:
  struct finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  void check_binding(int code);

  std::unique_ptr<sqlite3_stmt, finalize> statement_;
  int next_parameter_ = 1;
};

/// Resets a statement at the end of a scope, whichever way that ends.
class row_scope {
 public:
  explicit row_scope(statement& s) : statement_(s) {}
  ~row_scope() { statement_.reset(); }
  row_scope(const row_scope&) = delete;
  row_scope& operator=(const row_scope&) = delete;

 private:
  statement& statement_;
};

/// One open file.
class connection {
 public:
  /// Opens a file that exists. Throws error_exception.
  explicit connection(const std::string& path);

  void execute(const char* sql);
  /// The first column of the first row of a query.
  int64_t query_number(const char* sql);
  sqlite3* native() const noexcept { return db_.get(); }

 private:
  struct close {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
  };

  std::unique_ptr<sqlite3, close> db_;
};

/// A write transaction; undone unless committed.
class transaction {
 public:
  /// Takes the write lock, waiting for other processes up to the busy timeout.
  explicit transaction(connection& on);
  ~transaction();
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  /// Durable when it returns.
  void commit();

 private:
  connection& on_;
  bool open_ = true;
};

}  // namespace postern::runtime::sqlite
