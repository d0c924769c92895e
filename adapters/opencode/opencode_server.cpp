#include "adapters/opencode/opencode_server.hpp"

#include <chrono>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "adapters/opencode/install.hpp"
#include "runtime/core/text.hpp"

namespace muster::opencode {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto look_period = 50ms;  // at the output: there is no event for a line
constexpr int call_timeout_ms = 60'000;
constexpr std::size_t shown_output = 4000;

std::string fresh_password() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device random;
  std::string out;
  for (int i = 0; i < 32; ++i) out += digits[random() % digits.size()];
  return out;
}

std::string plugin_folder(const ServerOptions& options) {
  return options.state_dir + "/opencode-plugin";
}

/// On top of the user's own configuration: the plugin, and nothing that waits for a person or keeps
/// copies of the tree (docs/opencode.md).
json config_of(const ServerOptions& options) {
  json config{
      {"plugin",
       json::array({json::array({plugin_folder(options), {{"binary", options.muster_binary}}})})},
      {"snapshot", false},
      {"autoupdate", false},
      {"share", "disabled"},
      {"permission", {{"question", "deny"}}}};
  const auto slash = options.model.find('/');
  if (slash != std::string::npos)
    config["provider"][options.model.substr(0, slash)]["options"] = {
        {"headerTimeout", call_timeout_ms}, {"chunkTimeout", call_timeout_ms}};
  return config;
}

/// "opencode server listening on http://127.0.0.1:4096".
std::string url_in(const std::string& output) {
  constexpr std::string_view before = "listening on ";
  const auto at = output.find(before);
  if (at == std::string::npos) return {};
  const auto from = at + before.size();
  const auto end = output.find_first_of(" \r\n", from);
  return end == std::string::npos ? std::string() : output.substr(from, end - from);
}

/// One server, from start() to its destruction. Its callbacks run on the loop.
class OpenCodeServer final : public HostServer,
                             public std::enable_shared_from_this<OpenCodeServer> {
 public:
  OpenCodeServer(IoLoop& loop, ProcessPort& processes, http::HttpClient& http,
                 ServerOptions options, HostServerEvents events)
      : loop_(loop),
        processes_(processes),
        http_(http),
        options_(std::move(options)),
        events_(std::move(events)) {}
  ~OpenCodeServer() override {
    if (timer_) timer_->cancel();
    if (process_) process_->kill();
  }
  OpenCodeServer(const OpenCodeServer&) = delete;
  OpenCodeServer& operator=(const OpenCodeServer&) = delete;

  /// Blocks: writes the plugin's files.
  void launch();
  void wake_plugin(const std::string& url);

 private:
  [[nodiscard]] ProcessSpec spec(const std::string& scratch) const;
  void look_for_url();
  void woken(const http::ClientResult& result);
  void end(Error why);

  IoLoop& loop_;
  ProcessPort& processes_;
  http::HttpClient& http_;
  ServerOptions options_;
  const HostServerEvents events_;
  std::mutex mutex_;
  bool ended_ = false;  // guarded by mutex_, as is what follows
  std::shared_ptr<Process> process_;
  std::shared_ptr<IoTimer> timer_;
};

ProcessSpec OpenCodeServer::spec(const std::string& scratch) const {
  ProcessSpec out;
  out.argv = {options_.binary, "serve", "--hostname", "127.0.0.1", "--port", "0"};
  out.cwd = options_.workspace;
  out.env = {{"TMPDIR", scratch},
             {"OPENCODE_SERVER_PASSWORD", options_.password},
             {"OPENCODE_CONFIG_CONTENT", config_of(options_).dump()},
             {"OPENCODE_DISABLE_AUTOUPDATE", "1"},
             {"OPENCODE_DISABLE_LSP_DOWNLOAD", "1"},
             {"npm_config_offline", "true"},
             {"MUSTER_OPENCODE_HOST", "1"},
             {"MUSTER_SOCKET", options_.socket}};
  out.unset_env = {"OPENCODE_SERVER_USERNAME"};
  return out;
}

void OpenCodeServer::launch() {
  options_.password = fresh_password();
  if (auto written = write_plugin(plugin_folder(options_)); !written) return end(written.error());
  const auto scratch = options_.state_dir + "/opencode-tmp";
  std::error_code error;
  std::filesystem::remove_all(scratch, error);  // it leaves megabytes behind at each start
  std::filesystem::create_directories(scratch, error);
  std::lock_guard lock(mutex_);
  process_ = processes_.start(spec(scratch), [weak = weak_from_this()](const ProcessExit& exit) {
    if (auto self = weak.lock())
      self->end(exit.start_error
                    ? *exit.start_error
                    : Error{ErrorCode::unavailable,
                            "it ended: " + one_line(bounded_tail(exit.output, 300), 300)});
  });
  timer_ = loop_.run_after(look_period, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->look_for_url();
  });
}

void OpenCodeServer::look_for_url() {
  std::string url;
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    url = url_in(process_->tail(shown_output));
    if (url.empty()) {
      timer_ = loop_.run_after(look_period, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->look_for_url();
      });
      return;
    }
  }
  wake_plugin(url);
}

/// OpenCode loads a folder's plugins with the first request for it.
void OpenCodeServer::wake_plugin(const std::string& url) {
  http::ClientRequest request;
  request.url = url + "/session?directory=" + http::escape_url(options_.workspace);
  if (!options_.password.empty()) {
    request.user = options_.user;
    request.password = options_.password;
  }
  request.total_timeout = 120s;
  http_.fetch(std::move(request), [weak = weak_from_this()](const http::ClientResult& result) {
    if (auto self = weak.lock()) self->woken(result);
  });
}

void OpenCodeServer::woken(const http::ClientResult& result) {
  if (!result.error && result.head.status == 200) return events_.on_ready();
  if (result.head.status == 401)
    return end({ErrorCode::permission_denied,
                "OpenCode refuses the password: set OPENCODE_SERVER_PASSWORD"});
  end({ErrorCode::unavailable,
       "OpenCode does not answer: " +
           (result.error ? result.error->text() : "HTTP " + std::to_string(result.head.status))});
}

void OpenCodeServer::end(Error why) {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    if (timer_) timer_->cancel();
    if (process_) process_->kill();
  }
  if (options_.url.empty()) why.message = options_.binary + " serve: " + why.message;
  events_.on_ended(why);
}

}  // namespace

OpenCodeServerPort::OpenCodeServerPort(IoLoop& loop, ProcessPort& processes, http::HttpClient& http,
                                       std::function<void(std::function<void()>)> run_blocking,
                                       ServerOptions options)
    : loop_(loop),
      processes_(processes),
      http_(http),
      run_blocking_(std::move(run_blocking)),
      options_(std::move(options)) {}

std::shared_ptr<HostServer> OpenCodeServerPort::start(HostServerEvents events) {
  auto out =
      std::make_shared<OpenCodeServer>(loop_, processes_, http_, options_, std::move(events));
  if (!options_.url.empty())
    out->wake_plugin(options_.url);
  else
    run_blocking_([weak = std::weak_ptr(out)] {
      if (auto self = weak.lock()) self->launch();
    });
  return out;
}

}  // namespace muster::opencode
