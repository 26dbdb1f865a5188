#pragma once
// Precompiled for all of edge/.
#include "actors/contracts.hpp"
#include "runtime/actor_port.hpp"
#include "runtime/http_message.hpp"
#include "runtime/transport.hpp"

#include <boost/asio.hpp>
#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <vector>
