#pragma once
// Precompiled for all unit tests of connector/.
#include "actors/contracts.hpp"
#include "runtime/http2_session.hpp"
#include "runtime/shard_pool.hpp"

#include <boost/asio.hpp>
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
