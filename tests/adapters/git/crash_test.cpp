// D1: real processes, killed while they work.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "adapters/process/descendants.hpp"
#include "tests/adapters/git/git_fixture.hpp"

namespace muster::git::test {
namespace fs = std::filesystem;

namespace {

/// Runs `work` in a process of its own and kills that after the delay, with the git commands it had
/// begun, as the keeper does. True when the work was done before.
bool killed_after(std::chrono::microseconds delay, const std::function<void()>& work) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      work();
      ::_exit(0);
    } catch (...) {
      ::_exit(1);
    }
  }
  std::this_thread::sleep_for(delay);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  for (auto left = descendants_of(::getpid()); !left.empty(); left = descendants_of(::getpid())) {
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) throw std::runtime_error("the work failed");
  return WIFEXITED(status);
}

}  // namespace

TEST_CASE("D1 kill -9 at any moment: the same calls again reach the same end") {
  Workspace user;
  for (int i = 0; i < 30; ++i)
    user.put("d" + std::to_string(i % 5) + "/f" + std::to_string(i), "old\n");
  user.put("mine.txt", "mine\n");
  user.make_repository();
  user.put("mine.txt", "uncommitted\n");
  const std::string base = user.head();
  const CommitInfo info{"Change", "", {{"Muster-Task", "T1"}}};
  const auto mission = [&] {
    GitVersionControl control{user.options()};
    must(control.open());
    if (must(control.tip()) == base) {
      const Snapshot tree = must(control.checkout("T1", ""));
      for (int i = 0; i < 30; i += 2)
        put_file(tree.path + "/d" + std::to_string(i % 5) + "/f" + std::to_string(i), "new\n");
      fs::remove_all(tree.path + "/d1");
      put_file(tree.path + "/added/file", "new\n");
      const MergeOutcome merged = must(control.merge(must(control.commit("T1", info)), info));
      must(control.advance(base, merged.commit));
    }
    must(control.release("T1"));
    if (must(control.apply()).kind != ApplyOutcome::Kind::applied)
      throw std::runtime_error("not applied");
  };
  const auto undo = [&] {
    GitVersionControl control{user.options()};
    must(control.open());
    const Status undone = control.undo();
    if (!undone && undone.error().code != ErrorCode::not_found)
      throw std::runtime_error(undone.error().text());
  };
  const auto started = std::chrono::steady_clock::now();
  mission();
  const std::chrono::duration<double, std::micro> whole =
      std::chrono::steady_clock::now() - started;
  undo();
  const std::string tip = user.git({"rev-parse", "muster/m1"});
  const std::string tree = user.git({"rev-parse", "muster/m1^{tree}"});

  constexpr int kills = 8;
  for (int i = 0; i < kills; ++i) {
    // Half of the rounds are killed in undo, spread over the time that a run takes.
    const auto delay =
        std::chrono::microseconds{static_cast<long>(whole.count() * (i / 2 + 0.5) / (kills / 2))};
    const bool forward = i % 2 == 0;
    CAPTURE(i, delay.count());
    killed_after(forward ? delay : delay / 2, forward ? std::function<void()>{mission} : undo);
    forward ? mission() : undo();
    CHECK(user.head() == (forward ? tip : base));
    CHECK(user.git({"status", "--porcelain"}) == " M mine.txt");
    CHECK(user.get("mine.txt") == "uncommitted\n");
    CHECK_FALSE(there(user.path(".git/index.lock")));
  }
  CHECK(user.git({"rev-parse", "muster/m1^{tree}"}) == tree);
  CHECK(user.git({"fsck", "--strict", "--no-dangling"}).empty());
}

TEST_CASE("D1 a first run that is killed again and again ends like one that is not") {
  Workspace user;
  for (int i = 0; i < 30; ++i) user.put("f" + std::to_string(i), "old\n");
  user.make_repository();
  const std::string base = user.head();
  const auto run = [&](const std::string& name) {
    GitVersionControl control{user.options(name)};
    must(control.open());
    if (must(control.tip()) != base) return;
    const Snapshot tree = must(control.checkout("T1", ""));
    put_file(tree.path + "/f1", "new\n");
    must(control.advance(base, must(control.commit("T1", CommitInfo{"x"}))));
  };
  const auto started = std::chrono::steady_clock::now();
  run("whole");
  const std::chrono::duration<double, std::micro> whole =
      std::chrono::steady_clock::now() - started;
  for (int i = 0; i < 5; ++i) {
    const auto delay = std::chrono::microseconds{static_cast<long>(whole.count() * (i + 0.5) / 5)};
    fs::remove_all(user.state());
    CAPTURE(i, delay.count());
    killed_after(delay, [&] { run("m" + std::to_string(i)); });
    run("m" + std::to_string(i));
    const std::string branch = "muster/m" + std::to_string(i);
    CHECK(user.private_git({"show", branch + ":f1"}) == "new");
    CHECK(user.private_git({"rev-list", "--count", base + ".." + branch}) == "1");
  }
}

}  // namespace muster::git::test
