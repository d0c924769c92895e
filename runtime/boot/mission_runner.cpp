#include "runtime/boot/mission_runner.hpp"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "adapters/git/git_version_control.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/io/wall_clock.hpp"
#include "adapters/process/keeper.hpp"
#include "adapters/process/run_command.hpp"
#include "adapters/rpc/rpc_client.hpp"
#include "adapters/rpc/workspace_lock.hpp"
#include "adapters/ui/caller.hpp"
#include "adapters/ui/view.hpp"
#include "runtime/boot/control_server.hpp"
#include "runtime/boot/headless_opencode.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto status_period = 200ms;
constexpr auto pause_deadline = 5s;
constexpr auto ending_patience = 15s;
constexpr auto call_patience = 5s;  // of notify.command

/// What the main thread waits for: notices of the mission, signals, the keeper's death, the
/// engine's own.
class Inbox {
 public:
  struct Item {
    enum class Kind { notice, interrupt, keeper_gone, engine_failed } kind = Kind::notice;
    Notice notice;
    std::string reason = {};  ///< of the engine's failure
  };
  void put(Item item) {
    std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    ready_.notify_one();
  }
  std::optional<Item> next(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, patience, [this] { return !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    auto item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Item> items_;
};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

/// Turns SIGINT and SIGTERM into inbox items while it lives.
class SignalThread {
 public:
  explicit SignalThread(Inbox& inbox)
      : thread_([this, &inbox] {
          auto set = stop_signals();
          timespec patience{0, 100'000'000};
          while (!done_) {
            if (sigtimedwait(&set, nullptr, &patience) > 0)
              inbox.put({Inbox::Item::Kind::interrupt, {}});
          }
        }) {}
  ~SignalThread() {
    done_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto written = write(fd, text.data(), text.size());
    if (written <= 0) return;  // a reader that is gone is no reason to stop a mission
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::size_t terminal_size(bool columns) {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return columns ? 80 : 24;
  return columns ? size.ws_col : size.ws_row;
}

/// Takes the workspace. An engine that serves its socket keeps it; one that does not is ending, and
/// is waited for.
Result<rpc::WorkspaceLock> acquire_lock(const config::WorkspacePaths& paths) {
  auto give_up = std::chrono::steady_clock::now() + ending_patience;
  while (true) {
    auto lock = rpc::WorkspaceLock::acquire(paths.lock_file);
    if (lock || lock.error().code != ErrorCode::conflict) return lock;
    if (rpc::RpcClient::connect(paths.socket, 1s)) return lock;
    if (std::chrono::steady_clock::now() > give_up) return lock;
    std::this_thread::sleep_for(50ms);  // the kernel lets go of the lock when the process ends:
                                        // there is no event to wait for
  }
}

/// Is waited for when it goes.
class JoiningThread {
 public:
  template <class Work>
  explicit JoiningThread(Work work) : thread_(std::move(work)) {}
  JoiningThread(const JoiningThread&) = delete;
  JoiningThread& operator=(const JoiningThread&) = delete;
  ~JoiningThread() { thread_.join(); }

 private:
  std::thread thread_;
};

/// One mission under the eyes of the main thread.
class Runner {
 public:
  explicit Runner(RunOptions options) : options_(std::move(options)) {}

  int run() {
    auto keeper_fd = take_keeper_fd();  // changes the environment: while nobody else can read it
    auto lock = acquire_lock(options_.engine.paths);
    if (!lock) return refuse(lock.error());
    auto engine = Engine::start(options_.engine);
    if (!engine) return refuse(engine.error());
    engine_ = std::move(*engine);
    auto control = ControlServer::start(*engine_);
    if (!control) return refuse(control.error());
    control_ = std::move(*control);
    if (options_.engine.config.host == config::Host::opencode) {
      auto host = HeadlessOpenCode::start(*engine_);
      if (!host) return refuse(host.error());
      opencode_ = std::move(*host);
    }
    view_ = choose_view(options_.view, options_.engine.environment);
    caller_.emplace(caller_options());
    engine_->subscribe("view", [this](const Notice& notice) {
      inbox_.put({Inbox::Item::Kind::notice, notice});
    });
    engine_->on_failure([this](const Error& error) {
      inbox_.put({Inbox::Item::Kind::engine_failed, {}, error.text()});
    });
    auto keeper = watch_keeper(std::move(keeper_fd));
    SignalThread signals(inbox_);
    if (auto started = start(); !started) return refuse(started.error());
    auto code = watch();
    keeper.reset();
    if (outcome_.is_object()) show_end();
    opencode_.reset();  // its plugin is a client of the control socket
    control_.reset();
    engine_->unsubscribe("view");
    engine_->stop();
    return code;
  }

 private:
  /// Without a keeper (the demo) there is nobody to watch.
  std::unique_ptr<KeeperLink> watch_keeper(UniqueFd fd) {
    if (!fd) return nullptr;
    return std::make_unique<KeeperLink>(engine_->loop(), std::move(fd), [this] {
      inbox_.put({Inbox::Item::Kind::keeper_gone, {}});
    });
  }

  static int refuse(const Error& error) {
    fmt::print(stderr, "muster: {}\n", error.text());
    return error.code == ErrorCode::invalid_argument ? cli::exit_usage : cli::exit_failed;
  }

  Status start() {
    if (!options_.start) return engine_->resume_mission(options_.resume, !options_.by_keeper);
    auto id = options_.id.empty() ? Engine::new_mission_id() : options_.id;
    if (shares_tree(options_.engine.config, options_.start->kind))
      if (auto ready = share_tree(id); !ready) return ready;
    return engine_->start_mission(id, *options_.start);
  }

  /// Refuses at once, instead of in the mission's first step.
  Status share_tree(const std::string& id) {
    auto options = tree_options(id);
    options.shared_tree = true;
    git::GitVersionControl tree(std::move(options));
    if (auto opened = tree.open(); !opened) return opened.error();
    fmt::print(stderr,
               "muster: the agents work in {} itself, one task at a time; leave its files alone "
               "until they are done\n",
               options_.engine.paths.workspace);
    return ok_status();
  }

  [[nodiscard]] git::GitOptions tree_options(const std::string& mission) const {
    git::GitOptions out;
    out.workspace = options_.engine.paths.workspace;
    out.state_folder = options_.engine.paths.state_dir;
    out.mission = mission;
    out.linked_folders = options_.engine.config.links;
    return out;
  }

  int watch() {
    while (true) {
      auto item = inbox_.next(status_period);
      if (!item) {
        refresh();
        if (interrupted_at_ && std::chrono::steady_clock::now() - *interrupted_at_ > pause_deadline)
          return cli::exit_interrupted;
        continue;
      }
      if (item->kind == Inbox::Item::Kind::engine_failed) return on_engine_failed(item->reason);
      if (item->kind == Inbox::Item::Kind::notice) {
        if (auto code = on_notice(item->notice)) return *code;
      } else if (auto code = on_interrupt(item->kind == Inbox::Item::Kind::keeper_gone)) {
        return *code;
      }
    }
  }

  /// The first asks the mission to hold still, the second does not wait for it.
  std::optional<int> on_interrupt(bool keeper_gone) {
    if (keeper_gone) {
      control_.reset();              // who comes next sees that this engine is on its way out
      return cli::exit_interrupted;  // nobody asked for a pause: like a crash, it leaves none
                                     // behind
    }
    if (interrupted_at_) return cli::exit_interrupted;
    interrupted_at_ = std::chrono::steady_clock::now();
    fmt::print(stderr, "muster: pausing; interrupt again to kill\n");
    if (!engine_->control("pause", "{}")) return cli::exit_interrupted;
    return std::nullopt;
  }

  std::optional<int> on_notice(const Notice& notice) {
    if (!notice.id.empty() && !shown_.insert(notice.id).second) return std::nullopt;
    auto data = json::parse(notice.json, nullptr, false);
    ui::UiEvent event{++seq_, wall_ms(), notice.type, data};
    view_->on_event(event);
    caller_->on_notice(notice.type, data, steady_ms());
    if (notice.type == "mission_ended") {
      refresh();
      outcome_ = data;
      return data.value("exit_code", 1);
    }
    if (notice.type == "mission_paused") return on_paused(data);
    if (notice.type == "needs_user") {
      refresh();
      if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        outcome_ =
            json{{"outcome", "needs_user"}, {"exit_code", 3}, {"questions", data["questions"]}};
        return cli::exit_needs_user;
      }
    }
    return std::nullopt;
  }

  ui::Caller::Options caller_options() {
    const auto& notify = options_.engine.config.notify;
    ui::Caller::Options out;
    if (notify.bell && isatty(STDERR_FILENO) && !options_.view.json)
      out.ring = [] { write_all(STDERR_FILENO, "\a"); };
    out.command = notify.command;
    out.run = [this](std::vector<std::string> argv) {
      callings_.emplace_back([argv = std::move(argv)]() mutable { call(std::move(argv)); });
    };
    return out;
  }

  /// Nobody reads what it says; that it cannot be run is worth a word.
  static void call(std::vector<std::string> argv) {
    CommandSpec spec;
    spec.argv = std::move(argv);
    spec.timeout = call_patience;
    auto called = run_command(spec);
    if (!called) spdlog::warn("notify.command: {}", called.error().text());
  }

  static std::int64_t steady_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  /// What could be restarted has been, again and again. The journal is whole: a person may go on
  /// from it, now or with another version; the keeper does not, as nothing would be different.
  int on_engine_failed(const std::string& reason) {
    control_.reset();  // who comes next sees that this engine is on its way out
    fmt::print(stderr,
               "muster: the engine failed: {}\nmuster: nothing of the mission is lost; go on with: "
               "muster resume {}\n",
               reason, engine_->current_mission());
    outcome_ = json{{"outcome", "engine_failed"},
                    {"exit_code", cli::exit_failed},
                    {"reason", reason + "; go on with: muster resume"}};
    return cli::exit_failed;
  }

  /// By a person; or by the engine, which cannot go on before a person has seen to something.
  int on_paused(const json& data) {
    auto why = data.value("reason", "");
    auto code = why.empty() ? cli::exit_interrupted : cli::exit_needs_user;
    outcome_ = json{{"outcome", "paused"},
                    {"exit_code", code},
                    {"reason", (why.empty() ? "" : why + "; ") + "go on with: muster resume"}};
    return code;
  }

  void refresh() {
    caller_->tick(steady_ms());
    auto status = engine_->control("status", "{}");
    if (!status) return;
    auto snapshot = ui::status_from_json(json::parse(*status, nullptr, false));
    if (snapshot) view_->on_status(*snapshot);
    view_->tick(wall_ms());
  }

  void show_end() {
    outcome_["mission"] = engine_->current_mission();
    const bool done =
        outcome_.value("outcome", "") == "sealed" || outcome_.value("outcome", "") == "answered";
    if (!done && git::GitVersionControl(tree_options(engine_->current_mission())).shared())
      outcome_["note"] = "your tree is as the agents left it; muster undo takes their work back";
    view_->finish(outcome_, wall_ms());
    if (options_.show_diff && !options_.view.json && outcome_.value("outcome", "") == "sealed")
      fmt::print("\n{}", strip_terminal_escapes(mission_diff()));
  }

  std::string mission_diff() {
    git::GitVersionControl control(tree_options(engine_->current_mission()));
    auto diff = control.open() ? control.mission_diff(200000) : Result<Diff>(Error{});
    return diff ? diff->patch : "";
  }

  RunOptions options_;
  Inbox inbox_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<HeadlessOpenCode> opencode_;  // without a person's own
  std::unique_ptr<ui::View> view_;
  std::optional<ui::Caller> caller_;
  std::list<JoiningThread> callings_;  // at most one every two seconds, each bounded
  std::optional<std::chrono::steady_clock::time_point> interrupted_at_;
  json outcome_;
  std::set<std::string> shown_;  // ids of notices
  std::uint64_t seq_ = 0;
};

}  // namespace

void block_signals() {
  auto set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::unique_ptr<ui::View> choose_view(const cli::ViewOptions& wanted,
                                      const config::Environment& environment) {
  auto progress = [](std::string_view text) { write_all(STDERR_FILENO, text); };
  auto answer = [](std::string_view text) { write_all(STDOUT_FILENO, text); };
  if (wanted.json) return ui::make_json_view(answer);
  if (wanted.plain || !isatty(STDERR_FILENO)) return ui::make_plain_view(progress, answer);
  ui::LiveOptions live;
  live.columns = [] { return terminal_size(true); };
  live.rows = [] { return terminal_size(false); };
  live.color = !environment.contains("NO_COLOR");
  return ui::make_live_view(progress, answer, std::move(live));
}

int run_mission(RunOptions options) { return Runner(std::move(options)).run(); }

namespace {

int wait_for_stop_signal() {
  auto set = stop_signals();
  int signal = 0;
  sigwait(&set, &signal);
  return signal;
}

/// Passes stdin and stdout on to the engine's own socket, until either ends or a signal comes.
void serve_stdio(const std::string& socket, std::unique_ptr<ControlServer>& control) {
  std::thread closer([&control] {
    wait_for_stop_signal();
    control.reset();  // ends the bridge
  });
  (void)rpc::bridge_stdio(socket, STDIN_FILENO, STDOUT_FILENO);
  pthread_kill(closer.native_handle(), SIGINT);  // one of those that it waits for
  closer.join();
}

int complain(const Error& error) {
  fmt::print(stderr, "muster: {}\n", error.text());
  return cli::exit_failed;
}

/// What `serve --stdio` has come to before it needs an engine of its own.
struct Bridged {
  std::optional<int> exit_code;            ///< an engine was there, and has been talked to
  std::optional<rpc::WorkspaceLock> lock;  ///< else this process is to be the engine
};

/// An engine that is at work already is the one to talk to. One that is about to serve or to end
/// holds the lock and no socket: it is waited for, so that two that start at once become one engine
/// and a bridge to it.
Result<Bridged> bridge_or_lock(const config::WorkspacePaths& paths) {
  auto give_up = std::chrono::steady_clock::now() + ending_patience;
  while (true) {
    if (rpc::RpcClient::connect(paths.socket, 1s)) {
      auto bridged = rpc::bridge_stdio(paths.socket, STDIN_FILENO, STDOUT_FILENO);
      if (bridged) return Bridged{cli::exit_sealed, {}};
      return bridged.error();
    }
    auto lock = rpc::WorkspaceLock::acquire(paths.lock_file);
    if (lock) return Bridged{{}, std::move(*lock)};
    if (lock.error().code != ErrorCode::conflict || std::chrono::steady_clock::now() > give_up)
      return lock.error();
    std::this_thread::sleep_for(50ms);  // there is no event to wait for
  }
}

}  // namespace

int serve(EngineOptions options, bool stdio) {
  const auto paths = options.paths;
  Bridged start;
  if (stdio) {
    auto bridged = bridge_or_lock(paths);
    if (!bridged) return complain(bridged.error());
    if (bridged->exit_code) return *bridged->exit_code;
    start = std::move(*bridged);
  } else {
    auto lock = rpc::WorkspaceLock::acquire(paths.lock_file);
    if (!lock) return complain(lock.error());
    start.lock = std::move(*lock);
  }
  auto engine = Engine::start(std::move(options));
  if (!engine) return complain(engine.error());
  auto control = ControlServer::start(**engine);
  if (!control) return complain(control.error());
  std::atomic<bool> failed{false};
  (*engine)->on_failure([&failed](const Error& error) {
    fmt::print(stderr, "muster: the engine failed: {}\n", error.text());
    failed = true;
    ::kill(::getpid(), SIGTERM);  // which this thread waits for
  });
  if (stdio)
    serve_stdio(paths.socket, *control);
  else
    wait_for_stop_signal();
  control->reset();
  (*engine)->stop();
  return failed ? cli::exit_failed : cli::exit_sealed;
}

}  // namespace muster
