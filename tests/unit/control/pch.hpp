#pragma once
// Precompiled for all unit tests of control/.
#include "tests/unit/pch.hpp"

#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <filesystem>
