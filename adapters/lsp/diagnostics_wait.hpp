#pragma once
// When what a server has said about a text is all that it has to say.

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace muster::lsp {

/// The protocol has no "that was all": a server publishes when it likes, some in several steps, and
/// an empty list may only mean that the first step found nothing. So diagnostics count when they
/// are for the text as it is, no progress is reported, and nothing changed for a while. Times are
/// milliseconds of any clock that does not go back. Pure.
class DiagnosticsWait {
 public:
  enum class State { waiting, settled, expired };

  /// Begins at `now`. `settle_ms`: how long nothing may change; `timeout_ms`: when it is given up.
  DiagnosticsWait(std::int64_t now, bool busy, std::int64_t settle_ms, std::int64_t timeout_ms)
      : settle_ms_(settle_ms), deadline_(now + timeout_ms), changed_(now), busy_(busy) {}

  /// Diagnostics for the text as it is have come.
  void answered(std::int64_t now) {
    answered_ = true;
    changed_ = now;
  }
  /// The server began or ended what it reports progress of.
  void set_busy(bool busy, std::int64_t now) {
    busy_ = busy;
    changed_ = now;
  }

  [[nodiscard]] State state(std::int64_t now) const {
    if (answered_ && !busy_ && now - changed_ >= settle_ms_) return State::settled;
    return now >= deadline_ ? State::expired : State::waiting;
  }
  /// Milliseconds after which the state is another one if nothing is heard until then.
  [[nodiscard]] std::int64_t next_change(std::int64_t now) const {
    auto at = deadline_;
    if (answered_ && !busy_) at = std::min(at, changed_ + settle_ms_);
    return std::max<std::int64_t>(at - now, 0);
  }
  /// What it waits for, for the message of an expired one.
  [[nodiscard]] std::string_view missing() const {
    if (busy_) return "it was still at work";
    return answered_ ? "it did not come to rest" : "no diagnostics came";
  }

 private:
  std::int64_t settle_ms_;
  std::int64_t deadline_;
  std::int64_t changed_;
  bool busy_;
  bool answered_ = false;
};

}  // namespace muster::lsp
