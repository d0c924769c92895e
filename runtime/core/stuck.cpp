#include "runtime/core/stuck.hpp"

#include <algorithm>
#include <functional>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t kept_turns = 8;
constexpr std::size_t shown_bytes = 120;

std::uint64_t mixed(std::uint64_t digest, const std::string& text) {
  auto hash = static_cast<std::uint64_t>(std::hash<std::string>{}(text));
  return (digest ^ hash) * 0x9E3779B97F4A7C15ULL + (digest << 6U) + (digest >> 2U);
}

/// Times and counters in what a command prints make no other result of it.
std::string without_digits(std::string text) {
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

std::uint64_t digest_of(const SeenTurn::Call& call) {
  return mixed(mixed(mixed(1, call.name), call.arguments),
               call.reads ? call.result : without_digits(call.result));
}

std::uint64_t digest_of(const SeenTurn& turn) {
  std::uint64_t digest = turn.calls.size() + 1;
  for (const auto& call : turn.calls) digest = mixed(digest, std::to_string(digest_of(call)));
  return digest;
}

std::string shown(const SeenTurn& turn) {
  const auto& call = turn.calls.front();
  return call.name + " " + one_line(call.arguments, shown_bytes) +
         (turn.calls.size() > 1 ? " and " + std::to_string(turn.calls.size() - 1) + " more" : "");
}

bool only_waits(const SeenTurn& turn) {
  return std::all_of(turn.calls.begin(), turn.calls.end(),
                     [](const SeenTurn::Call& call) { return call.waits; });
}

bool only_reads(const SeenTurn& turn) {
  return std::all_of(turn.calls.begin(), turn.calls.end(),
                     [](const SeenTurn::Call& call) { return call.reads; });
}

}  // namespace

std::optional<StuckSeen> StuckDetector::see(const SeenTurn& turn) {
  if (turn.calls.empty()) return see_text(turn);
  same_text_ = 0;
  if (only_waits(turn)) return std::nullopt;
  return see_calls(turn);
}

std::optional<StuckSeen> StuckDetector::see_text(const SeenTurn& turn) {
  auto digest = mixed(1, std::string(trim(turn.text)));
  same_text_ = same_text_ > 0 && digest == last_text_ ? same_text_ + 1 : 1;
  last_text_ = digest;
  if (same_text_ < limits_.same_output) return std::nullopt;
  return found(StuckKind::same_output, "said the same " + std::to_string(same_text_) +
                                           " times without a tool call: '" +
                                           one_line(turn.text, shown_bytes) + "'");
}

std::optional<StuckSeen> StuckDetector::see_calls(const SeenTurn& turn) {
  note_progress(turn);
  reads_ = only_reads(turn) ? reads_ + 1 : 0;
  auto digest = digest_of(turn);
  last_.push_back(digest);
  if (last_.size() > kept_turns) last_.pop_front();
  auto times = ++repeated_[digest];
  if (in_a_row())
    return found(StuckKind::same_call, "made the same call " + std::to_string(limits_.same_call) +
                                           " times with the same result: " + shown(turn));
  if (alternates())
    return found(StuckKind::alternating,
                 "goes back and forth between two calls, the last: " + shown(turn));
  if (times >= limits_.repeats)
    return found(StuckKind::same_call,
                 "came back " + std::to_string(times) +
                     " times to the same call with the same result: " + shown(turn));
  if (writes_ && reads_ >= limits_.only_reads)
    return found(StuckKind::only_reads,
                 "did nothing but read for " + std::to_string(reads_) + " turns");
  return std::nullopt;
}

void StuckDetector::note_progress(const SeenTurn& turn) {
  for (const auto& call : turn.calls) {
    if (call.reads || call.waits || call.failed || !done_.insert(digest_of(call)).second) continue;
    progressed_ = true;
    repeated_.clear();
  }
}

bool StuckDetector::in_a_row() const {
  auto wanted = static_cast<std::size_t>(limits_.same_call);
  if (last_.size() < wanted) return false;
  return std::all_of(last_.end() - static_cast<std::ptrdiff_t>(wanted), last_.end(),
                     [this](Digest digest) { return digest == last_.back(); });
}

bool StuckDetector::alternates() const {
  if (last_.size() < 4) return false;
  auto at = last_.rbegin();
  return at[0] == at[2] && at[1] == at[3] && at[0] != at[1];
}

StuckSeen StuckDetector::found(StuckKind kind, std::string detail) {
  last_.clear();
  repeated_.clear();
  same_text_ = reads_ = 0;
  return {kind, std::move(detail), std::exchange(progressed_, false)};
}

}  // namespace muster
