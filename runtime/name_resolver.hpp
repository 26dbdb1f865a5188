#pragma once
// Names to addresses, off the shard: getaddrinfo blocks for as long as it likes, so each look-up
// has a thread of its own, and a short memory spares most of them. Who uses it: dial().

#include "runtime/shard.hpp"
#include "runtime/wait_point.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace postern::runtime {

using address_list = std::vector<asio::ip::address>;

/// What a look-up brought.
struct name_answer {
  address_list addresses;
  std::string failure;     ///< why there are none
  bool temporary = false;  ///< nobody could be asked: what was true before may be still
};

/// A question that is under way or answered; belongs to its shard.
struct name_lookup {
  bool done = false;
  name_answer answer;                ///< valid once done
  std::vector<wait_point*> waiting;  ///< woken then; take yourself out if you leave earlier
};

/// Orders addresses for trying: `preferred` first if it is among them, then families in turn,
/// beginning with that of the first (RFC 8305, section 4).
address_list order_for_trying(address_list addresses, const asio::ip::address& preferred);

/// One per shard, made when first used; lives and ends with the shard. Own thread only.
///
/// An answer is used for limits::name_ttl, a failure for limits::name_failure_ttl. Where nobody can
/// be asked, the last answer goes on for limits::name_stale.
class name_resolver final : public asio::execution_context::service {
 public:
  static asio::execution_context::id id;

  explicit name_resolver(asio::execution_context& owner)
      : service(owner), desk_(std::make_shared<desk>()) {}

  static name_resolver& of(shard& home);

  /// Asks for a name, or joins those who have asked.
  std::shared_ptr<name_lookup> ask(const std::string& host);

  /// A connection to that address has come about: try it first the next time.
  void prefer(const std::string& host, const asio::ip::address& address);
  /// The address that was preferred last; unspecified if none.
  asio::ip::address preferred(const std::string& host) const;

  /// Replaces getaddrinfo, for tests. Called on threads of its own.
  void use(std::function<name_answer(const std::string&)> look_up) {
    look_up_ = std::move(look_up);
  }

 private:
  using clock = std::chrono::steady_clock;

  /// Where threads put their answers; closed before the shard goes.
  struct desk {
    std::mutex mutex;
    shard* home = nullptr;
  };
  struct entry {
    std::shared_ptr<name_lookup> lookup;
    clock::time_point asked_until;  ///< no new question before
    address_list last_good;         ///< for when nobody can be asked ...
    clock::time_point good_until;   ///< ... until then
    asio::ip::address preferred;
  };

  void shutdown() override;
  void start(const std::string& host);
  void finish(const std::string& host, name_answer answer);
  void forget_old();

  std::shared_ptr<desk> desk_;
  std::map<std::string, entry> names_;
  std::vector<std::string> line_;  ///< wait for a thread
  size_t running_ = 0;
  std::function<name_answer(const std::string&)> look_up_;
};

}  // namespace postern::runtime
