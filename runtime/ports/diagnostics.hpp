#pragma once
// Port to language servers: one running server for a language and a folder.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/diagnostic.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// A server that was started. Thread-safe. Dropping the last reference ends it; what is asked still
/// is answered, with code cancelled.
class LanguageService {
 public:
  using Answered = std::function<void(Result<LanguageAnswer>)>;

  virtual ~LanguageService() = default;
  /// `done` is called exactly once, from the I/O thread or, when that has stopped, from this call.
  /// Errors: why it could not be answered, which is never an empty answer. conflict: one of the
  /// documents is in use by another question.
  virtual void ask(std::shared_ptr<const LanguageQuestion> question, Answered done) = 0;
  /// Ends it in order; on_end follows. Idempotent.
  virtual void stop() = 0;
};

/// Both from the I/O thread, never inside start().
struct LanguageEvents {
  std::function<void()> on_ready;  ///< at most once: it can be asked
  /// Once, unless the service is dropped before: it has ended or never began.
  std::function<void(const Error&)> on_end;
};

/// A server that knows a file.
struct LanguageMatch {
  LanguageKey key;
  std::string language_id;  ///< of the file, see DocumentText
  std::string server;       ///< the program's name, for people
  /// Whether the tree says how the file is built. Else the server guesses, and may take for errors
  /// what is none.
  bool configured = false;
};

class LanguagePort {
 public:
  virtual ~LanguagePort() = default;
  /// Starts a server. Errors, told by on_end: not_found (nothing knows the language, or the server
  /// is not installed: the message says how to get it), permission_denied (it would run code of a
  /// workspace that is not trusted), others. Thread-safe.
  virtual std::shared_ptr<LanguageService> start(const LanguageKey& key, LanguageEvents events) = 0;
  /// The servers that know a file of this name below `tree`, an absolute folder. Looks at the file
  /// system. Thread-safe.
  [[nodiscard]] virtual std::vector<LanguageMatch> servers_of(const std::string& tree,
                                                              const std::string& path) = 0;
  /// Whether a server could be started: the errors not_found and permission_denied of start().
  /// Looks at the file system. Thread-safe.
  [[nodiscard]] virtual Status available(const LanguageKey& key) = 0;
};

}  // namespace muster
