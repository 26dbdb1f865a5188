#pragma once
// A move-only std::function: holds completion handlers, which cannot be copied. Small callables are
// stored in place.

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace postern::runtime {

template <class Signature>
class unique_function;

template <class R, class... Args>
class unique_function<R(Args...)> {
 public:
  unique_function() noexcept = default;
  unique_function(std::nullptr_t) noexcept {}

  template <class F, class D = std::decay_t<F>,
            class = std::enable_if_t<!std::is_same_v<D, unique_function>>>
  unique_function(F&& f) {
    if constexpr (sizeof(D) <= sizeof(room_) && alignof(D) <= alignof(std::max_align_t) &&
                  std::is_nothrow_move_constructible_v<D>) {
      new (room_) D(std::forward<F>(f));
      table_ = &in_place<D>;
    } else {
      new (room_) D*(new D(std::forward<F>(f)));
      table_ = &on_heap<D>;
    }
  }

  unique_function(unique_function&& other) noexcept { take(other); }
  unique_function& operator=(unique_function&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~unique_function() { reset(); }

  /// Precondition: not empty.
  // By value as the signature says, like std::function: what is handed on is a reference.
  // NOLINTNEXTLINE(performance-unnecessary-value-param)
  R operator()(Args... args) { return table_->call(room_, std::forward<Args>(args)...); }

  explicit operator bool() const noexcept { return table_ != nullptr; }

 private:
  struct operations {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class D>
  static constexpr operations in_place{[](void* p, Args&&... args) -> R {
                                         return (*static_cast<D*>(p))(std::forward<Args>(args)...);
                                       },
                                       [](void* from, void* to) noexcept {
                                         new (to) D(std::move(*static_cast<D*>(from)));
                                         static_cast<D*>(from)->~D();
                                       },
                                       [](void* p) noexcept { static_cast<D*>(p)->~D(); }};

  template <class D>
  static constexpr operations on_heap{
      [](void* p, Args&&... args) -> R {
        return (**static_cast<D**>(p))(std::forward<Args>(args)...);
      },
      [](void* from, void* to) noexcept { new (to) D*(*static_cast<D**>(from)); },
      [](void* p) noexcept { delete *static_cast<D**>(p); }};

  void take(unique_function& other) noexcept {
    if (other.table_ == nullptr) return;
    other.table_->move(other.room_, room_);
    table_ = std::exchange(other.table_, nullptr);
  }

  void reset() noexcept {
    if (table_ != nullptr) std::exchange(table_, nullptr)->destroy(room_);
  }

  const operations* table_ = nullptr;
  alignas(std::max_align_t) unsigned char room_[48];
};

}  // namespace postern::runtime
