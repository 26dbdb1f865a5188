#pragma once
// Precompiled for all unit tests of config/.
#include <boost/json.hpp>
#include <caf/all.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
