#include "adapters/process/keeper.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "adapters/process/spawn.hpp"
#include "tests/adapters/process/support.hpp"

using namespace muster;
using namespace muster::test;
using namespace std::chrono_literals;

namespace {

/// A keeper as its own process, with its stderr in a file.
class KeeperProcess {
 public:
  explicit KeeperProcess(std::vector<std::string> engine_arguments, const std::string& wrapper = {},
                         std::chrono::milliseconds same_interrupt = 250ms) {
    std::vector<std::string> argv = {"muster", "__keeper", std::to_string(same_interrupt.count())};
    argv.insert(argv.end(), engine_arguments.begin(), engine_arguments.end());
    std::string file = "/proc/self/exe";
    if (!wrapper.empty()) {
      argv[0] = std::filesystem::read_symlink("/proc/self/exe").string();
      argv.insert(argv.begin(), {"sh", "-c", wrapper, "sh"});
      file = "/bin/sh";
    }
    const UniqueFd err(::open(errors().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    pid_ = spawn({.file = file,
                  .argv = argv,
                  .env = own_environment(),
                  .fds = {{err.get(), 2}},
                  .new_session = true})
               .value();
  }
  ~KeeperProcess() {
    // A test that failed, or did not care, leaves an engine behind.
    const auto below = over_ ? std::vector<pid_t>{} : descendants_of(pid_);
    if (!over_) ::kill(pid_, SIGKILL);
    for (const pid_t pid : below) ::kill(pid, SIGKILL);
    ends(pid_);
    adopted_end();
  }
  KeeperProcess(const KeeperProcess&) = delete;
  KeeperProcess& operator=(const KeeperProcess&) = delete;

  void signal(int sig) const { ::kill(pid_, sig); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Its exit code; -signal when one ended it.
  int exit_code() {
    const int status = status_of(pid_);
    over_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  [[nodiscard]] std::string said() const { return slurp(errors()); }

 private:
  [[nodiscard]] std::string errors() const { return folder_ / "stderr"; }

  TempFolder folder_;
  pid_t pid_ = 0;
  bool over_ = false;
};

char state_of(pid_t pid) {
  const auto stat = slurp("/proc/" + std::to_string(pid) + "/stat");
  return stat.at(stat.rfind(')') + 2);
}

}  // namespace

TEST_CASE("the keeper exits with the engine's exit code", "[keeper]") {
  CHECK(KeeperProcess({"exit", "0"}).exit_code() == 0);
  KeeperProcess keeper({"exit", "7"});
  CHECK(keeper.exit_code() == 7);
  CHECK(keeper.said().empty());
}

TEST_CASE("an engine that was killed is started again and told to resume", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  ::setenv("MUSTER_RESUME", "1", 1);  // of an outer run: must not count for the first start
  KeeperProcess keeper({"crash_once", mail.path()});
  ::unsetenv("MUSTER_RESUME");
  CHECK(mail.line() == "fresh");
  CHECK(mail.line() == "resumed");
  CHECK(keeper.exit_code() == 5);
  CHECK(keeper.said() ==
        "muster: the engine died of signal 9 (Killed); starting it again (1 of 3)\n");
}

TEST_CASE("after three restarts in five minutes the keeper gives up", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper({"crash", mail.path(), std::to_string(SIGSEGV)});
  CHECK(keeper.exit_code() == 1);
  CHECK(mail.line() == "fresh");
  for (int i = 0; i < 3; ++i) CHECK(mail.line() == "resumed");
  CHECK(mail.empty());
  const auto said = keeper.said();
  CHECK(said.find("(3 of 3)") != std::string::npos);
  CHECK(said.find("died of signal 11 (Segmentation fault) after 3 restarts in 300 s; giving up") !=
        std::string::npos);
}

TEST_CASE("the first interrupt is passed on, the engine ends as it likes", "[keeper]") {
  const TempFolder folder;
  for (const int sig : {SIGINT, SIGTERM}) {
    Mailbox mail(folder / ("mail" + std::to_string(sig)));
    KeeperProcess keeper({"wait", mail.path()});
    mail.pid();
    keeper.signal(sig);
    CHECK(mail.line() == (sig == SIGINT ? "INT" : "TERM"));
    if (sig == SIGTERM) continue;  // this engine ends with INT only: the test kills it
    CHECK(keeper.exit_code() == 9);
  }
}

TEST_CASE("the second interrupt kills", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper({"wait", mail.path()}, {}, 0ms);
  const pid_t engine = mail.pid();
  keeper.signal(SIGTERM);
  CHECK(mail.line() == "TERM");
  keeper.signal(SIGTERM);
  CHECK(keeper.exit_code() == 130);
  CHECK(ends(engine));
  CHECK(keeper.said().empty());
}

TEST_CASE("an interrupt that is told twice is one", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper({"wait", mail.path()}, {}, 1h);
  const pid_t engine = mail.pid();
  keeper.signal(SIGTERM);
  CHECK(mail.line() == "TERM");
  keeper.signal(SIGTERM);
  keeper.signal(SIGWINCH);  // has the higher number: it is looked at after TERM
  CHECK(mail.line() == "WINCH");
  CHECK(lives(engine));
}

TEST_CASE("a hang-up only detaches", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper({"wait", mail.path()});
  const pid_t engine = mail.pid();
  keeper.signal(SIGHUP);
  keeper.signal(SIGUSR2);
  CHECK(mail.line() == "USR2");  // and no HUP before it
  CHECK(lives(engine));
  CHECK(lives(keeper.pid()));
  keeper.signal(SIGINT);
  CHECK(mail.line() == "INT");
  CHECK(keeper.exit_code() == 9);
}

TEST_CASE("the engine is out of the terminal's reach", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper({"wait", mail.path()});
  const pid_t engine = mail.pid();
  CHECK(::getsid(engine) == engine);
  CHECK(::getsid(keeper.pid()) == keeper.pid());
  ::kill(-keeper.pid(), SIGINT);  // as Ctrl-C does: the whole group
  CHECK(mail.line() == "INT");
  CHECK(keeper.exit_code() == 9);
  CHECK(mail.empty());
}

TEST_CASE("Ctrl-Z stops keeper and engine, fg continues both", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper({"wait", mail.path()});
  const pid_t engine = mail.pid();
  keeper.signal(SIGTSTP);
  int status = 0;
  REQUIRE(::waitpid(keeper.pid(), &status, WUNTRACED) == keeper.pid());
  CHECK(WIFSTOPPED(status));
  while (state_of(engine) != 'T') std::this_thread::yield();
  keeper.signal(SIGCONT);
  CHECK(mail.line() == "CONT");
  keeper.signal(SIGINT);
  // The keeper passes SIGCONT on as well; the engine may see one or two.
  auto next = mail.line();
  if (next == "CONT") next = mail.line();
  CHECK(next == "INT");
  CHECK(keeper.exit_code() == 9);
}

TEST_CASE("J3 jobs of a dead engine end before it is started again", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  const auto script = "setsid sh -c 'echo $$ > " + mail.path() + "; sleep 1000; :' & wait";
  KeeperProcess keeper({"jobs", script});
  const pid_t grandchild = mail.pid();
  const auto below = descendants_of(keeper.pid());
  REQUIRE(below.size() >= 4);  // engine, helper, job, grandchild
  pid_t engine = 0;
  for (const pid_t pid : below) {
    if (::getsid(pid) == pid &&
        slurp("/proc/" + std::to_string(pid) + "/cmdline").find("__engine") != std::string::npos) {
      engine = pid;
    }
  }
  REQUIRE(engine != 0);
  ::kill(engine, SIGKILL);
  const pid_t again = mail.pid();  // the second engine's job runs
  CHECK(again != grandchild);
  CHECK_FALSE(lives(grandchild));
  for (const pid_t pid : below) CHECK_FALSE(lives(pid));
  // Two interrupts end it all: this engine does not react to the first.
  keeper.signal(SIGTERM);
  CHECK(keeper.exit_code() == 130);
  CHECK_FALSE(lives(again));
}

TEST_CASE("J3 a killed keeper is noticed by its engine", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper({"link", mail.path()});
  const pid_t engine = mail.pid();
  CHECK(lives(engine));
  keeper.signal(SIGKILL);
  CHECK(mail.line() == "gone");
  CHECK(keeper.exit_code() == -SIGKILL);
  CHECK(ends(engine));
}

TEST_CASE("children that a shell had before it became the keeper are left alone", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper({"exit", "4"}, "sleep 1000 & echo $! > " + mail.path() + "; exec \"$@\"");
  const pid_t stranger = mail.pid();
  CHECK(keeper.exit_code() == 4);
  CHECK(lives(stranger));  // now our orphan
  ::kill(stranger, SIGKILL);
  CHECK(ends(stranger));
}

TEST_CASE("an engine that cannot be started ends the keeper", "[keeper]") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    // A child of its own, since the keeper changes the signal mask.
    ::dup2(::open("/dev/null", O_WRONLY), 2);
    ::_exit(keeper_main({.engine_binary = "/nowhere/muster"}));
  }
  const int status = status_of(pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
}

TEST_CASE("J3 the deaths of keeper and engine at once end all jobs", "[keeper]") {
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  KeeperProcess keeper(
      {"jobs", family(mail.path()), GENERATE(as<std::string>(), "cgroups", "none")});
  const auto pids = four_pids(mail);
  const auto everything = descendants_of(keeper.pid());  // engine and helper too
  CHECK(everything.size() >= pids.size() + 2);
  pid_t engine = 0;
  for (const pid_t pid : everything) {
    const auto stat = slurp("/proc/" + std::to_string(pid) + "/stat");
    const auto parent = std::stol(stat.substr(stat.rfind(')') + 4));
    if (parent == keeper.pid()) engine = pid;
  }
  REQUIRE(engine != 0);
  keeper.signal(SIGSTOP);  // it must not see the engine's end
  ::kill(engine, SIGKILL);
  keeper.signal(SIGKILL);
  CHECK(keeper.exit_code() == -SIGKILL);
  for (const pid_t pid : pids) CHECK(ends(pid));
  for (const pid_t pid : everything) CHECK(ends(pid));
}
