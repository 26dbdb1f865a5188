#pragma once
// Precompiled for all unit tests of actors/.
#include "actors/contracts.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>
