#pragma once
// Precompiled for all of actors/.
#include "actors/contracts.hpp"

#include <caf/all.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>
