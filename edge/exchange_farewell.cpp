// How an exchange that may last for long is ended before its node or its connector goes.

#include "edge/exchange.hpp"

namespace postern::edge {

void exchange::tell_to_move() {
  moving_ = true;
  if (state_ == state::responding && farewell_.at_boundary()) say_farewell();
}

void exchange::say_farewell() {
  if (farewell_.closed() || said_farewell_) return;
  said_farewell_ = true;
  if (farewell_.kind() == stream_kind::websocket) {
    // Its client answers with a Close of its own, which goes on to the origin and ends the
    // exchange.
    user_.send_content(websocket_farewell);
  } else {
    user_.send_end({});
    complete();
  }
}

void exchange::pass_on(std::string_view piece) {
  const auto passed = said_farewell_ ? 0 : farewell_.pass(piece, moving_);
  if (passed > 0) {
    unsent_ += passed;
    user_.send_content(piece.substr(0, passed));
  }
  if (moving_ && farewell_.at_boundary()) say_farewell();
  // Nothing may follow a farewell; what the origin still says is taken and dropped.
  if (passed < piece.size() && stream_ != nullptr) stream_->consumed(piece.size() - passed);
}

}  // namespace postern::edge
