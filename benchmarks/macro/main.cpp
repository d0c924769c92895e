// Sessions against the model server in its own process. `--load` is one run, in a process of its
// own; `--results` turns what was measured into Markdown.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adapters/io/descriptor_limit.hpp"
#include "benchmarks/macro/cases.hpp"
#include "benchmarks/support/machine.hpp"

namespace {

using namespace muster::bench;
using nlohmann::json;

struct Options {
  bool quick = false;
  int runs = 5;
  std::string only;
  std::string program = MUSTER_BINARY;
  std::string flags = "flags unknown";
  std::string json_file;
  std::string load;
  std::vector<std::string> results;
};

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

int fail(const muster::Error& error) {
  std::fprintf(stderr, "bench: %s\n", error.text().c_str());
  return 1;
}

int load(const std::string& text) {
  auto in = json::parse(text, nullptr, false);
  if (!in.is_object()) return fail({muster::ErrorCode::invalid_argument, "--load: no JSON"});
  muster::raise_descriptor_limit();  // a connection for each session
  LoadSpec spec;
  spec.url = in.value("url", "");
  spec.concurrent = in.value("concurrent", std::size_t{1});
  spec.sessions = in.value("sessions", std::size_t{1});
  spec.briefing_bytes = in.value("briefing_bytes", std::size_t{0});
  spec.threads = in.value("threads", std::size_t{0});
  spec.at_most_s = in.value("at_most_s", 120);
  auto out = run_load(spec);
  if (out) say(out->dump() + "\n");
  if (!out) say(json{{"error", out.error().text()}}.dump() + "\n");
  return out ? 0 : 1;
}

muster::Result<json> read_json(const std::string& path) {
  std::ifstream in(path);
  auto out = json::parse(in, nullptr, false);
  if (out.is_discarded()) return muster::Error{muster::ErrorCode::malformed, "no JSON", path};
  return out;
}

int results(const std::string& micro_file, const std::string& macro_file) {
  auto micro = read_json(micro_file);
  if (!micro) return fail(micro.error());
  auto macro = read_json(macro_file);
  if (!macro) return fail(macro.error());
  say("# Results\n\nWritten by scripts/bench; README.md says what is measured and how.\n\n");
  say(machine_line(macro->at("machine")) + "\n\n");
  say("## Sessions against the model server, both on the same cores\n\n" + macro_table(*macro));
  say("## Parts\n\n" + micro_table(*micro));
  return 0;
}

std::string in_short(const Case& wanted, const json& run) {
  if (wanted.idle) return fmt::format("{:.2f} % of a core", run.value("cpu_percent", 0.0));
  return fmt::format("{:.0f} calls/s, {:.0f} us engine CPU a call", run.value("calls_per_s", 0.0),
                     run.value("engine_cpu_us_per_call", 0.0));
}

int measure(const Options& options) {
  auto folder = std::filesystem::temp_directory_path().string();
  json out{{"machine", machine(options.flags, folder)}, {"cases", json::array()}};
  say(machine_line(out["machine"]) + "\n\n");
  for (const auto& wanted : macro_cases(options.quick)) {
    if (wanted.name.find(options.only) == std::string::npos) continue;
    json runs = json::array();
    const int count = std::min(options.runs, wanted.most_runs);
    for (int i = 0; i < count; ++i) {
      auto run = run_case(wanted, options.program);
      if (!run) return fail(run.error());
      std::fprintf(stderr, "%s: run %d of %d, %s\n", wanted.name.c_str(), i + 1, count,
                   in_short(wanted, *run).c_str());
      runs.push_back(std::move(*run));
    }
    json one{{"name", wanted.name}, {"what", wanted.what}, {"latency_s", wanted.latency_s}};
    one["idle"] = wanted.idle.has_value();
    one["runs"] = std::move(runs);
    say(macro_table({{"cases", {one}}}));
    out["cases"].push_back(std::move(one));
  }
  if (options.json_file.empty()) return 0;
  std::ofstream file(options.json_file);
  file << out.dump(2) << "\n";
  return file.flush() ? 0 : fail({muster::ErrorCode::io_error, "cannot write", options.json_file});
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Sessions against the model server in its own process"};
  app.add_flag("--quick", options.quick, "fewer sessions: shows that it works, not how fast");
  app.add_option("--runs", options.runs, "of each case; the median is told")
      ->check(CLI::Range(1, 100));
  app.add_option("--only", options.only, "cases with this in their name");
  app.add_option("--program", options.program, "muster, for its model server");
  app.add_option("--flags", options.flags, "how this was compiled, for the record");
  app.add_option("--json", options.json_file, "where to write all numbers");
  app.add_option("--load", options.load, "one run, as JSON; used by this program itself");
  app.add_option("--results", options.results, "MICRO.json MACRO.json as Markdown")->expected(2);
  CLI11_PARSE(app, argc, argv);
  if (!options.load.empty()) return load(options.load);
  if (!options.results.empty()) return results(options.results[0], options.results[1]);
  return measure(options);
}
