#include "runtime/boot/headless_opencode.hpp"

#include <chrono>
#include <utility>

#include "adapters/http/http_client.hpp"
#include "adapters/opencode/host_link.hpp"
#include "adapters/opencode/opencode_server.hpp"
#include "adapters/process/uv_process.hpp"
#include "config/paths.hpp"
#include "runtime/boot/workspace.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 120s;      // a cold machine needs ten seconds
constexpr auto look_period = 200ms;  // at what else may have come of it

Result<opencode::ServerOptions> server_options(const EngineOptions& engine) {
  auto program = own_path();
  if (!program) return program.error();
  opencode::ServerOptions out;
  out.binary = engine.config.opencode.binary;
  out.url = engine.config.opencode.url;
  out.workspace = engine.paths.workspace;
  out.state_dir = engine.paths.state_dir;
  out.socket = engine.paths.socket;
  out.muster_binary = *program;
  if (auto user = config::variable(engine.environment, "OPENCODE_SERVER_USERNAME"); !user.empty())
    out.user = user;
  out.password = config::variable(engine.environment, "OPENCODE_SERVER_PASSWORD");
  if (auto model = engine.config.model_for("worker")) out.model = model->text();
  return out;
}

}  // namespace

struct HeadlessOpenCode::Parts {
  explicit Parts(Engine& engine)
      : engine(engine), processes(engine.loop(), "/proc/self/exe"), http(engine.loop()) {}
  ~Parts() {
    engine.end_host();
    processes.stop();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  Engine& engine;
  UvProcessPort processes;
  http::HttpClient http;
};

Result<std::unique_ptr<HeadlessOpenCode>> HeadlessOpenCode::start(Engine& engine) {
  auto options = server_options(engine.options());
  if (!options) return options.error();
  auto parts = std::make_unique<Parts>(engine);
  auto run_blocking = [&engine](std::function<void()> task) {
    engine.run_blocking(std::move(task));
  };
  auto port = std::make_shared<opencode::OpenCodeServerPort>(
      engine.loop(), parts->processes, parts->http, run_blocking, std::move(*options));
  if (auto kept = engine.keep_host(std::move(port)); !kept) return kept.error();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!engine.host_link().wait_attached(look_period)) {
    const auto status = engine.host_status();
    if (!status) return status.error();
    if (status->last_failure)
      return Error{ErrorCode::unavailable, status->last_failure->message, "host opencode"};
    if (std::chrono::steady_clock::now() > until)
      return Error{ErrorCode::unavailable,
                   "its plugin has not connected; is it installed there (muster install opencode)?",
                   "host opencode"};
  }
  return std::unique_ptr<HeadlessOpenCode>(new HeadlessOpenCode(std::move(parts)));
}

HeadlessOpenCode::HeadlessOpenCode(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
HeadlessOpenCode::~HeadlessOpenCode() = default;

}  // namespace muster
