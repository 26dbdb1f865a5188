#pragma once
// Precompiled for all unit tests of edge/.
#include "actors/contracts.hpp"
#include "edge/edge_context.hpp"
#include "runtime/actor_port.hpp"
#include "runtime/http_message.hpp"
#include "runtime/transport.hpp"

#include <boost/asio.hpp>
#include <boost/json.hpp>
#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
