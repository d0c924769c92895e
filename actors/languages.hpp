#pragma once
// Language servers of an engine: who is asked about a file, how many servers there are at once, and
// when their trees are gone.

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/language.hpp"
#include "actors/registry.hpp"
#include "actors/supervisor.hpp"
#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/ports/diagnostics.hpp"

namespace muster {

struct LanguagesConfig {
  std::size_t max_servers = 4;                  ///< at once; each has a bound of memory of its own
  std::size_t max_waiting = 256;                ///< questions that wait for a place
  std::chrono::milliseconds patience{600'000};  ///< with one question; who asks is less patient
  LanguageConfig server;
};

/// The way to language servers, for those who ask them. Without a port there are none.
struct LanguageAccess {
  std::shared_ptr<LanguagePort> port;
  std::function<languages_actor()> desk;  ///< an invalid handle while it is down

  explicit operator bool() const { return port && desk; }
};

/// The supervisor of the servers' actors, a dynamic one with the name "language_servers". A
/// server's actor that crashes is started again after a pause, and never often enough for its
/// supervisors to give up: an engine does without diagnostics rather than not at all.
[[nodiscard]] SupervisorSpec language_servers_spec(std::shared_ptr<Registry> registry);

/// State of the desk: hands questions to the servers' actors, which it has its supervisor start.
/// When all places are taken the server that has been without a question for longest makes room;
/// while all are at work, questions for others wait.
class Languages {
 public:
  Languages(compat::Self<languages_actor> self, std::shared_ptr<Registry> registry,
            std::shared_ptr<LanguagePort> port, LanguagesConfig config);
  ~Languages();
  Languages(const Languages&) = delete;
  Languages& operator=(const Languages&) = delete;
  compat::Behavior<languages_actor> make_behavior();

  static constexpr const char* name = "language_desk";

 private:
  using Promise = compat::Promise<LanguageAnswerPtr>;
  struct Asked {
    LanguageKey key;
    LanguageQuestionPtr question;
    Promise promise;
  };
  enum class Stage { starting, there, leaving };
  struct Place {
    LanguageKey key;
    Stage stage = Stage::starting;
    std::size_t open = 0;
    std::int64_t used_at_ms = 0;
  };

  caf::result<LanguageAnswerPtr> ask(const LanguageKey& key, const LanguageQuestionPtr& question);
  void release(const std::string& folder);
  [[nodiscard]] LanguagesStatus status() const;
  void serve_waiting();
  /// False: it has to wait.
  bool serve(Asked& asked);
  void open_place(const LanguageKey& key);
  void hand_over(Place& place, Asked& asked);
  void handed_back(const std::string& id);
  void make_room();
  void close_place(const std::string& id);
  void fail_waiting(const std::function<bool(const LanguageKey&)>& which, const Error& why);
  [[nodiscard]] supervisor_actor supervisor() const;

  compat::Self<languages_actor> self_;
  const std::shared_ptr<Registry> registry_;
  const std::shared_ptr<LanguagePort> port_;
  const LanguagesConfig config_;
  std::map<std::string, Place> places_;  ///< by the id of the actor
  std::deque<Asked> waiting_;
};

}  // namespace muster
