#pragma once
// One language server for one language and folder: lazily started, restarted with backoff, stopped
// when idle.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/core/backoff.hpp"
#include "runtime/ports/diagnostics.hpp"

namespace muster {

struct LanguageConfig {
  std::chrono::milliseconds idle{300'000};  ///< without a question so long: the server is stopped
  std::size_t max_waiting = 256;            ///< questions that wait or are under way
  std::size_t max_open = 8;                 ///< of these, that the server is at
  BackoffPolicy backoff{500, 200, 60'000, 2.0, 300'000};
  std::uint64_t seed = 1;  ///< of the backoff's jitter
};

/// The id of its actor among its siblings: "language:<language>:<root>".
[[nodiscard]] std::string language_id(const LanguageKey& key);
/// A child for a dynamic supervisor.
[[nodiscard]] ChildSpec language_child(caf::actor_system& system, const LanguageKey& key,
                                       std::shared_ptr<LanguagePort> port,
                                       LanguageConfig config = {});

/// State of the language actor. A server that ends answers the questions that it was at with the
/// reason, which is no answer and so never clean; questions that come later start it again, not
/// before the backoff is over, for which they wait. Two questions about one file are asked one
/// after the other. What waiting does not mend (it is not installed, the workspace is not trusted)
/// is answered at once until then.
class ServedLanguage {
 public:
  ServedLanguage(compat::Self<language_actor> self, LanguageKey key,
                 std::shared_ptr<LanguagePort> port, LanguageConfig config);
  ~ServedLanguage();
  ServedLanguage(const ServedLanguage&) = delete;
  ServedLanguage& operator=(const ServedLanguage&) = delete;
  compat::Behavior<language_actor> make_behavior();

  static constexpr const char* name = "language";
  [[nodiscard]] std::string label() const { return key_.language + " " + key_.root; }

 private:
  using State = LanguageStatus::State;
  using Promise = compat::Promise<LanguageAnswerPtr>;
  struct Asked {
    LanguageQuestionPtr question;
    Promise promise;
  };

  caf::result<LanguageAnswerPtr> ask(const LanguageQuestionPtr& question);
  [[nodiscard]] LanguageStatus status() const;
  void start();
  void start_when_due();
  void ready();
  void ended(const Error& why);
  void submit_waiting();
  void submit(Asked asked);
  [[nodiscard]] bool can_begin(const LanguageQuestion& question) const;
  void answered(std::uint64_t id, const Result<LanguageAnswer>& result);
  void fail_all(const Error& why);
  void look_idle();
  [[nodiscard]] std::int64_t until_retry() const;

  compat::Self<language_actor> self_;
  const LanguageKey key_;
  const std::shared_ptr<LanguagePort> port_;
  const LanguageConfig config_;
  State state_ = State::down;
  std::shared_ptr<LanguageService> service_;
  std::uint64_t starts_ = 0;  ///< counts servers: what a former one says is dropped
  std::uint64_t next_id_ = 0;
  std::deque<Asked> waiting_;
  std::map<std::uint64_t, Asked> open_;
  std::set<std::string> in_use_;  ///< paths of the documents of open questions
  Backoff backoff_;
  std::mt19937_64 random_;
  std::int64_t retry_at_ms_ = 0;
  std::optional<Error> last_failure_;
  std::int64_t used_at_ms_ = 0;
  compat::Timer retry_;
  compat::Timer idle_;
};

}  // namespace muster
