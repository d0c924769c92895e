#include "tests/heap/engine.hpp"

#include <algorithm>
#include <caf/scoped_actor.hpp>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "adapters/store/sqlite_store.hpp"
#include "tests/e2e/sandbox.hpp"

namespace muster::heap {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto no_answer = 60s;
constexpr auto session_patience = 1200s;  // valgrind takes its time
constexpr std::size_t actor_threads = 2;
constexpr std::size_t finished_jobs = 16;  ///< that are remembered: full after the first round
constexpr const char* mission = "heap";

std::string briefing(std::size_t session, std::size_t task) {
  return "[muster agent=worker task=M1.T" + std::to_string(task) + " attempt=1 session=S" +
         std::to_string(session) + "]\nWrite the function that the task names, with a test.";
}

/// A worker that reads and runs commands.
std::shared_ptr<const AgentProfile> profile_for(const std::string& url) {
  auto profile = std::make_shared<AgentProfile>(*bench::worker_profile(url));
  profile->tool_names.insert({"read", "shell"});
  profile->runs = RunRight::all;
  return profile;
}

/// The database's page cache grows to 2 MB: it is full before anything is measured.
Status fill_page_cache(Store& store) {
  std::promise<Result<std::uint64_t>> done;
  std::vector<NewRecord> records;
  for (int i = 0; i < 10000; ++i)
    records.push_back({"filling", "key " + std::to_string(i), std::string(400, 'f'), {}});
  store.append(mission, std::move(records),
               [&done](Result<std::uint64_t> outcome) { done.set_value(std::move(outcome)); });
  auto outcome = done.get_future().get();
  return outcome ? ok_status() : Status(outcome.error());
}

}  // namespace

SessionEngine::SessionEngine(std::string url)
    : url_(std::move(url)),
      pool_(std::make_shared<WorkerPool>(4)),
      processes_(std::make_shared<UvProcessPort>(loop_, std::string(MUSTER_BINARY))),
      http_(std::make_unique<http::HttpClient>(loop_)),
      model_(std::make_unique<model::DirectModel>(*http_)),
      profile_(profile_for(url_)),
      config_(actor_threads) {}

Result<std::unique_ptr<SessionEngine>> SessionEngine::start(const std::string& url) {
  std::unique_ptr<SessionEngine> engine(new SessionEngine(url));
  if (auto status = engine->open(); !status) return status.error();
  return engine;
}

Status SessionEngine::open() {
  test::write_file(folder_.path() + "/tree/README.md", "Read me.\n");
  SqliteStoreConfig files;
  files.folder = folder_.path() + "/journal";
  auto opened = SqliteStore::open(std::move(files));
  if (!opened) return opened.error();
  store_ = std::move(*opened);
  if (auto status = fill_page_cache(*store_); !status) return status;
  system_ = std::make_unique<caf::actor_system>(config_);
  ActorTreeParts parts;
  parts.store = store_;
  parts.blocking = pool_;
  parts.processes = processes_;
  parts.sinks = std::make_shared<NoticeSinks>();
  parts.scheduler.limits.global = std::nullopt;
  parts.jobs.max_finished = finished_jobs;
  tree_ = std::make_unique<ActorTree>(*system_, std::move(parts));
  if (auto status = tree_->start(); !status) return status;
  auto all_rounds = plan(0);
  tally_ = all_rounds.tally;
  crew_ = compat::spawn<bench::Crew, mission_actor>(*system_, std::move(all_rounds));
  resting_ = system_->registry().running();
  return ok_status();
}

SessionEngine::~SessionEngine() {
  compat::kill(crew_);
  crew_ = nullptr;
  if (tree_ && tree_->root()) {
    caf::scoped_actor self{*system_};
    self->monitor(tree_->root());
    compat::stop(tree_->root());
    self->receive([](caf::down_msg&) {}, caf::after(60s) >> [] {});
  }
  processes_->stop();
  pool_->stop();
  if (tree_) tree_->let_go();
  store_.reset();  // its callbacks speak to actors: before the system goes
  system_.reset();
  model_.reset();
  http_.reset();
  loop_.stop();
}

bench::CrewPlan SessionEngine::plan(std::size_t sessions) {
  bench::CrewPlan out;
  out.concurrent = out.sessions = sessions;
  out.tally = std::make_shared<bench::Tally>();
  out.deps.scheduler = tree_->registry().whereis<scheduler_actor>("scheduler");
  out.deps.jobs = tree_->registry().whereis<jobs_actor>("jobs");
  out.deps.journal = tree_->registry().whereis<journal_actor>("journal");
  out.deps.model = model_.get();
  out.deps.blocking = pool_.get();
  out.deps.open_files = bench::open_files;
  out.deps.guard = bench::allow_all;
  out.deps.wall_ms = bench::wall_ms;
  out.spec = [this](std::size_t number) {
    SessionSpec session;
    const auto name = ++sessions_;
    session.session = "S" + std::to_string(name);
    session.mission = mission;
    session.task = "M1.T" + std::to_string(number);
    session.briefing = briefing(name, number);
    session.root = folder_.path() + "/tree";
    session.profile = profile_;
    return session;
  };
  return out;
}

Status SessionEngine::round(std::size_t sessions) {
  compat::post(crew_, control_atom_v, ControlRequest{"more", std::to_string(sessions)});
  told_ += sessions;
  if (!tally_->await_done(told_, session_patience))
    return Error{ErrorCode::timeout, "the sessions did not end in time"};
  if (auto failure = tally_->failure()) return *failure;
  return flush();
}

Status SessionEngine::round_cut_short(std::size_t sessions) {
  auto cut_short = plan(sessions);
  auto tally = cut_short.tally;
  auto crew = compat::spawn<bench::Crew, mission_actor>(*system_, std::move(cut_short));
  if (!tally->await_alive(sessions, session_patience))
    return Error{ErrorCode::timeout, "the sessions did not begin in time"};
  compat::post(crew, control_atom_v, ControlRequest{"stop", {}});
  if (!tally->await_done(sessions, session_patience))
    return Error{ErrorCode::timeout, "the sessions did not end when they were told to"};
  compat::kill(crew);
  return flush();
}

Status SessionEngine::flush() {
  auto journal = tree_->registry().whereis<journal_actor>("journal");
  auto flushed =
      compat::ask<Unit>(*system_, journal, no_answer, flush_atom_v, std::string(mission));
  if (!flushed) return flushed.error();
  return wait_for_the_end();
}

/// A result is told before its actor is gone, and an actor before what it gave the pool.
Status SessionEngine::wait_for_the_end() const {
  const auto give_up = Clock::now() + no_answer;
  while (system_->registry().running() > resting_ || pool_->queued() > 0) {
    if (Clock::now() > give_up)
      return Error{ErrorCode::timeout, std::to_string(system_->registry().running()) +
                                           " actors are there instead of " +
                                           std::to_string(resting_)};
    std::this_thread::sleep_for(5ms);
  }
  std::this_thread::sleep_for(200ms);  // quiet, as the store takes it: its last sync is done
  return ok_status();
}

}  // namespace muster::heap
