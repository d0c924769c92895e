#pragma once
// Who may say something to a session's model, and when: the one door for everything that is not the
// answer to a tool call.

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <vector>

namespace muster {

/// Something that a session's model must be told, exactly once. Its cause has one id, however often
/// it is sent.
struct Prompt {
  std::string id;
  std::string text;
  bool synthetic = false;  ///< the engine's words, not a person's
};

/// What a session is doing. Between the turns (idle, retrying) it may be told something; while the
/// model or a tool is at work, or a person is waited for, nothing is injected.
enum class SessionMode { idle, busy, tool_running, awaiting_human, retrying, stopping };

/// The prompts of one session: deduplicated by their ids, in the order of their coming, handed over
/// between turns only. A value; bounded.
class PromptQueue {
 public:
  static constexpr std::size_t max_waiting = 256;
  static constexpr std::size_t max_known = 100'000;

  enum class Verdict { taken, duplicate, refused };
  /// Takes a prompt in. `refused`: the session is stopping, or so many wait that something is
  /// wrong.
  Verdict offer(Prompt prompt);
  /// A prompt of this id was told before the session was rebuilt.
  void told_before(const std::string& id) { known_.insert(id); }
  /// What is to be told now; empty when the mode does not allow it.
  std::vector<Prompt> take();

  void enter(SessionMode mode);
  [[nodiscard]] SessionMode mode() const noexcept { return mode_; }
  [[nodiscard]] bool waiting() const noexcept { return !waiting_.empty(); }

 private:
  SessionMode mode_ = SessionMode::idle;
  std::deque<Prompt> waiting_;
  std::set<std::string> known_;
};

}  // namespace muster
