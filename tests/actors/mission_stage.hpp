#pragma once
// A whole mission under virtual time: real mission, sessions, verifiers, scheduler, jobs, journal
// and notifier; a scripted team.

#include <map>
#include <string>
#include <vector>

#include "actors/mission.hpp"
#include "actors/notifier.hpp"
#include "tests/actors/session_stage.hpp"
#include "tests/support/fake_tree.hpp"

namespace muster::test {

class NoticeBook final : public NoticeSink {
 public:
  bool offer(const Notice& notice) override {
    notices.push_back(notice);
    return true;
  }
  std::vector<Notice> notices;
};

/// What a scripted agent sees of its request.
struct Turn {
  const SeenRequest& request;
  std::string agent;
  std::string task;
  std::string session;
  int attempt = 0;
  int number = 0;  ///< of the replies that are in its transcript
};

/// What a test's own agent says in place of the team's.
using Reply = std::optional<std::optional<ModelOutcome>>;
inline const Reply by_the_team = std::nullopt;
inline const Reply never =
    std::optional<std::optional<ModelOutcome>>(std::optional<ModelOutcome>());

struct MissionStage {
  SessionStage base;
  std::shared_ptr<FakeTree> tree = std::make_shared<FakeTree>();
  std::shared_ptr<NoticeBook> book = std::make_shared<NoticeBook>();
  notifier_actor notifier;
  mission_actor mission;
  MissionStarted started;
  std::vector<ProjectCommand> commands = {{"test", "test", "make test", "", "Makefile"}};
  /// Wins over the team below; nullopt = the team.
  std::function<Reply(const Turn&)> agent;
  std::vector<json> plan = {task("M1.T1", "src/one.cpp"), task("M1.T2", "src/two.cpp")};
  std::map<std::string, std::string> workspace;  ///< .muster/<name>
  int commands_exit = 0;
  bool end_pause = true;
  SnapshotBounds snapshots;

  MissionStage();
  ~MissionStage();

  static json task(const std::string& id, const std::string& file);

  MissionDeps deps();

  mission_actor start(bool fresh = true);
  /// Until it has ended or nothing happens any more.
  void finish(std::chrono::minutes patience = 30min);
  Result<std::string> control(const std::string& method, const json& params = json::object());
  /// Asked, and not waited for: while the disk holds back, so does the answer.
  Pending<std::string> begin_control(const std::string& method,
                                     const json& params = json::object());
  json status();
  [[nodiscard]] int count(const std::string& type) const;
  [[nodiscard]] json last(const std::string& type) const;
  /// The state as a new incarnation would read it.
  State folded();
  /// Sealed, said once, on record, with nothing left.
  void check_sealed();

 private:
  std::optional<ModelOutcome> play(const SeenRequest& request);
  /// Everybody does the job at once.
  ModelOutcome team(const Turn& turn);
};

}  // namespace muster::test
