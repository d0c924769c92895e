#include "runtime/core/fault_points.hpp"

#ifndef MUSTER_NO_FAULTS

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace muster::faults {
namespace {

struct Armed {
  std::string point;
  std::uint64_t visit = 0;
  Action action = Action::kill;
};

struct Table {
  std::mutex mutex;
  std::vector<Armed> armed;
  std::map<std::string, std::uint64_t, std::less<>> visits;
  bool environment_read = false;
};

// Never destroyed: points are reached until the very end of a process.
Table& table() {
  static auto* the = new Table;
  return *the;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string_view next_part(std::string_view& rest, char separator) {
  auto end = rest.find(separator);
  auto part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

Result<Armed> parse_one(std::string_view text) {
  Error bad{ErrorCode::invalid_argument, "not POINT:VISIT:kill|throw|error|stall",
            std::string(text)};
  Armed out;
  out.point = next_part(text, ':');
  auto number = next_part(text, ':');
  auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), out.visit);
  if (out.point.empty() || failed != std::errc() || end != number.data() + number.size() ||
      out.visit == 0)
    return bad;
  if (text == "kill")
    out.action = Action::kill;
  else if (text == "throw")
    out.action = Action::raise;
  else if (text == "error")
    out.action = Action::error;
  else if (text == "stall")
    out.action = Action::stall;
  else
    return bad;
  return out;
}

Result<std::vector<Armed>> parse(std::string_view text) {
  std::vector<Armed> out;
  while (!text.empty()) {
    auto part = next_part(text, ',');
    if (part.empty()) continue;
    auto one = parse_one(part);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

/// Takes the first line of a file away. Written aside and renamed: a crash in between repeats the
/// line, at worst.
std::string take_line(const std::string& path) {
  std::ifstream in(path);
  std::string first;
  std::getline(in, first);
  std::string rest((std::istreambuf_iterator<char>(in)), {});
  auto aside = path + ".next";
  std::ofstream(aside) << rest;
  std::rename(aside.c_str(), path.c_str());
  return first;
}

void write_counts() {
  auto& all = table();
  std::lock_guard lock(all.mutex);
  std::ofstream out(environment("MUSTER_FAULT_COUNTS"), std::ios::app);
  for (const auto& [point, visits] : all.visits) out << point << ' ' << visits << '\n';
}

/// A wish that nobody understands must not look like a test that passed.
void read_environment(Table& all) {
  if (std::exchange(all.environment_read, true)) return;
  auto text = environment("MUSTER_FAULT");
  if (text.starts_with('@')) text = take_line(text.substr(1));
  auto wishes = parse(text);
  if (!wishes) {
    std::fprintf(stderr, "MUSTER_FAULT: %s\n", wishes.error().text().c_str());
    std::abort();
  }
  all.armed.insert(all.armed.end(), wishes->begin(), wishes->end());
  if (!environment("MUSTER_FAULT_COUNTS").empty()) std::atexit(write_counts);
}

/// What the visit sets off; the table's lock is free again when it happens.
std::optional<Action> count_visit(std::string_view point) {
  auto& all = table();
  std::lock_guard lock(all.mutex);
  read_environment(all);
  auto at = all.visits.find(point);
  if (at == all.visits.end()) at = all.visits.emplace(point, 0).first;
  ++at->second;
  for (auto it = all.armed.begin(); it != all.armed.end(); ++it) {
    if (it->point != point || it->visit != at->second) continue;
    auto action = it->action;
    all.armed.erase(it);
    return action;
  }
  return std::nullopt;
}

bool wanted_by_environment() {
  return std::getenv("MUSTER_FAULT") != nullptr || std::getenv("MUSTER_FAULT_COUNTS") != nullptr;
}

}  // namespace

namespace detail {

std::atomic<bool> active{wanted_by_environment()};

bool visit(std::string_view point) {
  auto action = count_visit(point);
  if (!action) return false;
  if (*action == Action::kill) std::raise(SIGKILL);
  if (*action == Action::raise) throw std::runtime_error("fault at " + std::string(point));
  if (*action == Action::stall) std::this_thread::sleep_for(std::chrono::seconds(3));
  return *action == Action::error;
}

void visit_silent(std::string_view point) {
  if (visit(point)) throw std::runtime_error("fault at " + std::string(point));
}

bool waits(std::string_view point) {
  auto& all = table();
  std::lock_guard lock(all.mutex);
  read_environment(all);
  for (const auto& one : all.armed)
    if (one.point == point) return true;
  return false;
}

}  // namespace detail

void arm(std::string_view point, std::uint64_t visit, Action action) {
  auto& all = table();
  std::lock_guard lock(all.mutex);
  auto at = all.visits.find(point);
  auto before = at == all.visits.end() ? 0 : at->second;
  all.armed.push_back({std::string(point), before + visit, action});
  detail::active = true;
}

Status arm_from(std::string_view text) {
  auto wishes = parse(text);
  if (!wishes) return wishes.error();
  for (const auto& wish : *wishes) arm(wish.point, wish.visit, wish.action);
  return ok_status();
}

void disarm_all() {
  auto& all = table();
  std::lock_guard lock(all.mutex);
  all.armed.clear();
  all.visits.clear();
  all.environment_read = true;
  detail::active = false;
}

}  // namespace muster::faults

#endif
