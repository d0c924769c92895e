#include "benchmarks/macro/cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "benchmarks/macro/server.hpp"

namespace muster::bench {
namespace {

using nlohmann::json;

constexpr std::size_t briefing_bytes = 1100;  ///< makes 4 KB the mean request of five turns

std::string file(const std::string& path) { return std::string(MUSTER_SOURCE_DIR "/") + path; }

Case saturated(std::size_t concurrent, std::size_t sessions) {
  Case out;
  out.name = "saturated, " + std::to_string(concurrent) + " sessions";
  out.what = "no latency, five turns each";
  out.scenario = file("benchmarks/macro/saturated.json");
  out.load.concurrent = concurrent;
  out.load.sessions = sessions;
  out.load.briefing_bytes = briefing_bytes;
  return out;
}

Case waiting(std::size_t sessions) {
  Case out;
  out.name = "waiting, " + std::to_string(sessions) + " sessions";
  out.what = "1 s before every reply, ten turns each, all started at once";
  out.scenario = file("tests/scenarios/bench_session_1s.json");
  out.load.concurrent = out.load.sessions = sessions;
  out.load.briefing_bytes = briefing_bytes;
  out.latency_s = 1;
  return out;
}

Case idle(Idle what, bool quick) {
  Case out;
  const bool served = what == Idle::served;
  out.name = served ? "idle, serve" : "idle, a mission waits for an answer";
  out.what = served ? "no mission, no client" : "muster run with its live picture";
  out.scenario = file("benchmarks/macro/asking.json");
  out.idle = what;
  if (quick) out.idle_time = std::chrono::seconds(2);
  out.most_runs = 3;
  return out;
}

/// One line of a table: what, the numbers, what is aimed at.
struct Row {
  const char* key;
  const char* what;
  const char* unit;
  int digits;
  const char* aim;
};

std::string line(const std::string& what, const Spread& spread, int digits, const std::string& unit,
                 const std::string& aim) {
  return fmt::format("| {} | {:.{}f} | {:.{}f} | {:.{}f} | {} | {} |\n", what, spread.median,
                     digits, spread.min, digits, spread.max, digits, unit, aim);
}

constexpr const char* table_head =
    "| | median | min | max | unit | aim |\n|---|---:|---:|---:|---|---|\n";

constexpr Row saturated_rows[] = {
    {"calls_per_s", "calls", "calls/s", 0, ">= 3000"},
    {"engine_cpu_us_per_call", "engine CPU", "us/call", 0, ""},
    {"server_cpu_us_per_call", "model server CPU", "us/call", 0, ""},
    {"request_bytes", "mean request", "bytes", 0, "4096"},
    {"flush_ms", "journal durable after the last session", "ms", 1, ""},
};
constexpr Row waiting_rows[] = {
    {"wall_over_ideal", "wall / ideal", "", 3, "<= 1.05"},
    {"engine_cpu_us_per_call", "engine CPU", "us/call", 0, "<= 300"},
    {"rss_beyond_transcript_kb", "memory beyond transcript", "KB/session", 1, "<= 64"},
    {"transcript_bytes", "transcript at the end", "bytes/session", 0, ""},
    {"request_bytes", "mean request", "bytes", 0, ""},
    {"flush_ms", "journal durable after the last session", "ms", 1, ""},
};

constexpr Row idle_rows[] = {
    {"cpu_percent", "engine CPU, of one core", "%", 2, "<= 0.5"},
    {"wakeups_per_s", "threads woken", "/s", 0, ""},
};

template <std::size_t count>
std::string rows(const json& runs, const Row (&wanted)[count]) {
  std::string out = table_head;
  for (const auto& row : wanted) {
    std::vector<double> values;
    for (const auto& run : runs) values.push_back(run.value(row.key, 0.0));
    out += line(row.what, spread_of(values), row.digits, row.unit, row.aim);
  }
  return out;
}

/// A time with three significant digits.
std::pair<double, std::string> readable(double seconds) {
  if (seconds < 1e-6) return {seconds * 1e9, "ns"};
  if (seconds < 1e-3) return {seconds * 1e6, "us"};
  return {seconds * 1e3, "ms"};
}

struct MicroRow {
  const char* name;
  const char* what;
};
constexpr MicroRow micro_rows[] = {
    {"session_spawn/manual_time", "session: spawned and waiting for its slot"},
    {"session_life/real_time", "session: spawn, one model call, final tool, done"},
    {"hop_one_way/real_time", "message, one way"},
    {"hop_one_way_caf/real_time", "the same, CAF alone"},
    {"hop_round_trip/real_time", "request and reply"},
    {"hop_round_trip_caf/real_time", "the same, CAF alone"},
    {"supervised_restart/real_time", "supervised child: killed, running again"},
    {"session_restart/iterations:1/manual_time",
     "session: killed, read from the journal, its next model call made; median of 300"},
    {"death_told/iterations:1/manual_time",
     "child's last word until its owner has the receipt, p99 of 500 (aim: 10 ms)"},
    {"family_cancelled/iterations:3/manual_time",
     "cancel of 1,000 descendants until none is left (aim: 100 ms)"},
    {"apply_decide/25", "apply + decide, an event of a mission of 25 tasks"},
    {"apply_decide/200", "the same, 200 tasks"},
    {"apply_decide/1600", "the same, 1,600 tasks"},
    {"fold/200", "apply alone (resume), 200 tasks"},
    {"journal_append_one/real_time", "journal append of 1 KB, awaited, one caller"},
    {"journal_append_grouped/real_time", "the same, 200 callers"},
    {"journal_append_lazy/real_time", "the same, nobody waits, durable at the end"},
    {"store_durable_events/real_time", "store: 400 B events, durable (aim: >= 50,000/s)"},
    {"store_append/iterations:2000/manual_time", "store: one 400 B event, awaited"},
    {"store_resume/1/iterations:1/real_time",
     "resume of 1,000 sessions x 1,000 records, with snapshots (aim: <= 2 s)"},
    {"store_resume/0/iterations:1/real_time", "the same, without snapshots (aim: <= 10 s)"},
    {"stream_parse/8192", "1 MB of stream, 8 KB at a time"},
    {"stream_parse/256", "the same, 256 bytes at a time"},
    {"stream_parse_escapes/8192", "the same, text full of escapes"},
};

/// What a mean does not tell: the slowest hundredth, of each repetition, beside what this disk's
/// own syncs took in the same seconds.
std::string append_tails(const json& micro) {
  std::string out;
  for (const auto& run : micro.at("benchmarks")) {
    if (run.value("run_name", "").rfind("store_append", 0) != 0 ||
        run.value("run_type", "") != "iteration")
      continue;
    auto p99 = run.value("p99_ms", 0.0);
    auto disk = run.value("fdatasync_p50_ms", 0.0);
    auto bound = std::max(2.0, 5 * disk);
    out += fmt::format("| {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {} |\n",
                       run.value("p50_ms", 0.0), p99, disk, run.value("fdatasync_p99_ms", 0.0),
                       bound, p99 <= bound ? "yes" : "NO");
  }
  if (out.empty()) return out;
  return "\nAwaited appends, each repetition, in ms; the aim is p99 <= max(2 ms, 5 x p50 of this "
         "disk's fdatasync):\n\n| p50 | p99 | fdatasync p50 | fdatasync p99 | aim | held "
         "|\n|---:|---:|---:|---:|---:|---|\n" +
         out;
}

}  // namespace

std::vector<Case> macro_cases(bool quick) {
  std::vector<Case> out;
  if (quick)
    out = {saturated(64, 400), waiting(100)};
  else
    out = {saturated(64, 4000), saturated(256, 4000), waiting(1000)};
  out.push_back(idle(Idle::served, quick));
  out.push_back(idle(Idle::asking, quick));
  return out;
}

Result<json> run_case(const Case& wanted, const std::string& program) {
  if (wanted.idle) return run_idle(*wanted.idle, program, wanted.scenario, wanted.idle_time);
  auto server = ModelServer::start(program, wanted.scenario);
  if (!server) return server.error();
  json load{{"url", server->url},
            {"concurrent", wanted.load.concurrent},
            {"sessions", wanted.load.sessions},
            {"briefing_bytes", wanted.load.briefing_bytes},
            {"at_most_s", wanted.load.at_most_s}};
  const auto before = server->process.cpu();
  auto engine = Child::start({"/proc/self/exe", "--load", load.dump()});
  if (!engine) return engine.error();
  auto said = engine->line(std::chrono::seconds(wanted.load.at_most_s * 2 + 60));
  if (!said) return said.error();
  const auto used = server->process.cpu() - before;
  auto run = json::parse(*said, nullptr, false);
  if (!run.is_object()) return Error{ErrorCode::malformed, "a run said: " + *said};
  if (run.contains("error")) return Error{ErrorCode::internal, run.value("error", "")};
  auto calls = run.value("calls", 1.0);
  run["server_cpu_us_per_call"] = static_cast<double>(used.count()) / calls;
  if (wanted.latency_s > 0) {
    auto ideal = run.value("turns_per_session", 0.0) * wanted.latency_s;
    run["wall_over_ideal"] = run.value("wall_s", 0.0) / ideal;
  }
  return run;
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  const auto median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

std::string macro_table(const json& macro) {
  std::string out;
  for (const auto& one : macro.at("cases")) {
    const auto& runs = one.at("runs");
    out += fmt::format("### {} ({}; {} runs)\n\n", one.value("name", ""), one.value("what", ""),
                       runs.size());
    bool waits = one.value("latency_s", 0.0) > 0;
    if (one.value("idle", false))
      out += rows(runs, idle_rows) + "\n";
    else
      out += (waits ? rows(runs, waiting_rows) : rows(runs, saturated_rows)) + "\n";
  }
  return out;
}

std::string micro_table(const json& micro) {
  std::string out = "| | median | min | max | unit | rate |\n|---|---:|---:|---:|---|---:|\n";
  for (const auto& row : micro_rows) {
    std::vector<double> seconds;
    double rate = 0;
    bool bytes = false;
    for (const auto& run : micro.at("benchmarks")) {
      if (run.value("run_name", "") != row.name || run.value("run_type", "") != "iteration")
        continue;
      bytes = run.contains("bytes_per_second");
      rate = run.value(bytes ? "bytes_per_second" : "items_per_second", 0.0);
      if (rate > 0) seconds.push_back(bytes ? (1U << 20U) / rate : 1 / rate);
    }
    if (seconds.empty()) {
      out += fmt::format("| {} | not run | | | | |\n", row.what);
      continue;
    }
    auto spread = spread_of(seconds);
    auto [value, unit] = readable(spread.median);
    auto scale = value / spread.median;
    auto per_second = bytes ? fmt::format("{:.0f} MB/s", 1.048576 / spread.median)
                            : fmt::format("{:.0f}/s", 1 / spread.median);
    out += fmt::format("| {} | {:.3g} | {:.3g} | {:.3g} | {} | {} |\n", row.what, value,
                       spread.min * scale, spread.max * scale, unit, per_second);
  }
  return out + append_tails(micro);
}

std::string machine_line(const json& machine) {
  auto text = [&machine](const char* key) { return machine.value(key, std::string("unknown")); };
  auto out = fmt::format("{}, {} cores; {}; {} {}; journal on {}; load before {:.1f}", text("cpu"),
                         machine.value("cores", 0), text("kernel"), text("compiler"), text("flags"),
                         text("file_system"), machine.value("load_before", 0.0));
  if (!machine.value("optimized", false)) out += "; NOT OPTIMIZED: these numbers mean nothing";
  return out;
}

}  // namespace muster::bench
