#pragma once
// Language servers that a test plays.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/diagnostics.hpp"

namespace muster::test {

/// A server that was started, and what it was asked.
struct FakeLanguageServer final : LanguageService {
  struct Asked {
    std::shared_ptr<const LanguageQuestion> question;
    Answered done;
  };
  LanguageKey key;
  LanguageEvents events;
  std::vector<Asked> asked;
  bool stopped = false;
  std::function<std::optional<Result<LanguageAnswer>>(const LanguageQuestion&)> answer;

  void ask(std::shared_ptr<const LanguageQuestion> question, Answered done) override {
    auto said = answer ? answer(*question) : std::nullopt;
    asked.push_back({std::move(question), done});
    if (said) done(std::move(*said));
  }
  void stop() override { stopped = true; }
};

/// Knows files of one ending. Servers are ready at once, unless `holds`.
struct FakeLanguagePort final : LanguagePort {
  std::string ending = ".cpp";
  bool configured = true;
  bool holds = false;
  std::optional<Error> missing;
  /// What a server answers at once; nullopt, or no function = later, by the test.
  std::function<std::optional<Result<LanguageAnswer>>(const LanguageKey&, const LanguageQuestion&)>
      answer;
  std::vector<std::weak_ptr<FakeLanguageServer>> servers;

  std::shared_ptr<LanguageService> start(const LanguageKey& key, LanguageEvents events) override {
    auto out = std::make_shared<FakeLanguageServer>();
    out->key = key;
    out->events = std::move(events);
    if (answer)
      out->answer = [this, key](const LanguageQuestion& question) { return answer(key, question); };
    servers.push_back(out);
    if (!holds) out->events.on_ready();
    return out;
  }
  std::vector<LanguageMatch> servers_of(const std::string& tree, const std::string& path) override {
    if (!path.ends_with(ending)) return {};
    return {{{"cpp", tree}, "cpp", "fake", configured}};
  }
  Status available(const LanguageKey&) override { return missing ? Status(*missing) : ok_status(); }
  [[nodiscard]] std::size_t running() const {
    std::size_t out = 0;
    for (const auto& server : servers) out += server.expired() ? 0U : 1U;
    return out;
  }
};

/// "BAD" in a text is an error on its line, "ODD" a warning.
inline LanguageAnswer read_badness(const LanguageQuestion& question) {
  LanguageAnswer out;
  for (const auto& document : question.documents) {
    std::vector<Diagnostic> found;
    std::int64_t line = 0;
    for (std::size_t at = 0; at <= document.text.size();) {
      const auto end = std::min(document.text.find('\n', at), document.text.size());
      const auto text = document.text.substr(at, end - at);
      const TextRange range{{line, 0}, {line, 1}};
      if (text.find("BAD") != std::string::npos)
        found.push_back({range, Severity::error, "E1", "fake", "BAD is here"});
      if (text.find("ODD") != std::string::npos)
        found.push_back({range, Severity::warning, "W1", "fake", "ODD is here"});
      ++line;
      at = end + 1;
    }
    out.documents.push_back({document.path, std::move(found)});
  }
  return out;
}

}  // namespace muster::test
