#pragma once
// Where numbers were measured: without it they mean nothing.

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

namespace muster::bench {

inline std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  std::string model;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("model name") && !line.starts_with("Model")) continue;
    auto colon = line.find(": ");
    if (colon != std::string::npos) model = line.substr(colon + 2);
    break;
  }
  return model.empty() ? "unknown" : model;
}

/// The file system under a path, as /proc/mounts names it.
inline std::string file_system_of(const std::string& path) {
  std::ifstream in("/proc/mounts");
  std::string device, folder, type, rest, best = "unknown";
  std::size_t length = 0;
  while (in >> device >> folder >> type && std::getline(in, rest)) {
    bool covers = folder == "/" || path == folder || path.starts_with(folder + "/");
    if (!covers || folder.size() < length) continue;
    length = folder.size();
    best = type;
  }
  return best;
}

inline std::string compiler() {
#ifdef __clang__
  return std::string("clang ") + __clang_version__;
#else
  return std::string("g++ ") + __VERSION__;
#endif
}

/// `flags` as the build says; what the compiler knows of them is checked.
inline nlohmann::json machine(const std::string& flags, const std::string& folder) {
  utsname names{};
  ::uname(&names);
  std::array<double, 3> load{};
  (void)::getloadavg(load.data(), 3);
  bool optimized = false;
#if defined(__OPTIMIZE__) && defined(NDEBUG)
  optimized = true;
#endif
  return {{"cpu", cpu_model()},
          {"cores", std::max(1U, std::thread::hardware_concurrency())},
          {"kernel", std::string(names.sysname) + " " + names.release},
          {"compiler", compiler()},
          {"flags", flags},
          {"optimized", optimized},
          {"file_system", file_system_of(folder)},
          {"load_before", load[0]}};
}

}  // namespace muster::bench
