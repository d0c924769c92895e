#pragma once
// A running language server that is asked what is wrong with files.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "adapters/lsp/diagnostic.hpp"
#include "adapters/lsp/diagnostics_wait.hpp"
#include "adapters/lsp/lsp_client.hpp"
#include "runtime/core/diagnostic.hpp"
#include "runtime/core/result.hpp"

namespace muster::lsp {

struct CheckOptions {
  /// How long nothing may change before diagnostics that a server sends by itself count as all.
  std::chrono::milliseconds settle{500};
  /// How long one check may take, from its begin.
  std::chrono::milliseconds timeout{60'000};
};

/// A client, and checks of documents on it. Diagnostics come, whichever the server offers, from
/// tsserver's synchronous commands, from textDocument/diagnostic, or from what it publishes when it
/// has come to rest (DiagnosticsWait). Everything on the loop thread, the end of the last reference
/// included; callbacks are called exactly once, never inside the call that made them.
class LanguageServer : public std::enable_shared_from_this<LanguageServer> {
 public:
  /// Sorted, each once; ranges in UTF-16 of the text that was given. Errors: those of LspClient;
  /// timeout (no diagnostics that could count came); conflict (the path is being checked).
  using Checked = std::function<void(Result<std::vector<Diagnostic>>)>;

  /// Starts a server; both callbacks as in ClientEvents.
  static std::shared_ptr<LanguageServer> start(IoLoop& loop, ClientOptions client,
                                               CheckOptions options,
                                               std::function<void(const Status&)> on_ready,
                                               std::function<void(const Error&)> on_end);
  ~LanguageServer();
  LanguageServer(const LanguageServer&) = delete;
  LanguageServer& operator=(const LanguageServer&) = delete;

  /// Opens the document with this text, waits for its diagnostics and closes it.
  void check(const std::string& path, const std::string& language_id, std::string text,
             Checked done);

  using Answered = std::function<void(Result<LanguageAnswer>)>;
  /// Opens all documents of a question, asks it and closes them. A document that could not be
  /// checked is part of the answer of a question for diagnostics; other questions need the first to
  /// be. Errors: as above; invalid_argument (it has no documents, or the server does not offer it).
  void ask(std::shared_ptr<const LanguageQuestion> question, Answered done);

  /// See LspClient.
  void stop() { client_->stop(); }
  [[nodiscard]] LspClient& client() noexcept { return *client_; }

 private:
  enum class Source { published, pulled, tsserver };
  struct Check {
    std::string path;
    std::string language_id;
    std::string text;
    Checked done;
    DiagnosticsWait wait;
    std::int64_t version = 0;
    Source source = Source::published;
    bool asking = false;                ///< a pull is under way
    bool asked_busy = false;            ///< it began while the server was at work
    bool has_answer = false;            ///< `answered` is one
    bool stays_open = false;            ///< the document is closed by an inquiry
    std::vector<Diagnostic> answered;   ///< of a pull
    std::vector<Diagnostic> published;  ///< the latest
    std::shared_ptr<IoTimer> timer;
  };
  using CheckPtr = std::shared_ptr<Check>;
  /// A question on its way.
  struct Inquiry {
    std::shared_ptr<const LanguageQuestion> question;
    Answered done;
    LanguageAnswer answer;
    std::size_t unchecked = 0;  ///< documents whose diagnostics have not come
  };
  using InquiryPtr = std::shared_ptr<Inquiry>;

  LanguageServer(IoLoop& loop, CheckOptions options) : loop_(loop), options_(options) {}
  [[nodiscard]] CheckPtr make_check(const DocumentText& document, Checked done) const;
  [[nodiscard]] bool in_use(const std::string& path) const;
  /// `then` when what the server published before must not be taken for the answer to what is
  /// opened next.
  void after_former(bool known, std::function<void()> then);
  void begin(const CheckPtr& check);
  void open(const CheckPtr& check);
  void open_all(const InquiryPtr& inquiry);
  void check_all(const InquiryPtr& inquiry);
  void put(const InquiryPtr& inquiry);
  void conclude(const InquiryPtr& inquiry, const Status& status);
  void ask(const CheckPtr& check);
  void ask_tsserver(const CheckPtr& check, const char* command, std::function<void()> then);
  void pull(const CheckPtr& check);
  void pulled(const CheckPtr& check, Result<std::vector<Diagnostic>> result);
  void published(const std::string& path, const Publication& publication);
  void busy_changed(bool busy);
  void features_changed();
  void look(const CheckPtr& check);
  void finish_with_all(const CheckPtr& check);
  void finish(const CheckPtr& check, Result<std::vector<Diagnostic>> result);
  [[nodiscard]] bool is_open(const CheckPtr& check) const;
  [[nodiscard]] Source best_source() const;
  [[nodiscard]] Error error(ErrorCode code, const std::string& message) const;

  IoLoop& loop_;
  const CheckOptions options_;
  std::shared_ptr<LspClient> client_;
  std::map<std::string, CheckPtr> checks_;  ///< by path
  std::set<std::string> known_;             ///< paths that were open before
  std::set<InquiryPtr> inquiries_;
  std::set<std::string> held_;  ///< paths that inquiries have open
};

}  // namespace muster::lsp
