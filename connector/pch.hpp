#pragma once
// Precompiled for all of connector/: what most of its files include.
#include "actors/contracts.hpp"
#include "runtime/http2_session.hpp"
#include "runtime/shard_pool.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
