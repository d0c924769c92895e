// What a person must hear of a mission: journalled before it is told, told until a front end has
// shown it, and told again under the same id by whoever takes over after a crash. docs/adr/0004.
#include <nlohmann/json.hpp>

#include "actors/mission.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr auto tell_again = 5s;

}  // namespace

void Mission::publish(const std::string& type, const std::string& text) {
  compat::send(self_, deps_.notifier, publish_atom_v,
               std::make_shared<const Notice>(Notice{spec_.mission, type, text}));
}

/// The same cause keeps its id over a restart; there is one end.
void Mission::post(const std::string& type, const std::string& data) {
  auto known = state_.notices.find(type);
  bool first = heard_before_.erase(type) > 0;
  bool same = known != state_.notices.end() &&
              ((first && known->second.data == data) || type == "mission_ended");
  if (!same && !journal_failure_)
    record(NoticePosted{"N" + std::to_string(state_.notices_posted + 1), type, data});
  known = state_.notices.find(type);
  bool on_record = same || !journal_failure_;
  auto id = on_record && known != state_.notices.end() ? known->second.id : std::string();
  auto tell = [this, type, data, id] { announce(type, data, id); };
  auto not_on_disk = [this, type, tell](const Error& error) {
    if (type != "mission_ended") return tell();
    end_not_on_disk(error);
  };
  compat::request(self_, deps_.session.journal, request_deadline, tell, not_on_disk, flush_atom_v,
                  spec_.mission);
}

/// An end that a crash could take back is not told: tried again, or held until there is room.
void Mission::end_not_on_disk(const Error& error) {
  told_end_ = false;
  if (error.code == ErrorCode::timeout) return tell_end();
  on_journal_failed(error);
}

/// Without an id nothing is on record: the journal cannot take it.
void Mission::announce(const std::string& type, const std::string& data, std::string id) {
  bool recorded = !id.empty();
  if (!recorded)  // unlike any other of this mission, also of another incarnation
    id =
        "J" + std::to_string(deps_.session.wall_ms()) + "." + std::to_string(++unrecorded_notices_);
  auto taken = [me = handle(), this, type, id, recorded] {
    compat::post(me, resume_atom_v,
                 Continuation{[this, type, id, recorded] { taken_notice(type, id, recorded); }});
  };
  untold_[type] =
      std::make_shared<const Notice>(Notice{spec_.mission, type, data, id, std::move(taken)});
  tell_untold();
}

void Mission::tell_untold() {
  for (const auto& [type, notice] : untold_)
    compat::send(self_, deps_.notifier, publish_atom_v, notice);
  tell_timer_ = compat::run_delayed(self_, tell_again, [this] {
    if (!untold_.empty()) tell_untold();
  });
}

void Mission::taken_notice(const std::string& type, const std::string& id, bool recorded) {
  auto waiting = untold_.find(type);
  if (waiting != untold_.end() && waiting->second->id == id) untold_.erase(waiting);
  if (!recorded || !loaded_ || journal_failure_) return;
  auto known = state_.notices.find(type);
  if (known != state_.notices.end() && known->second.id == id && !known->second.told)
    record(NoticeTold{id});
}

}  // namespace muster
