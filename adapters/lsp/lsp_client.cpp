#include "adapters/lsp/lsp_client.hpp"

#include <csignal>
#include <cstring>
#include <utility>

#include "adapters/lsp/file_uri.hpp"
#include "adapters/lsp/memory_use.hpp"
#include "runtime/core/json_read.hpp"
#include "runtime/core/text.hpp"

namespace muster::lsp {
namespace {

using nlohmann::json;

constexpr std::size_t max_progress_tokens = 1000;
constexpr std::size_t max_pending = 10'000;
constexpr std::size_t shown_words = 300;
constexpr std::uint64_t mebibyte = 1U << 20U;

/// A progress token is a text or a number.
std::string token_of(const json& params) {
  const auto token = params.is_object() ? params.find("token") : params.end();
  if (!params.is_object() || token == params.end()) return {};
  return token->is_string() ? token->get<std::string>() : token->dump();
}

/// "javascript.validate" of the settings; null when nothing is there.
json section_of(const json& settings, std::string_view section) {
  json at = settings;
  while (!section.empty()) {
    const auto dot = section.find('.');
    const std::string key(section.substr(0, dot));
    if (!at.is_object() || !at.contains(key)) return nullptr;
    at = json(at[key]);
    section.remove_prefix(dot == std::string_view::npos ? section.size() : dot + 1);
  }
  return at;
}

std::string how_it_ended(const ProcessExit& exit) {
  if (exit.start_error) return exit.start_error->message;
  if (exit.signal != 0)
    return "ended by signal " + std::to_string(exit.signal) + " (" + ::strsignal(exit.signal) + ")";
  return "ended with exit code " + std::to_string(exit.exit_code);
}

template <class T, class Read>
LspClient::Answer<json> reading(const LspClient::Answer<T>& answer, Read read) {
  return [answer, read](Result<json> result) {
    if (!result) return answer(result.error());
    answer(read(*result));
  };
}

}  // namespace

std::shared_ptr<LspClient> LspClient::start(IoLoop& loop, ClientOptions options,
                                            ClientEvents events) {
  loop.assert_on_loop();
  std::shared_ptr<LspClient> out(new LspClient(loop, std::move(options), std::move(events)));
  out->launch();
  return out;
}

LspClient::LspClient(IoLoop& loop, ClientOptions options, ClientEvents events)
    : loop_(loop), options_(std::move(options)), events_(std::move(events)) {}

LspClient::~LspClient() {
  if (memory_timer_) memory_timer_->cancel();
  if (stop_timer_) stop_timer_->cancel();
  process_.reset();
  for (auto& [id, pending] : std::exchange(pending_, {})) {
    if (pending.timer) pending.timer->cancel();
    pending.answer(error(ErrorCode::cancelled, "is not needed any more"));
  }
}

// ---- begin and end
// -------------------------------------------------------------------------------

void LspClient::launch() {
  const auto weak = weak_from_this();
  PipedSpec spec;
  spec.argv = options_.argv;
  spec.cwd = options_.root;
  spec.env = options_.env;
  spec.unset_env = options_.unset_env;
  spec.kill_grace = options_.stop_timeout;
  spec.helper_binary = options_.helper_binary;
  process_ = PipedProcess::start(
      loop_, std::move(spec),
      [weak](std::string_view bytes) {
        if (const auto self = weak.lock()) self->received(bytes);
      },
      [weak](const ProcessExit& exit) {
        if (const auto self = weak.lock()) self->exited(exit);
      });
  send_request("initialize", initialize_params(options_.root, options_.initialization_options),
               options_.start_timeout, [weak](const Result<json>& result) {
                 if (const auto self = weak.lock()) self->initialized(result);
               });
  look_at_memory();
}

void LspClient::initialized(const Result<json>& result) {
  if (state_ != State::starting) return;
  if (!result) return end(result.error());
  features_ = ServerFeatures(*result);
  state_ = State::ready;
  notify("initialized", json::object());
  if (!options_.settings.empty())
    notify("workspace/didChangeConfiguration", {{"settings", options_.settings}});
  if (!usable()) return;  // it was gone already
  told_ready_ = true;
  events_.on_ready(ok_status());
}

void LspClient::stop() {
  if (state_ == State::stopping || state_ == State::ended) return;
  if (state_ == State::starting) return give_up(error(ErrorCode::cancelled, "was stopped"));
  const auto keep = shared_from_this();
  const auto weak = weak_from_this();
  state_ = State::stopping;
  for (auto& [id, pending] : std::exchange(pending_, {})) {
    pending.timer->cancel();
    pending.answer(error(ErrorCode::cancelled, "was stopped"));
  }
  stop_timer_ = loop_.run_after(options_.stop_timeout, [weak] {
    const auto self = weak.lock();
    if (self && self->process_) self->process_->kill();
  });
  send_request("shutdown", nullptr, options_.stop_timeout, [weak](const Result<json>& result) {
    const auto self = weak.lock();
    if (!self || !result || self->state_ != State::stopping) return;
    self->send(make_notification("exit", nullptr));
  });
}

void LspClient::give_up(const Error& why) { end(why); }

/// The server is of no use any more, for whatever reason. on_end is told when its process has gone.
void LspClient::end(Error why) {
  if (state_ == State::ended) return;
  const auto keep = shared_from_this();
  state_ = State::ended;
  if (memory_timer_) memory_timer_->cancel();
  if (stop_timer_) stop_timer_->cancel();
  if (why.context.empty()) why.context = options_.name;
  process_.reset();  // ends it and all below it
  for (auto& [id, pending] : std::exchange(pending_, {})) {
    if (pending.timer) pending.timer->cancel();
    pending.answer(why);
  }
  if (!std::exchange(told_ready_, true)) events_.on_ready(why);
  events_.on_end(why);
}

void LspClient::exited(const ProcessExit& exit) {
  if (state_ == State::stopping) return end(error(ErrorCode::cancelled, "was stopped"));
  const auto code = exit.start_error ? exit.start_error->code : ErrorCode::unavailable;
  const auto words = last_words();
  end(error(code, how_it_ended(exit) + (words.empty() ? "" : ": " + words)));
}

/// The last line that says something, of stderr or of what the server showed.
std::string LspClient::last_words() const {
  if (!last_error_text_.empty()) return last_error_text_;
  const auto text = process_ ? process_->errors(4096) : std::string();
  std::string out;
  for (const auto line : split_lines(text)) {
    // Node ends every trace with its version, which tells nothing.
    auto words = one_line(line, shown_words);
    const bool says_little = words.empty() || words.starts_with("Node.js v") ||
                             words.starts_with("at ") || words == "}" || words == "{";
    if (!says_little) out = std::move(words);
  }
  return out;
}

void LspClient::look_at_memory() {
  if (!options_.max_memory_bytes || state_ == State::ended) return;
  const auto used = resident_bytes(pid());
  if (used > *options_.max_memory_bytes)
    return end(error(ErrorCode::limit_reached,
                     "uses " + std::to_string(used / mebibyte) + " MiB of memory, more than its " +
                         std::to_string(*options_.max_memory_bytes / mebibyte) +
                         " MiB, and was ended"));
  memory_timer_ = loop_.run_after(options_.memory_look, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look_at_memory();
  });
}

Error LspClient::error(ErrorCode code, std::string message) const {
  return {code, std::move(message), options_.name};
}

// ---- requests
// ------------------------------------------------------------------------------------

void LspClient::request(std::string_view method, const json& params, Milliseconds timeout,
                        Answer<json> answer) {
  if (!usable())
    return answer_later(std::move(answer), error(ErrorCode::unavailable, "is not running"));
  if (pending_.size() >= max_pending)
    return answer_later(std::move(answer),
                        error(ErrorCode::limit_reached, "has too many requests open"));
  send_request(method, params, timeout, std::move(answer));
}

void LspClient::answer_later(Answer<json> answer, Error error) {
  loop_.post([answer = std::move(answer), error = std::move(error)] { answer(error); });
}

void LspClient::send_request(std::string_view method, const json& params, Milliseconds timeout,
                             Answer<json> answer) {
  const auto id = ++last_id_;
  auto timer = loop_.run_after(timeout, [weak = weak_from_this(), id] {
    if (const auto self = weak.lock()) self->timed_out(id);
  });
  pending_[id] = {std::string(method), std::move(answer), std::move(timer)};
  send(make_request(id, method, params));
}

void LspClient::timed_out(std::int64_t id) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  const auto pending = std::move(found->second);
  pending_.erase(found);
  notify("$/cancelRequest", {{"id", id}});
  pending.answer(error(ErrorCode::timeout, "did not answer " + pending.method + " in time"));
}

void LspClient::notify(std::string_view method, const json& params) {
  if (state_ == State::ended) return;
  send(make_notification(method, params));
}

/// A pipe that is broken or full for good is told in a turn of its own: the caller is in the middle
/// of something.
void LspClient::send(std::string_view body) {
  if (!process_) return;
  const auto sent = process_->write(frame(body));
  // That it has closed its input or ended is told better by its exit.
  if (sent || sent.error().code != ErrorCode::limit_reached) return;
  loop_.post([weak = weak_from_this(), why = sent.error()] {
    if (const auto self = weak.lock()) self->end(self->error(why.code, why.message));
  });
}

// ---- what the server says
// ------------------------------------------------------------------------

void LspClient::received(std::string_view bytes) {
  const auto keep = shared_from_this();
  reader_.feed(bytes);
  while (state_ != State::ended) {
    auto body = reader_.next();
    if (!body) return end(body.error());
    if (!*body) return;
    auto message = parse_server_message(**body);
    if (!message) return end(message.error());
    take(std::move(*message));
  }
}

void LspClient::take(ServerMessage message) {
  if (auto* answer = std::get_if<ServerAnswer>(&message)) return take_answer(std::move(*answer));
  if (auto* notice = std::get_if<ServerNotification>(&message)) return take_notification(*notice);
  take_request(std::get<ServerRequest>(message));
}

/// An answer that nobody waits for came after its deadline.
void LspClient::take_answer(ServerAnswer answer) {
  const auto found = pending_.find(answer.id);
  if (found == pending_.end()) return;
  const auto pending = std::move(found->second);
  pending_.erase(found);
  pending.timer->cancel();
  if (answer.result) return pending.answer(std::move(answer.result));
  const auto& failure = answer.result.error();
  pending.answer(error(failure.code, pending.method + ": " + failure.message));
}

void LspClient::take_notification(const ServerNotification& message) {
  if (message.method == "textDocument/publishDiagnostics") return take_publication(message.params);
  if (message.method == "$/progress") return take_progress(message.params);
  const bool said = message.method == "window/showMessage" || message.method == "window/logMessage";
  if (said && json_int(message.params, "type") == 1)
    last_error_text_ = one_line(json_text(message.params, "message"), shown_words);
}

void LspClient::take_publication(const json& params) {
  const auto path = path_of_uri(json_text(params, "uri"));
  const auto document = path ? documents_.find(*path) : documents_.end();
  if (document == documents_.end()) return;
  Publication out;
  if (params.contains("version") && params["version"].is_number_integer())
    out.version = params["version"].get<std::int64_t>();
  if (params.contains("diagnostics")) out.diagnostics = read_diagnostics(params["diagnostics"]);
  to_utf16(document->second, out.diagnostics);
  events_.on_diagnostics(*path, out);
}

void LspClient::take_progress(const json& params) {
  const auto token = token_of(params);
  const auto kind = json_text(json_object(params, "value"), "kind");
  for (const auto& background : options_.background_progress)
    if (token.starts_with(background)) return;
  const bool before = busy();
  if (kind == "begin" && progress_.size() < max_progress_tokens) progress_.insert(token);
  if (kind == "end") progress_.erase(token);
  if (busy() != before) events_.on_busy(busy());
}

void LspClient::take_request(const ServerRequest& message) {
  const auto& method = message.method;
  const auto reply = [&](const json& result) { send(make_result(message.id, result)); };
  if (method == "workspace/configuration") return reply(configuration(message.params));
  if (method == "workspace/workspaceFolders")
    return reply(initialize_params(options_.root, nullptr)["workspaceFolders"]);
  if (method == "workspace/applyEdit")
    return reply({{"applied", false}, {"failureReason", "edits are not taken from a server"}});
  if (method == "window/showDocument") return reply({{"success", false}});
  if (method == "client/registerCapability" || method == "client/unregisterCapability") {
    reply(nullptr);
    const bool add = method == "client/registerCapability";
    // The key of the second is misspelt in the protocol itself.
    const auto* key = add ? "registrations" : "unregisterations";
    const auto list = message.params.is_object() && message.params.contains(key)
                          ? message.params[key]
                          : json::array();
    if (add)
      features_.add(list);
    else
      features_.remove(list);
    return events_.on_features();
  }
  static const std::set<std::string> only_acknowledged{
      "window/workDoneProgress/create", "window/showMessageRequest",
      "workspace/diagnostic/refresh",   "workspace/semanticTokens/refresh",
      "workspace/codeLens/refresh",     "workspace/inlayHint/refresh",
      "workspace/foldingRange/refresh", "workspace/inlineValue/refresh"};
  if (only_acknowledged.contains(method)) return reply(nullptr);
  send(make_error(message.id, method_not_found, "muster does not know '" + method + "'"));
}

json LspClient::configuration(const json& params) const {
  auto out = json::array();
  const auto items = params.is_object() ? params.find("items") : params.end();
  if (!params.is_object() || items == params.end() || !items->is_array()) return out;
  for (const auto& item : *items)
    out.push_back(section_of(options_.settings, json_text(item, "section")));
  return out;
}

// ---- documents
// -----------------------------------------------------------------------------------

std::int64_t LspClient::open(const std::string& path, const std::string& language_id,
                             const std::string& text) {
  if (is_open(path)) return *change(path, text);
  const auto version = ++last_version_;
  const auto [at, fresh] =
      documents_.emplace(path, Document{version, language_id, TextPositions(valid_utf8(text))});
  notify("textDocument/didOpen", {{"textDocument",
                                   {{"uri", file_uri(path)},
                                    {"languageId", language_id},
                                    {"version", version},
                                    {"text", at->second.text.text()}}}});
  return version;
}

Result<std::int64_t> LspClient::change(const std::string& path, const std::string& text) {
  const auto found = documents_.find(path);
  if (found == documents_.end()) return error(ErrorCode::not_found, path + " is not open");
  auto& document = found->second;
  document.version = ++last_version_;
  document.text = TextPositions(valid_utf8(text));
  notify("textDocument/didChange",
         {{"textDocument", {{"uri", file_uri(path)}, {"version", document.version}}},
          {"contentChanges", json::array({{{"text", document.text.text()}}})}});
  return document.version;
}

void LspClient::close(const std::string& path) {
  if (documents_.erase(path) == 0) return;
  notify("textDocument/didClose", {{"textDocument", {{"uri", file_uri(path)}}}});
}

void LspClient::to_utf16(const Document& document, std::vector<Diagnostic>& diagnostics) const {
  if (features_.encoding() == Encoding::utf16) return;
  for (auto& one : diagnostics) {
    one.range.start = document.text.convert(one.range.start, features_.encoding(), Encoding::utf16);
    one.range.end = document.text.convert(one.range.end, features_.encoding(), Encoding::utf16);
  }
}

void LspClient::pull_diagnostics(const std::string& path, Milliseconds timeout,
                                 const Answer<std::vector<Diagnostic>>& answer) {
  json params{{"textDocument", {{"uri", file_uri(path)}}}};
  if (const auto identifier = features_.pull_identifier(); !identifier.is_null())
    params["identifier"] = identifier;
  request("textDocument/diagnostic", params, timeout,
          [self = weak_from_this(), path, answer](const Result<json>& result) {
            if (!result) return answer(result.error());
            auto out = read_diagnostics(result->is_object() && result->contains("items")
                                            ? (*result)["items"]
                                            : json::array());
            if (const auto client = self.lock()) {
              const auto found = client->documents_.find(path);
              if (found != client->documents_.end()) client->to_utf16(found->second, out);
            }
            answer(std::move(out));
          });
}

// ---- questions about a place
// ---------------------------------------------------------------------

Result<json> LspClient::place(const std::string& method, const std::string& path,
                              std::size_t offset) const {
  const auto found = documents_.find(path);
  if (found == documents_.end()) return error(ErrorCode::not_found, path + " is not open");
  if (usable() && !features_.offers(method))
    return error(ErrorCode::invalid_argument, "does not offer " + method);
  const auto position = found->second.text.position(offset, features_.encoding());
  return json{{"textDocument", {{"uri", file_uri(path)}}},
              {"position", {{"line", position.line}, {"character", position.character}}}};
}

void LspClient::definition(const std::string& path, std::size_t offset, Milliseconds timeout,
                           const Answer<std::vector<Location>>& answer) {
  auto params = place("textDocument/definition", path, offset);
  auto read = reading(answer, read_locations);
  if (!params) return answer_later(std::move(read), params.error());
  request("textDocument/definition", *params, timeout, std::move(read));
}

void LspClient::references(const std::string& path, std::size_t offset, bool with_declaration,
                           Milliseconds timeout, const Answer<std::vector<Location>>& answer) {
  auto params = place("textDocument/references", path, offset);
  auto read = reading(answer, read_locations);
  if (!params) return answer_later(std::move(read), params.error());
  (*params)["context"] = {{"includeDeclaration", with_declaration}};
  request("textDocument/references", *params, timeout, std::move(read));
}

void LspClient::hover(const std::string& path, std::size_t offset, Milliseconds timeout,
                      const Answer<std::string>& answer) {
  auto params = place("textDocument/hover", path, offset);
  auto read = reading(answer, read_hover);
  if (!params) return answer_later(std::move(read), params.error());
  request("textDocument/hover", *params, timeout, std::move(read));
}

void LspClient::rename(const std::string& path, std::size_t offset, const std::string& new_name,
                       Milliseconds timeout, const Answer<std::vector<FileEdits>>& answer) {
  auto params = place("textDocument/rename", path, offset);
  auto read = reading(answer, [name = options_.name](const json& edit) {
    auto out = read_workspace_edit(edit);
    if (out) return Result<std::vector<FileEdits>>(std::move(*out));
    return Result<std::vector<FileEdits>>(
        Error{ErrorCode::invalid_argument, "would do more than change the text of files", name});
  });
  if (!params) return answer_later(std::move(read), params.error());
  (*params)["newName"] = new_name;
  request("textDocument/rename", *params, timeout, std::move(read));
}

}  // namespace muster::lsp
