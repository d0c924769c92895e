#include "tests/sim/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace muster::sim {
namespace {

template <class Number>
bool read_number(const std::string& text, Number& out) {
  auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  return bad == std::errc{} && end == text.data() + text.size();
}

std::set<std::string> every_fault() { return {all_faults().begin(), all_faults().end()}; }

Result<std::set<std::string>> read_faults(const std::string& list) {
  if (list == "none") return std::set<std::string>{};
  if (list == "all") return every_fault();
  std::set<std::string> out;
  for (std::size_t from = 0; from <= list.size();) {
    auto comma = std::min(list.find(',', from), list.size());
    auto name = list.substr(from, comma - from);
    if (!every_fault().contains(name))
      return Error{ErrorCode::invalid_argument, "there is no fault '" + name + "'", "--faults"};
    out.insert(name);
    from = comma + 1;
  }
  return out;
}

Status read_value(CommandLine& line, const std::string& name, const std::string& value) {
  auto& options = line.options;
  bool good = false;
  if (name == "--seed") good = read_number(value, options.seed);
  if (name == "--missions") good = read_number(value, options.missions) && options.missions > 0;
  if (name == "--agents") good = read_number(value, options.agents) && options.agents > 0;
  if (name == "--seeds") good = read_number(value, line.seeds) && line.seeds > 0;
  if (name == "--max-faults") good = read_number(value, options.max_faults);
  if (name == "--tasks") good = read_number(value, options.tasks) && options.tasks > 0;
  if (name == "--stop-at") good = read_number(value, options.stop_at) && options.stop_at > 0;
  if (name == "--plant") good = !(options.plant = value).empty();
  if (name == "--faults") {
    auto faults = read_faults(value);
    if (!faults) return faults.error();
    options.faults = *faults;
    good = true;
  }
  if (good) return ok_status();
  return Error{ErrorCode::invalid_argument, "not understood: " + name + " " + value};
}

}  // namespace

const std::vector<std::string>& all_faults() {
  static const std::vector<std::string> names{
      "429",         "5xx",      "stall",      "drop",      "session",   "verifier",
      "job",         "mission",  "scheduler",  "jobs",      "journal",   "notifier",
      "engine",      "recovery", "torn",       "slow_disk", "disk_full", "reorder",
      "lost_notice", "clock",    "interleave", "user"};
  return names;
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  line.options.faults = every_fault();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& name = arguments[i];
    if (name == "--help" || name == "-h") {
      line.help = true;
    } else if (name == "--trace") {
      line.trace = true;
    } else if (name == "--tame") {
      line.options.tame = true;
    } else if (name == "--self-test") {
      line.self_test = true;
    } else if (name == "--stop-everywhere") {
      line.stop_everywhere = true;
    } else if (i + 1 < arguments.size()) {
      if (auto read = read_value(line, name, arguments[++i]); !read) return read.error();
    } else {
      return Error{ErrorCode::invalid_argument, "not understood: " + name};
    }
  }
  std::uint64_t most = 0;
  if (const char* wanted = std::getenv("MUSTER_SIM_SEEDS"); wanted && read_number(wanted, most)) {
    line.bound = most;
    if (line.options.agents >= 100) most /= 50;  // such a run is worth so many small ones
    line.seeds = std::clamp<std::uint64_t>(most, 1, line.seeds);
  }
  return line;
}

std::string usage() {
  std::string faults;
  for (const auto& name : all_faults()) faults += (faults.empty() ? "" : ",") + name;
  return "muster_sim --seed N --missions M --agents K [--seeds COUNT] [--faults LIST|all|none]\n"
         "           [--max-faults N] [--tasks N] [--tame] [--trace]\n"
         "           [--stop-at N | --stop-everywhere] | --self-test\n"
         "faults: " +
         faults + "\n";
}

std::string command_of(const Options& options) {
  std::string faults;
  for (const auto& name : options.faults) faults += (faults.empty() ? "" : ",") + name;
  if (options.faults == every_fault()) faults = "all";
  auto out = "muster_sim --seed " + std::to_string(options.seed) + " --missions " +
             std::to_string(options.missions) + " --agents " + std::to_string(options.agents) +
             " --faults " + (faults.empty() ? "none" : faults);
  if (options.tame) out += " --tame";
  if (options.max_faults >= 0) out += " --max-faults " + std::to_string(options.max_faults);
  if (options.tasks > 0) out += " --tasks " + std::to_string(options.tasks);
  if (options.stop_at > 0) out += " --stop-at " + std::to_string(options.stop_at);
  if (!options.plant.empty()) out += " --plant " + options.plant;
  return out;
}

}  // namespace muster::sim
