#include "adapters/lsp/lsp_port.hpp"

#include <algorithm>
#include <utility>

#include "adapters/lsp/language_server.hpp"

namespace muster::lsp {
namespace {

/// A server as other threads hold it. What is inside belongs to the loop thread.
class Service final : public LanguageService {
 public:
  explicit Service(IoLoop& loop) : loop_(loop), inside_(std::make_shared<Inside>()) {}
  ~Service() override {
    loop_.post([inside = inside_] { inside->server.reset(); });
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void start(ClientOptions client, CheckOptions options, LanguageEvents events) {
    loop_.post([&loop = loop_, inside = inside_, client = std::move(client), options,
                events = std::move(events)]() mutable {
      inside->server = LanguageServer::start(
          loop, std::move(client), options,
          [on_ready = events.on_ready](const Status& status) {
            if (status && on_ready) on_ready();
          },
          [on_end = events.on_end](const Error& why) {
            if (on_end) on_end(why);
          });
    });
  }

  void ask(std::shared_ptr<const LanguageQuestion> question, Answered done) override {
    const bool posted = loop_.post([inside = inside_, question = std::move(question), done] {
      if (!inside->server) return done(not_there());
      inside->server->ask(question, done);
    });
    if (!posted) done(not_there());
  }

  void stop() override {
    loop_.post([inside = inside_] {
      if (inside->server) inside->server->stop();
    });
  }

 private:
  struct Inside {
    std::shared_ptr<LanguageServer> server;
  };

  static Error not_there() { return {ErrorCode::unavailable, "the language server has ended"}; }

  IoLoop& loop_;
  const std::shared_ptr<Inside> inside_;
};

}  // namespace

const config::LanguageServer* LspPort::find(const std::string& language) const {
  const auto known =
      std::find_if(table_.servers.begin(), table_.servers.end(),
                   [&](const auto& server) { return server.enabled && server.name == language; });
  return known == table_.servers.end() ? nullptr : &*known;
}

Result<ClientOptions> LspPort::options_for(const LanguageKey& key) const {
  const auto* known = find(key.language);
  if (known == nullptr)
    return Error{ErrorCode::not_found, "no language server is configured", key.language};
  return client_options(table_, *known, place_, key.root);
}

std::vector<LanguageMatch> LspPort::servers_of(const std::string& tree, const std::string& path) {
  std::vector<LanguageMatch> out;
  const auto absolute = tree + "/" + path;
  for (const auto& match : lsp::servers_of(table_, path)) {
    const auto& server = *match.server;
    const auto root = server_root(server, tree, absolute);
    out.push_back({{server.name, root},
                   match.language_id,
                   server.command.substr(server.command.rfind('/') + 1),
                   server.root_markers.empty() || has_root_marker(server, root)});
  }
  return out;
}

Status LspPort::available(const LanguageKey& key) {
  auto options = options_for(key);
  return options ? ok_status() : Status(options.error());
}

std::shared_ptr<LanguageService> LspPort::start(const LanguageKey& key, LanguageEvents events) {
  auto out = std::make_shared<Service>(loop_);
  const auto* known = find(key.language);
  auto options = options_for(key);
  if (options) {
    out->start(std::move(*options), check_options(table_, *known), std::move(events));
  } else {
    loop_.post([on_end = std::move(events.on_end), why = options.error()] {
      if (on_end) on_end(why);
    });
  }
  return out;
}

}  // namespace muster::lsp
