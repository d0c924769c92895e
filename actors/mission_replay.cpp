#include "actors/mission_replay.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/core/events.hpp"
#include "runtime/core/state_json.hpp"

namespace muster {
namespace {

using nlohmann::json;

const std::string& text_of(const StoredRecord& record) {
  return record.row.empty() ? record.body : record.row;
}

/// Takes the records of one reading.
class Fold {
 public:
  Fold(std::string mission, SnapshotBounds bounds) : mission_(std::move(mission)) {
    out_.meter = SnapshotMeter(bounds);
    out_.state.mission = mission_;
  }

  void take(const StoredRecord& record) {
    if (failure_ || unreadable_) return;
    if (record.kind == snapshot_kind)
      snapshot(record);
    else
      event(record);
  }
  /// Why the snapshot could not be read; then what was taken is worth nothing.
  [[nodiscard]] const std::optional<std::string>& unreadable() const { return unreadable_; }
  Result<Replayed> result() {
    if (failure_) return *failure_;
    return std::move(out_);
  }

 private:
  void snapshot(const StoredRecord& record) {
    auto body = json::parse(record.body, nullptr, false);
    auto state = state_from_json(body);
    auto effects =
        EffectLedger::from_json(body.is_object() ? body.value("effects", json()) : json());
    if (!state || !effects) {
      unreadable_ = "mission " + mission_ + ": the snapshot at record " +
                    std::to_string(record.seq) + " cannot be read (" +
                    (state ? "its effects are missing" : state.error().message) +
                    "); all events are read instead";
      return;
    }
    out_.state = std::move(*state);
    out_.effects = std::move(*effects);
    out_.any = true;
    out_.meter.snapshot(record.body.size());
  }

  void event(const StoredRecord& record) {
    const auto& text = text_of(record);
    auto event = event_from_json(json::parse(text, nullptr, false));
    if (!event) {
      failure_ = Error{event.error().code, event.error().message,
                       "mission " + mission_ + " record " + std::to_string(record.seq)};
      return;
    }
    muster::apply(out_.state, *event);
    out_.effects.on_event(*event);
    out_.any = true;
    out_.meter.event(text.size());
  }

  std::string mission_;
  Replayed out_;
  std::optional<std::string> unreadable_;
  std::optional<Error> failure_;
};

}  // namespace

void SnapshotMeter::event(std::size_t bytes) {
  ++events_;
  bytes_ += bytes;
}

void SnapshotMeter::snapshot(std::size_t bytes) {
  events_ = bytes_ = 0;
  last_snapshot_ = bytes;
}

bool SnapshotMeter::due() const {
  return (events_ >= bounds_.events || bytes_ >= bounds_.bytes) && bytes_ >= last_snapshot_;
}

namespace {

Result<Replayed> fold_events(Store& store, const std::string& mission, SnapshotBounds bounds) {
  std::string kind(snapshot_kind);
  Fold since(mission, bounds);
  auto read = store.read(mission, {kind, {kind, "event"}},
                         [&since](StoredRecord&& record) { since.take(record); });
  if (!read) return read.error();
  if (!since.unreadable()) return since.result();
  Fold all(mission, bounds);
  read = store.read(mission, {{}, {"event"}}, [&all](StoredRecord&& record) { all.take(record); });
  if (!read) return read.error();
  auto result = all.result();
  if (result) result->warning = *since.unreadable();
  return result;
}

}  // namespace

Result<Replayed> replay_mission(Store& store, const std::string& mission, SnapshotBounds bounds) {
  auto replayed = fold_events(store, mission, bounds);
  if (!replayed) return replayed;
  for (const auto& session : replayed->effects.sessions()) {
    auto effects = store.load_keyed(mission, "effect", session);
    if (!effects) return effects.error();
    for (const auto& effect : *effects) replayed->effects.on_effect(session, text_of(effect));
  }
  return replayed;
}

NewRecord snapshot_record(const State& state, const EffectLedger& effects) {
  json row{{"v", state_version}, {"phase", name_of(state.phase)}};
  auto body = state_to_json(state);
  body["effects"] = effects.to_json();
  return {std::string(snapshot_kind), "state", row.dump(),
          body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

}  // namespace muster
