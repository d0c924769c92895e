#include "tests/soak/watch.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <system_error>

#include "tests/crash/place.hpp"

namespace muster::soak {
namespace {

namespace fs = std::filesystem;

int entries_of(const std::string& folder) {
  std::error_code failed;
  auto at = fs::directory_iterator(folder, failed);
  int count = 0;
  for (; !failed && at != fs::directory_iterator(); at.increment(failed)) ++count;
  return count;
}

struct Process {
  pid_t parent = 0;
  char state = '?';
};

/// Everything that runs on this machine.
std::map<pid_t, Process> processes() {
  std::map<pid_t, Process> out;
  std::error_code failed;
  for (auto at = fs::directory_iterator("/proc", failed); !failed && at != fs::directory_iterator();
       at.increment(failed)) {
    auto name = at->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    auto text = crash::text_or_nothing(at->path() / "stat");
    auto end = text.rfind(')');  // of the name, which may hold anything
    if (end == std::string::npos) continue;
    std::istringstream rest(text.substr(end + 1));
    Process process;
    if (rest >> process.state >> process.parent) out[std::stoi(name)] = process;
  }
  return out;
}

void look_below(pid_t engine, Sample& sample) {
  auto all = processes();
  std::set<pid_t> below{engine};
  for (bool more = true; more;) {
    more = false;
    for (const auto& [pid, process] : all)
      if (below.contains(process.parent) && below.insert(pid).second) more = true;
  }
  below.erase(engine);
  sample.children = static_cast<int>(below.size());
  for (auto pid : below)
    if (all[pid].state == 'Z') sample.zombies.push_back(pid);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

bool look_at(pid_t engine, Sample& sample) {
  const auto folder = "/proc/" + std::to_string(engine);
  std::istringstream status(crash::text_or_nothing(folder + "/status"));
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "VmRSS:") words >> sample.rss_kb;
    if (name == "VmHWM:") words >> sample.peak_kb;
    if (name == "Threads:") words >> sample.threads;
  }
  sample.descriptors = entries_of(folder + "/fd");
  if (sample.rss_kb == 0 || sample.descriptors == 0) return false;  // it ended under our eyes
  look_below(engine, sample);
  return true;
}

Course course_of(std::vector<double> values) {
  if (values.empty()) return {};
  auto part = [&values](std::size_t quarter) {
    auto at = [&](std::size_t q) {
      return values.begin() + static_cast<std::ptrdiff_t>(values.size() * q / 4);
    };
    return std::vector<double>(at(quarter), at(quarter + 1));
  };
  return {median(part(1)), median(part(3)), *std::max_element(values.begin(), values.end())};
}

}  // namespace muster::soak
