#include "adapters/lsp/diagnostics_run.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "adapters/io/read_all.hpp"

namespace muster::lsp {
namespace {

namespace fs = std::filesystem;

/// After so many files in a row for which a server took too long, the others are not tried.
constexpr int max_timeouts_in_a_row = 3;

bool is_below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder.ends_with('/') ? folder : folder + "/");
}

struct FileText {
  std::string path;  ///< absolute
  std::string text;
};

/// A file of the workspace. What a link leads out of it to is not handed to a server.
Result<FileText> read_file(const std::string& path, const std::string& workspace,
                           std::size_t max_bytes) {
  struct stat info {};
  std::error_code error;
  const auto real = fs::canonical(path, error);
  if (error) return Error{ErrorCode::not_found, "cannot be read: " + error.message()};
  if (!is_below(real.string(), workspace))
    return Error{ErrorCode::permission_denied, "lies outside the workspace"};
  if (::stat(real.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return Error{ErrorCode::invalid_argument, "is no file"};
  if (static_cast<std::uint64_t>(info.st_size) > max_bytes)
    return Error{ErrorCode::limit_reached,
                 "is larger than " + std::to_string(max_bytes) + " bytes"};
  auto text = read_all(real.string());
  if (!text) return Error{text.error().code, text.error().message};
  return FileText{real.string(), std::move(*text)};
}

/// What the loop thread tells the thread that waits.
class Inbox {
 public:
  void put(std::function<void()> news) {
    // Notified under the lock: the reader may go as soon as it has read the last one.
    const std::lock_guard lock(mutex_);
    news_.push_back(std::move(news));
    changed_.notify_one();
  }
  void run_next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !news_.empty(); });
    const auto next = std::move(news_.front());
    news_.pop_front();
    lock.unlock();
    next();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> news_;
};

/// One server with one folder, and the checks that it is to make. All members belong to the thread
/// that waits; the loop thread has the server and the inbox.
class Group {
 public:
  struct Item {
    FileCheck* check;
    std::string path;  ///< absolute
    std::string language_id;
  };

  Group(IoLoop& loop, const config::LanguageServers& table, const config::LanguageServer& server,
        const ServerPlace& place, std::string root)
      : loop_(loop), table_(table), config_(server), place_(place), root_(std::move(root)) {}

  void add(Item item) { items_.push_back(std::move(item)); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] const config::LanguageServer& config() const { return config_; }

  void run(const DiagnosticsRequest& request) {
    auto options = client_options(table_, config_, place_, root_);
    if (!options) return fail_rest(options.error().message);
    start(std::move(*options));
    while (!ready_ && !ended_) inbox_->run_next();
    while (open_ > 0 || next_ < items_.size()) {
      if (ended_ || timeouts_ >= max_timeouts_in_a_row) break;
      if (open_ < request.files_at_once && next_ < items_.size())
        submit(items_[next_++], request);
      else
        inbox_->run_next();
    }
    if (ended_)
      fail_rest(ended_->text());
    else if (timeouts_ >= max_timeouts_in_a_row)
      fail_rest(config_.command + ": does not answer any more");
    stop();
  }

 private:
  void start(ClientOptions options) {
    loop_.call([&] {
      const auto inbox = inbox_;
      server_ = LanguageServer::start(
          loop_, std::move(options), check_options(table_, config_),
          [this, inbox](const Status& status) {
            if (status) inbox->put([this] { ready_ = true; });
          },
          [this, inbox](const Error& why) { inbox->put([this, why] { ended_ = why; }); });
    });
  }

  void submit(const Item& item, const DiagnosticsRequest& request) {
    auto file = read_file(item.path, place_.workspace, request.max_file_bytes);
    if (!file) {
      item.check->reason = file.error().message;
      return;
    }
    ++open_;
    loop_.post([this, &item, file = std::move(*file)]() mutable {
      server_->check(
          file.path, item.language_id, std::move(file.text),
          [this, &item](Result<std::vector<Diagnostic>> result) {
            inbox_->put([this, &item, result = std::move(result)] { take(item, result); });
          });
    });
  }

  void take(const Item& item, const Result<std::vector<Diagnostic>>& result) {
    --open_;
    item.check->checked = result.ok();
    if (result) {
      item.check->diagnostics = *result;
      item.check->reason.clear();
      timeouts_ = 0;
      return;
    }
    if (item.check->reason.empty()) item.check->reason = result.error().text();
    if (result.error().code == ErrorCode::timeout) ++timeouts_;
  }

  void fail_rest(const std::string& reason) {
    for (const auto& item : items_)
      if (!item.check->checked && item.check->reason.empty()) item.check->reason = reason;
  }

  /// After this the loop thread knows nothing of this object any more.
  void stop() {
    loop_.post([this] { server_->stop(); });
    while (!ended_) inbox_->run_next();
    while (open_ > 0) inbox_->run_next();
    loop_.call([this] { server_.reset(); });
  }

  IoLoop& loop_;
  const config::LanguageServers& table_;
  const config::LanguageServer& config_;
  const ServerPlace& place_;
  const std::string root_;
  std::vector<Item> items_;
  std::shared_ptr<LanguageServer> server_;  ///< loop thread
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  bool ready_ = false;
  std::optional<Error> ended_;
  std::size_t next_ = 0;
  std::size_t open_ = 0;
  int timeouts_ = 0;
};

/// The files with their servers, and the groups that they make.
class Plan {
 public:
  Plan(IoLoop& loop, const config::LanguageServers& table, const ServerPlace& place,
       const DiagnosticsRequest& request)
      : loop_(loop), table_(table), place_(place), request_(request) {
    for (const auto& file : request.files) add(file);
  }

  DiagnosticsReport run() {
    for (auto& [key, group] : groups_) {
      request_.say(group.config().name + ": " + std::to_string(group.size()) +
                   (group.size() == 1 ? " file" : " files"));
      group.run(request_);
    }
    DiagnosticsReport out;
    for (auto& [key, check] : checks_) out.checks.push_back(std::move(check));
    out.skipped = std::move(skipped_);
    return out;
  }

 private:
  void add(const std::string& file) {
    const auto path = (fs::path(place_.workspace) / file).lexically_normal().string();
    const auto shown =
        is_below(path, place_.workspace)
            ? path.substr(place_.workspace.size() + (place_.workspace.ends_with('/') ? 0 : 1))
            : path;
    const auto matches = servers_of(table_, path);
    if (matches.empty() && request_.skip_unknown) {
      skipped_.push_back(shown);
      return;
    }
    if (matches.empty()) {
      auto& check = checks_[{shown, ""}];
      check.path = shown;
      check.reason = "no language server is configured for such a file";
    }
    for (const auto& match : matches) add(shown, path, match);
  }

  void add(const std::string& shown, const std::string& path, const ServerMatch& match) {
    const auto& server = *match.server;
    auto [at, fresh] = checks_.try_emplace({shown, server.name});
    if (!fresh) return;
    at->second.path = shown;
    at->second.language = server.name;
    at->second.server = server.command.substr(server.command.rfind('/') + 1);
    auto root = server_root(server, place_.workspace, path);
    auto [group, ignored] =
        groups_.try_emplace({server.name, root}, loop_, table_, server, place_, root);
    group->second.add({&at->second, path, match.language_id});
  }

  using Key = std::pair<std::string, std::string>;

  IoLoop& loop_;
  const config::LanguageServers& table_;
  const ServerPlace& place_;
  const DiagnosticsRequest& request_;
  std::map<Key, FileCheck> checks_;  ///< by path and language; its nodes stay where they are
  std::map<Key, Group> groups_;      ///< by language and folder
  std::vector<std::string> skipped_;
};

}  // namespace

std::size_t DiagnosticsReport::count(Severity severity) const {
  std::size_t out = 0;
  for (const auto& check : checks)
    out += static_cast<std::size_t>(
        std::count_if(check.diagnostics.begin(), check.diagnostics.end(),
                      [&](const Diagnostic& one) { return one.severity == severity; }));
  return out;
}

bool DiagnosticsReport::all_checked() const {
  return std::all_of(checks.begin(), checks.end(),
                     [](const FileCheck& check) { return check.checked; });
}

DiagnosticsReport run_diagnostics(IoLoop& loop, const config::LanguageServers& table,
                                  const ServerPlace& place, const DiagnosticsRequest& request) {
  return Plan(loop, table, place, request).run();
}

}  // namespace muster::lsp
