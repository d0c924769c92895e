#include "adapters/opencode/opencode_server.hpp"

#include <chrono>
#include <filesystem>
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

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string fresh_password() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device random;
  std::string out;
  for (int i = 0; i < 32; ++i) out += digits[random() % digits.size()];
  return out;
}

/// On top of the user's own configuration: the plugin, and nothing that waits for a person or keeps
/// copies of the tree (docs/opencode.md).
json config_of(const ServerOptions& options, const std::string& plugin) {
  json config{{"plugin", json::array({json::array({plugin, {{"binary", options.muster_binary}}})})},
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

}  // namespace

std::shared_ptr<OpenCodeServer> OpenCodeServer::start(IoLoop& loop, ProcessPort& processes,
                                                      http::HttpClient& http,
                                                      ServerOptions options) {
  std::shared_ptr<OpenCodeServer> out(
      new OpenCodeServer(loop, processes, http, std::move(options)));
  if (out->options_.url.empty())
    out->launch();
  else
    out->wake_plugin(out->options_.url);
  return out;
}

OpenCodeServer::OpenCodeServer(IoLoop& loop, ProcessPort& processes, http::HttpClient& http,
                               ServerOptions options)
    : loop_(loop), processes_(processes), http_(http), options_(std::move(options)) {
  if (options_.url.empty()) options_.password = fresh_password();
}

void OpenCodeServer::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  if (timer_) timer_->cancel();
  if (process_) process_->kill();
}

std::string OpenCodeServer::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

ProcessSpec OpenCodeServer::spec() const {
  const auto plugin = options_.state_dir + "/opencode-plugin";
  const auto scratch = options_.state_dir + "/opencode-tmp";
  std::error_code error;
  std::filesystem::remove_all(scratch, error);  // it leaves megabytes behind at each start
  std::filesystem::create_directories(scratch, error);
  ProcessSpec out;
  out.argv = {options_.binary, "serve", "--hostname", "127.0.0.1", "--port", "0"};
  out.cwd = options_.workspace;
  out.env = {{"TMPDIR", scratch},
             {"OPENCODE_SERVER_PASSWORD", options_.password},
             {"OPENCODE_CONFIG_CONTENT", config_of(options_, plugin).dump()},
             {"OPENCODE_DISABLE_AUTOUPDATE", "1"},
             {"OPENCODE_DISABLE_LSP_DOWNLOAD", "1"},
             {"npm_config_offline", "true"},
             {"MUSTER_OPENCODE_HOST", "1"},
             {"MUSTER_SOCKET", options_.socket}};
  out.unset_env = {"OPENCODE_SERVER_USERNAME"};
  return out;
}

void OpenCodeServer::launch() {
  if (auto written = write_plugin(options_.state_dir + "/opencode-plugin"); !written)
    return again(written.error().text());
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  process_ = processes_.start(spec(), [weak = weak_from_this()](const ProcessExit& exit) {
    if (auto self = weak.lock()) self->ended(exit);
  });
  timer_ = loop_.run_after(look_period, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->look_for_url();
  });
}

void OpenCodeServer::look_for_url() {
  std::string url;
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || !process_) return;
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
  std::lock_guard lock(mutex_);
  if (!result.error && result.head.status == 200)
    trouble_.clear();
  else if (result.head.status == 401)
    trouble_ = "OpenCode refuses the password: set OPENCODE_SERVER_PASSWORD";
  else
    trouble_ = "OpenCode does not answer: " +
               (result.error ? result.error->text() : "HTTP " + std::to_string(result.head.status));
}

void OpenCodeServer::ended(const ProcessExit& exit) {
  auto why = exit.start_error ? exit.start_error->text()
                              : "it ended: " + one_line(bounded_tail(exit.output, 300), 300);
  again(why);
}

void OpenCodeServer::again(const std::string& why) {
  std::lock_guard lock(mutex_);
  process_.reset();
  if (stopped_) return;
  trouble_ = options_.binary + " serve: " + why;
  options_.say(trouble_);
  std::random_device random;
  const auto wait = backoff_.next(now_ms(), static_cast<double>(random() % 1000) / 1000);
  timer_ = loop_.run_after(std::chrono::milliseconds(wait), [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->launch();
  });
}

}  // namespace muster::opencode
