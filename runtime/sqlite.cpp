#include "runtime/sqlite.hpp"

#include <utility>

namespace postern::runtime::sqlite {

namespace {

// Long enough for another process (a key rotation, a backup) to finish its transaction.
constexpr int busy_timeout_ms = 5000;

const char* cause_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "store_busy";
    case SQLITE_FULL:
      return "store_full";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "store_corrupt";
    default:
      return "store_failed";
  }
}

error failure_of(const std::string& file, sqlite3* db, int code) {
  return {error_category::unavailable, cause_of(code), "store",
          file + ": " + (db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db))};
}

}  // namespace

error make_error(sqlite3* db, int code) {
  const char* file = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  return failure_of(file == nullptr ? "" : file, db, code);
}

statement::statement(sqlite3* db, const char* sql) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  if (code != SQLITE_OK) throw error_exception(make_error(db, code));
  statement_.reset(prepared);
}

statement& statement::bind(std::string_view text) {
  // An empty view may point nowhere, which SQLite would take for NULL.
  check_binding(sqlite3_bind_text64(statement_.get(), next_parameter_++,
                                    text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                                    SQLITE_UTF8));
  return *this;
}

statement& statement::bind(int64_t number) {
  check_binding(sqlite3_bind_int64(statement_.get(), next_parameter_++, number));
  return *this;
}

statement& statement::bind_blob(std::string_view bytes) {
  check_binding(sqlite3_bind_blob64(statement_.get(), next_parameter_++,
                                    bytes.empty() ? "" : bytes.data(), bytes.size(),
                                    SQLITE_STATIC));
  return *this;
}

bool statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  throw error_exception(make_error(sqlite3_db_handle(statement_.get()), code));
}

void statement::run() {
  const row_scope scope(*this);
  while (step()) {
  }
}

void statement::reset() noexcept {
  // Both repeat the error of the last step, which was already reported.
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  next_parameter_ = 1;
}

std::string statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string{}
                          : std::string(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

int64_t statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

void statement::check_binding(int code) {
  if (code == SQLITE_OK) return;
  auto reason = make_error(sqlite3_db_handle(statement_.get()), code);
  // Or the next use would begin in the middle of the parameters.
  reset();
  throw error_exception(std::move(reason));
}

connection::connection(const std::string& path) {
  sqlite3* db = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  db_.reset(db);
  // SQLite forgets the name of what it could not open.
  if (code != SQLITE_OK) throw error_exception(failure_of(path, db, code));
  sqlite3_busy_timeout(db, busy_timeout_ms);
}

void connection::execute(const char* sql) {
  const int code = sqlite3_exec(native(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw error_exception(make_error(native(), code));
}

int64_t connection::query_number(const char* sql) {
  statement query(native(), sql);
  return query.step() ? query.number(0) : 0;
}

transaction::transaction(connection& on) : on_(on) {
  on_.execute("BEGIN IMMEDIATE");
}

transaction::~transaction() {
  // Some failures (a full disk) have already ended the transaction.
  if (open_ && sqlite3_get_autocommit(on_.native()) == 0)
    sqlite3_exec(on_.native(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void transaction::commit() {
  on_.execute("COMMIT");
  open_ = false;
}

}  // namespace postern::runtime::sqlite
