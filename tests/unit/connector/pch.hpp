#pragma once
// Precompiled for all unit tests of connector/.
#include "connector/pch.hpp"
#include "tests/unit/pch.hpp"

#include <boost/asio.hpp>
#include <spdlog/spdlog.h>
