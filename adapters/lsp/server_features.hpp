#pragma once
// What we tell a server that we can do, and what it tells that it can.

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "adapters/lsp/text_positions.hpp"

namespace muster::lsp {

/// Parameters of `initialize`. `options` may be null.
[[nodiscard]] nlohmann::json initialize_params(const std::string& root,
                                               const nlohmann::json& options);

/// What a server offers: its answer to `initialize`, and what it registers later.
class ServerFeatures {
 public:
  ServerFeatures() = default;
  /// Reads the result of `initialize`, which may be anything.
  explicit ServerFeatures(const nlohmann::json& result);

  [[nodiscard]] Encoding encoding() const noexcept { return encoding_; }
  /// "clangd 14.0.6"; empty when it does not say.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Whether a request may be sent: "textDocument/rename".
  [[nodiscard]] bool offers(const std::string& method) const;
  /// Whether `workspace/executeCommand` knows the command.
  [[nodiscard]] bool has_command(const std::string& command) const;
  /// Of textDocument/diagnostic; null when it has none.
  [[nodiscard]] nlohmann::json pull_identifier() const;

  /// client/registerCapability and client/unregisterCapability. At most 1,000 are kept.
  void add(const nlohmann::json& registrations);
  void remove(const nlohmann::json& unregistrations);

 private:
  struct Registration {
    std::string method;
    nlohmann::json options;
  };

  nlohmann::json capabilities_ = nlohmann::json::object();
  Encoding encoding_ = Encoding::utf16;
  std::string name_;
  std::map<std::string, Registration> registrations_;  ///< by id
};

}  // namespace muster::lsp
