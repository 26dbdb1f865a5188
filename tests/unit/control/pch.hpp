#pragma once
// Precompiled for all unit tests of control/.
#include <boost/asio.hpp>
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
