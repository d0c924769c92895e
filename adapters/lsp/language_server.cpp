#include "adapters/lsp/language_server.hpp"

#include <utility>

#include "adapters/lsp/file_uri.hpp"
#include "runtime/core/text.hpp"

namespace muster::lsp {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

/// typescript-language-server publishes what tsserver finds in steps, without a version and without
/// saying which step it was; this command asks tsserver itself, which answers when it is done.
constexpr const char* tsserver_command = "typescript.tsserverRequest";

constexpr milliseconds ask_again_after{200};

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::shared_ptr<LanguageServer> LanguageServer::start(IoLoop& loop, ClientOptions client,
                                                      CheckOptions options,
                                                      std::function<void(const Status&)> on_ready,
                                                      std::function<void(const Error&)> on_end) {
  std::shared_ptr<LanguageServer> out(new LanguageServer(loop, options));
  const std::weak_ptr<LanguageServer> weak = out;
  ClientEvents events;
  events.on_ready = std::move(on_ready);
  events.on_end = [weak, on_end = std::move(on_end)](const Error& why) {
    if (const auto self = weak.lock())
      for (const auto& [path, check] : std::map(self->checks_)) self->finish(check, why);
    on_end(why);
  };
  events.on_diagnostics = [weak](const std::string& path, const Publication& publication) {
    if (const auto self = weak.lock()) self->published(path, publication);
  };
  events.on_busy = [weak](bool busy) {
    if (const auto self = weak.lock()) self->busy_changed(busy);
  };
  events.on_features = [weak] {
    if (const auto self = weak.lock()) self->features_changed();
  };
  out->client_ = LspClient::start(loop, std::move(client), std::move(events));
  return out;
}

LanguageServer::~LanguageServer() {
  const auto why = error(ErrorCode::cancelled, "is not needed any more");
  for (const auto& [path, check] : std::exchange(checks_, {})) {
    if (check->timer) check->timer->cancel();
    check->done(why);
  }
  for (const auto& inquiry : std::exchange(inquiries_, {}))
    if (const auto done = std::exchange(inquiry->done, nullptr)) done(why);
}

bool LanguageServer::in_use(const std::string& path) const {
  return checks_.contains(path) || held_.contains(path);
}

/// A client is sent UTF-8 only: positions count in what was sent.
LanguageServer::CheckPtr LanguageServer::make_check(const DocumentText& document,
                                                    Checked done) const {
  return std::make_shared<Check>(
      Check{document.path, document.language_id, document.text, std::move(done),
            DiagnosticsWait(now_ms(), client_->busy(), options_.settle.count(),
                            options_.timeout.count())});
}

void LanguageServer::check(const std::string& path, const std::string& language_id,
                           std::string text, Checked done) {
  const auto refuse = [&](Error why) {
    loop_.post([done = std::move(done), why = std::move(why)] { done(why); });
  };
  if (!client_->usable()) return refuse(error(ErrorCode::unavailable, "is not running"));
  if (in_use(path)) return refuse(error(ErrorCode::conflict, "is at " + path + " now"));
  const auto check = make_check({path, language_id, std::move(text)}, std::move(done));
  checks_[path] = check;
  after_former(!known_.insert(path).second, [weak = weak_from_this(), check] {
    if (const auto self = weak.lock()) self->begin(check);
  });
}

/// What was published at its close carries no version with many servers: it must not count as the
/// answer to this opening. Servers answer in order, so an answer that comes now comes after it;
/// that nobody knows this method is an answer, too.
void LanguageServer::after_former(bool known, std::function<void()> then) {
  if (!known || best_source() != Source::published) return then();
  client_->request("$/muster/barrier", nullptr, options_.timeout,
                   [then = std::move(then)](const Result<json>&) { then(); });
}

void LanguageServer::begin(const CheckPtr& check) {
  if (!checks_.contains(check->path)) return;  // the server ended meanwhile
  open(check);
  ask(check);
  look(check);
}

void LanguageServer::open(const CheckPtr& check) {
  check->version = client_->open(check->path, check->language_id, check->text);
  check->text = {};  // the client has its own
  check->source = best_source();
}

LanguageServer::Source LanguageServer::best_source() const {
  const auto& features = client_->features();
  if (features.has_command(tsserver_command)) return Source::tsserver;
  return features.offers("textDocument/diagnostic") ? Source::pulled : Source::published;
}

void LanguageServer::ask(const CheckPtr& check) {
  const auto weak = weak_from_this();
  if (check->source == Source::pulled) return pull(check);
  if (check->source == Source::published || check->asking) return;
  check->asking = true;
  ask_tsserver(check, "syntacticDiagnosticsSync", [weak, check] {
    const auto self = weak.lock();
    if (!self) return;
    self->ask_tsserver(check, "semanticDiagnosticsSync", [weak, check] {
      if (const auto server = weak.lock()) server->finish(check, std::move(check->answered));
    });
  });
}

/// Adds what tsserver finds, then goes on.
void LanguageServer::ask_tsserver(const CheckPtr& check, const char* command,
                                  std::function<void()> then) {
  json arguments = json::array({command, {{"file", check->path}}});
  client_->request(
      "workspace/executeCommand",
      {{"command", tsserver_command}, {"arguments", std::move(arguments)}}, options_.timeout,
      [weak = weak_from_this(), check, then = std::move(then)](const Result<json>& result) {
        const auto self = weak.lock();
        if (!self || !self->is_open(check)) return;
        if (!result) return self->finish(check, result.error());
        if (!result->is_object() || !result->contains("body"))
          return self->finish(check, self->error(ErrorCode::malformed, "gave no diagnostics"));
        auto found = read_tsserver_diagnostics((*result)["body"]);
        check->answered.insert(check->answered.end(), found.begin(), found.end());
        then();
      });
}

void LanguageServer::pull(const CheckPtr& check) {
  if (std::exchange(check->asking, true)) return;
  check->asked_busy = client_->busy();
  client_->pull_diagnostics(
      check->path, options_.timeout,
      [weak = weak_from_this(), check](Result<std::vector<Diagnostic>> result) {
        if (const auto self = weak.lock()) self->pulled(check, std::move(result));
      });
}

/// An answer that was made while the server loads the project may lack what it has not read. It is
/// asked for again when the work has ended, and counts when it stays the same: some report work at
/// every question.
void LanguageServer::pulled(const CheckPtr& check, Result<std::vector<Diagnostic>> result) {
  if (!is_open(check)) return;
  check->asking = false;
  if (!result && result.error().code == ErrorCode::conflict) {
    loop_.run_after(ask_again_after, [weak = weak_from_this(), check] {
      const auto self = weak.lock();
      if (self && self->is_open(check)) self->pull(check);
    });
    return;
  }
  if (!result) return finish(check, result.error());
  const bool same = check->has_answer && *result == check->answered;
  const bool at_rest = !check->asked_busy && !client_->busy();
  check->answered = std::move(*result);
  check->has_answer = true;
  if (same || at_rest) return finish_with_all(check);
  if (!client_->busy()) pull(check);  // else busy_changed() does
}

void LanguageServer::published(const std::string& path, const Publication& publication) {
  const auto found = checks_.find(path);
  if (found == checks_.end()) return;
  const auto check = found->second;
  if (publication.version && *publication.version != check->version) return;
  check->published = publication.diagnostics;
  if (check->source != Source::published) return;
  check->wait.answered(now_ms());
  look(check);
}

void LanguageServer::busy_changed(bool busy) {
  for (const auto& [path, check] : std::map(checks_)) {
    check->wait.set_busy(busy, now_ms());
    if (!busy && check->source == Source::pulled && is_open(check)) pull(check);
    look(check);
  }
}

/// Many servers register what they can do right after the start.
void LanguageServer::features_changed() {
  for (const auto& [path, check] : std::map(checks_)) {
    if (check->source != Source::published || !is_open(check)) continue;
    check->source = best_source();
    ask(check);
  }
}

void LanguageServer::look(const CheckPtr& check) {
  if (!is_open(check)) return;
  const auto now = now_ms();
  const auto state = check->wait.state(now);
  if (check->timer) check->timer->cancel();
  if (state == DiagnosticsWait::State::settled) return finish_with_all(check);
  if (state == DiagnosticsWait::State::expired)
    return finish(check,
                  error(ErrorCode::timeout, std::string(check->wait.missing()) + " within " +
                                                std::to_string(options_.timeout.count()) + " ms"));
  const auto pause = std::max<std::int64_t>(check->wait.next_change(now), 1);
  check->timer = loop_.run_after(milliseconds(pause), [weak = weak_from_this(), check] {
    if (const auto self = weak.lock()) self->look(check);
  });
}

/// What was asked for, and what the server published besides.
void LanguageServer::finish_with_all(const CheckPtr& check) {
  auto all = std::move(check->answered);
  all.insert(all.end(), check->published.begin(), check->published.end());
  finish(check, std::move(all));
}

/// Whether the check goes on and its document is open.
bool LanguageServer::is_open(const CheckPtr& check) const {
  const auto found = checks_.find(check->path);
  return found != checks_.end() && found->second == check && check->version != 0;
}

void LanguageServer::finish(const CheckPtr& check, Result<std::vector<Diagnostic>> result) {
  const auto found = checks_.find(check->path);
  if (found == checks_.end() || found->second != check) return;
  const auto keep = shared_from_this();
  checks_.erase(found);
  if (check->timer) check->timer->cancel();
  if (!check->stays_open) client_->close(check->path);
  if (result) tidy(*result);
  const auto done = std::exchange(check->done, nullptr);
  done(std::move(result));
}

Error LanguageServer::error(ErrorCode code, const std::string& message) const {
  return {code, message, client_ ? client_->options().name : std::string()};
}

}  // namespace muster::lsp
