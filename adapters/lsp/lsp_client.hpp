#pragma once
// A client of the Language Server Protocol 3.17: one server, one workspace folder.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "adapters/lsp/diagnostic.hpp"
#include "adapters/lsp/message_framing.hpp"
#include "adapters/lsp/server_features.hpp"
#include "adapters/lsp/text_positions.hpp"
#include "adapters/lsp/wire_message.hpp"
#include "adapters/process/piped_process.hpp"
#include "runtime/core/result.hpp"

namespace muster::lsp {

/// What to start, and the bounds.
struct ClientOptions {
  std::string name;                             ///< in messages: "clangd"
  std::vector<std::string> argv;                ///< argv[0] is looked up in PATH unless a path
  std::map<std::string, std::string> env = {};  ///< added to the engine's environment
  std::vector<std::string> unset_env = {};      ///< removed from it: keys
  std::string root;                             ///< absolute folder: workspace folder and cwd
  nlohmann::json initialization_options;        ///< null = none
  nlohmann::json settings = nlohmann::json::object();  ///< what workspace/configuration asks for
  /// Tokens of progress that do not count as work at diagnostics, by how they begin.
  std::vector<std::string> background_progress = {};
  std::chrono::milliseconds start_timeout{60'000};  ///< of `initialize`
  std::chrono::milliseconds stop_timeout{3'000};    ///< of `shutdown` and the exit after it
  std::optional<std::uint64_t> max_memory_bytes;    ///< resident, with children; nullopt = any
  std::chrono::milliseconds memory_look{1'000};     ///< between two looks at it
  std::string helper_binary = "/proc/self/exe";     ///< calls job_helper_main for `__job`
};

/// What a server says about a document that is open.
struct Publication {
  std::optional<std::int64_t> version;  ///< of the document; many servers leave it out
  std::vector<Diagnostic> diagnostics;  ///< ranges in UTF-16
};

/// Callbacks of a client; all on the loop thread. Each may call the client and drop it.
struct ClientEvents {
  /// Exactly once: the server can be used, or on_end has its error, too.
  std::function<void(const Status&)> on_ready = [](const Status&) {};
  /// Exactly once, last, unless the client is dropped before: the server has ended or was given up.
  /// Code cancelled after stop().
  std::function<void(const Error&)> on_end = [](const Error&) {};
  std::function<void(const std::string& path, const Publication&)> on_diagnostics =
      [](const std::string&, const Publication&) {};
  /// The server began its first or ended its last piece of reported work.
  std::function<void(bool busy)> on_busy = [](bool) {};
  /// It registered or withdrew what it can do.
  std::function<void()> on_features = [] {};
};

/// One server process and the conversation with it. Everything on the loop thread, the end of the
/// last reference included, which ends the process. Callbacks of requests are called exactly once,
/// never inside the call that made them: with the answer, the server's error (invalid_argument,
/// conflict: ask again, unavailable, cancelled), timeout (the server is told to cancel it), or with
/// the error that ended the client. Errors have the server's name as their context.
class LspClient : public std::enable_shared_from_this<LspClient> {
 public:
  using Milliseconds = std::chrono::milliseconds;
  template <class T>
  using Answer = std::function<void(Result<T>)>;

  /// Starts the server and says `initialize`. Never fails itself: on_ready tells.
  static std::shared_ptr<LspClient> start(IoLoop& loop, ClientOptions options, ClientEvents events);
  ~LspClient();
  LspClient(const LspClient&) = delete;
  LspClient& operator=(const LspClient&) = delete;

  /// Ends the server as the protocol wants it, by force when it takes too long; on_end follows.
  /// Requests that are open are answered with cancelled. Idempotent.
  void stop();
  /// Ends it by force, for a reason of the caller's; on_end follows with it.
  void give_up(const Error& why);

  [[nodiscard]] bool usable() const noexcept { return state_ == State::ready; }
  [[nodiscard]] const ServerFeatures& features() const noexcept { return features_; }
  [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }
  /// Whether it reports work that counts.
  [[nodiscard]] bool busy() const noexcept { return !progress_.empty(); }
  /// Process id of the server; 0 before it runs.
  [[nodiscard]] int pid() const noexcept { return process_ ? process_->pid() : 0; }

  /// Any request. Needs a usable client, else it is answered with unavailable.
  void request(std::string_view method, const nlohmann::json& params, Milliseconds timeout,
               Answer<nlohmann::json> answer);
  void notify(std::string_view method, const nlohmann::json& params);

  /// Opens a document with this text and returns its version, which grows over all documents and
  /// times; one that is open is changed. Text that is not UTF-8 is sent with replacements.
  std::int64_t open(const std::string& path, const std::string& language_id,
                    const std::string& text);
  /// Gives an open document another text, all of it. Errors: not_found (it is not open).
  Result<std::int64_t> change(const std::string& path, const std::string& text);
  /// What it publishes about it from now on is dropped. Harmless when it is not open.
  void close(const std::string& path);
  [[nodiscard]] bool is_open(const std::string& path) const { return documents_.contains(path); }

  /// Diagnostics of an open document, asked for; ranges in UTF-16. Errors: conflict = ask again.
  void pull_diagnostics(const std::string& path, Milliseconds timeout,
                        const Answer<std::vector<Diagnostic>>& answer);
  /// Where the thing at a byte of an open document is defined, and where it is used.
  void definition(const std::string& path, std::size_t offset, Milliseconds timeout,
                  const Answer<std::vector<Location>>& answer);
  void references(const std::string& path, std::size_t offset, bool with_declaration,
                  Milliseconds timeout, const Answer<std::vector<Location>>& answer);
  /// What the server tells about it: Markdown or text from outside; empty when nothing.
  void hover(const std::string& path, std::size_t offset, Milliseconds timeout,
             const Answer<std::string>& answer);
  /// The edits that rename it; nothing is changed. Errors also: invalid_argument (the rename would
  /// create, move or delete files).
  void rename(const std::string& path, std::size_t offset, const std::string& new_name,
              Milliseconds timeout, const Answer<std::vector<FileEdits>>& answer);

 private:
  enum class State { starting, ready, stopping, ended };
  struct Pending {
    std::string method;
    Answer<nlohmann::json> answer;
    std::shared_ptr<IoTimer> timer;
  };
  struct Document {
    std::int64_t version = 0;
    std::string language_id;
    TextPositions text;
  };

  LspClient(IoLoop& loop, ClientOptions options, ClientEvents events);
  void launch();
  void initialized(const Result<nlohmann::json>& result);
  void received(std::string_view bytes);
  void take(ServerMessage message);
  void take_answer(ServerAnswer answer);
  void take_notification(const ServerNotification& message);
  void take_request(const ServerRequest& message);
  void take_progress(const nlohmann::json& params);
  void take_publication(const nlohmann::json& params);
  [[nodiscard]] nlohmann::json configuration(const nlohmann::json& params) const;
  void send(std::string_view body);
  void send_request(std::string_view method, const nlohmann::json& params, Milliseconds timeout,
                    Answer<nlohmann::json> answer);
  void answer_later(Answer<nlohmann::json> answer, Error error);
  void timed_out(std::int64_t id);
  void exited(const ProcessExit& exit);
  [[nodiscard]] std::string last_words() const;
  void look_at_memory();
  void end(Error why);
  [[nodiscard]] Error error(ErrorCode code, std::string message) const;
  [[nodiscard]] Result<nlohmann::json> place(const std::string& method, const std::string& path,
                                             std::size_t offset) const;
  void to_utf16(const Document& document, std::vector<Diagnostic>& diagnostics) const;

  IoLoop& loop_;
  const ClientOptions options_;
  ClientEvents events_;
  State state_ = State::starting;
  bool told_ready_ = false;
  std::shared_ptr<PipedProcess> process_;
  FrameReader reader_;
  ServerFeatures features_;
  std::int64_t last_id_ = 0;
  std::int64_t last_version_ = 0;
  std::map<std::int64_t, Pending> pending_;
  std::map<std::string, Document> documents_;  ///< by path
  std::set<std::string> progress_;             ///< tokens that have begun, background ones aside
  std::string last_error_text_;                ///< what the server showed or logged as an error
  std::shared_ptr<IoTimer> memory_timer_;
  std::shared_ptr<IoTimer> stop_timer_;
};

}  // namespace muster::lsp
