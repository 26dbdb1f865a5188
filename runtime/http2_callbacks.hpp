#pragma once
// Between http2_session and nghttp2, for its sources only: what nghttp2 tells a session, and how it
// takes what is sent.

#include "runtime/http2_session.hpp"

#include <vector>

namespace postern::runtime {

/// The callbacks of all sessions; their user data is the http2_session, and that of a stream its
/// http2_stream. Any thread; built once and never freed.
nghttp2_session_callbacks* http2_callback_table();

/// Where nghttp2 takes the content of what is sent on `stream`.
nghttp2_data_provider content_of(http2_stream& stream);

/// `fields` as nghttp2 takes them; views into them, good until the next call on the same thread.
const std::vector<nghttp2_nv>& to_nv(const field_list& fields);

}  // namespace postern::runtime
