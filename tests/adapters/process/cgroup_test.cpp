// J3 with control groups: where they are found, and what they end that nothing else could.

#include <catch2/catch_test_macros.hpp>

#include "adapters/process/job_cgroup.hpp"
#include "adapters/process/spawn.hpp"
#include "tests/adapters/process/support.hpp"

using namespace muster;
using namespace muster::test;
using namespace std::chrono_literals;

namespace {

const std::string v1_lines =
    "25 23 0:20 / /sys rw,nosuid - sysfs sysfs rw\n"
    "33 32 0:30 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids\n";

std::string v2_line(const std::string& root, const std::string& point) {
  return "41 31 0:38 " + root + " " + point + " rw,relatime shared:4 - cgroup2 cgroup2 rw\n";
}

/// Where leaves can be made on this machine; skips the test where they cannot.
std::string parent_here() {
  const auto parent = probe_job_cgroups();
  if (!parent) SKIP("no control groups here: " << parent.error().message);
  return *parent;
}

/// The folder of the engine whose job is in that group (a line of /proc/PID/cgroup). Other engines
/// of this machine come and go beside it.
std::string folder_of(const std::string& cgroup, const std::string& parent) {
  const auto from = cgroup.find("/muster-");
  REQUIRE(from != std::string::npos);
  return parent + cgroup.substr(from, cgroup.find('/', from + 1) - from);
}

pid_t parent_of(pid_t pid) {
  const auto status = slurp("/proc/" + std::to_string(pid) + "/status");
  return static_cast<pid_t>(std::stol(status.substr(status.find("\nPPid:") + 6)));
}

}  // namespace

TEST_CASE("the own control group is found wherever v2 is mounted", "[cgroup]") {
  CHECK(own_cgroup_folder("0::/user.slice/a.scope\n", v2_line("/", "/sys/fs/cgroup")) ==
        "/sys/fs/cgroup/user.slice/a.scope");
  // Beside v1, without controllers.
  CHECK(own_cgroup_folder("9:pids:/x\n1:name=systemd:/y\n0::/\n",
                          v1_lines + v2_line("/", "/sys/fs/cgroup/unified")) ==
        "/sys/fs/cgroup/unified");
  // A container that sees a part.
  CHECK(own_cgroup_folder("0::/docker/1/job\n", v2_line("/docker/1", "/sys/fs/cgroup")) ==
        "/sys/fs/cgroup/job");
  CHECK(own_cgroup_folder("0::/docker/1\n", v2_line("/docker/1", "/sys/fs/cgroup")) ==
        "/sys/fs/cgroup");
  CHECK(own_cgroup_folder("0::/a\n", v2_line("/", "/mnt/with\\040blank")) == "/mnt/with blank/a");
}

TEST_CASE("no control group where there is none to be used", "[cgroup]") {
  CHECK(own_cgroup_folder("", "").empty());
  CHECK(own_cgroup_folder("9:pids:/x\n", v1_lines).empty());
  CHECK(own_cgroup_folder("0::/\n", v1_lines).empty());
  CHECK(own_cgroup_folder("0::/../other\n", v2_line("/", "/sys/fs/cgroup")).empty());
  CHECK(own_cgroup_folder("0::/elsewhere\n", v2_line("/docker/1", "/sys/fs/cgroup")).empty());
  CHECK(own_cgroup_folder("0::/\n", "nonsense\n - cgroup2 x\n").empty());
}

TEST_CASE("where no control group can be made it is said why, and jobs run all the same",
          "[cgroup]") {
  const TempFolder folder;
  std::string why;
  CHECK(JobCgroups::make_below(folder / "missing", why) == nullptr);
  CHECK(why.find("No such file") != std::string::npos);
  CHECK(JobCgroups::make_below(folder.str(), why) == nullptr);  // a folder, but no control group
  CHECK(why.find("cannot be used") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.str()));
  std::vector<std::string> said;
  IoLoop loop;
  UvProcessPort port(loop,
                     {.cgroups = false, .say = [&](const auto& what) { said.push_back(what); }});
  std::promise<ProcessExit> ended;
  port.start({.argv = {"true"}, .cwd = "/"},
             [&](ProcessExit exit) { ended.set_value(std::move(exit)); });
  CHECK(ended.get_future().get().success());
  CHECK(said ==
        std::vector<std::string>{"jobs have no control group: control groups are switched off"});
}

TEST_CASE("J3 a job runs in a leaf of its own, which goes with it", "[cgroup]") {
  const auto parent = parent_here();
  std::string folder;
  {
    Bench bench;
    const auto first = bench.run_shell("grep ^0:: /proc/self/cgroup").output;
    const auto second = bench.run_shell("grep ^0:: /proc/self/cgroup").output;
    folder = folder_of(first, parent);
    CHECK(folder == folder_of(second, parent));
    CHECK(first != second);
    bench.port.stop();
    for (const auto& leaf : std::filesystem::directory_iterator(folder))
      CHECK_FALSE(leaf.is_directory());
  }
  CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("J3 a daemon without parent, session and environment goes with a killed helper",
          "[cgroup]") {
  parent_here();
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  Bench bench;
  // Forked twice, in a session of its own, and nothing in its environment names the job.
  const auto job = bench.shell("(env -i setsid sh -c 'echo $$ > " + mail.path() +
                               "; while :; do sleep 1000; done' &) ; echo $$ > " + mail.path() +
                               "; sleep 1000; :");
  const std::vector<pid_t> pids = {mail.pid(), mail.pid()};
  while (job.process->pid() == 0) std::this_thread::yield();
  ::kill(parent_of(job.process->pid()), SIGKILL);
  job.wait();
  for (const pid_t pid : pids) CHECK(ends(pid));
  bench.port.stop();
  CHECK(adopted_end());
}

TEST_CASE("J3 what a dead engine left in its leaves ends when the next one starts", "[cgroup]") {
  const auto parent = parent_here();
  const TempFolder folder;
  Mailbox mail(folder / "mail");
  // As after a kill of engine, keeper and helper at once: the processes live, nobody owns them.
  const auto script = "(env -i setsid sh -c 'echo $$ > " + mail.path() +
                      "; while :; do sleep 1000; done' &); sleep 1000; :";
  const pid_t engine = spawn({.file = "/proc/self/exe",
                              .argv = {"muster", "__engine", "jobs", script},
                              .env = own_environment()})
                           .value();
  const pid_t orphan = mail.pid();
  const auto left = folder_of(slurp("/proc/" + std::to_string(orphan) + "/cgroup"), parent);
  pid_t helper = 0;
  for (const pid_t pid : descendants_of(engine))
    if (parent_of(pid) == engine) helper = pid;
  REQUIRE(helper != 0);
  ::kill(helper, SIGSTOP);
  ::kill(engine, SIGKILL);
  CHECK(ends(engine));
  ::kill(helper, SIGKILL);
  CHECK(ends(helper));
  REQUIRE(lives(orphan));
  REQUIRE(std::filesystem::exists(left));
  { const Bench next; }
  CHECK(ends(orphan));
  CHECK_FALSE(std::filesystem::exists(left));
  CHECK(adopted_end());
}

TEST_CASE("the folders of living engines are left alone", "[cgroup]") {
  const auto parent = parent_here();
  std::string why;
  const auto one = JobCgroups::make_below(parent, why);
  REQUIRE(one);
  const auto two = JobCgroups::make_below(parent, why);
  REQUIRE(two);
  CHECK(one->folder() != two->folder());
  CHECK(std::filesystem::exists(one->folder()));
}

TEST_CASE("a signal reaches only the process that is meant", "[process]") {
  const pid_t child =
      spawn({.file = "/bin/sleep", .argv = {"sleep", "1000"}, .env = {"MUSTER_TEST_MARK=1"}})
          .value();
  // An exec hides the environment for a moment.
  while (!has_env(child, "MUSTER_TEST_MARK=1") && lives(child)) std::this_thread::yield();
  CHECK_FALSE(signal_if(child, SIGKILL, [&] { return has_env(child, "MUSTER_TEST_MARK=2"); }));
  CHECK(lives(child));
  CHECK(signal_if(child, SIGKILL, [&] { return has_env(child, "MUSTER_TEST_MARK=1"); }));
  CHECK(ends(child));
  CHECK_FALSE(signal_if(child, SIGKILL, [] { return true; }));
}
