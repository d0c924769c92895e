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
  using Checked = std::function<void(Result<std::vector<Diagnostic>>)>;

  virtual ~LanguageService() = default;
  /// What is wrong with a text; ranges in UTF-16. `done` is called exactly once, from the I/O
  /// thread or, when that has stopped, from this call. Errors: why it could not be checked, which
  /// is never an empty list.
  virtual void check(DocumentText document, Checked done) = 0;
  /// Ends it in order; on_end follows. Idempotent.
  virtual void stop() = 0;
};

/// Both from the I/O thread, never inside start().
struct LanguageEvents {
  std::function<void()> on_ready;  ///< at most once: it can be asked
  /// Once, unless the service is dropped before: it has ended or never began.
  std::function<void(const Error&)> on_end;
};

class LanguagePort {
 public:
  virtual ~LanguagePort() = default;
  /// Starts a server. Errors, told by on_end: not_found (nothing knows the language, or the server
  /// is not installed: the message says how to get it), permission_denied (it would run code of a
  /// workspace that is not trusted), others. Thread-safe.
  virtual std::shared_ptr<LanguageService> start(const LanguageKey& key, LanguageEvents events) = 0;
};

}  // namespace muster
