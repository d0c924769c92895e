#pragma once
// The language port on real language servers.

#include <memory>
#include <string>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "adapters/lsp/server_table.hpp"
#include "config/config.hpp"
#include "runtime/ports/diagnostics.hpp"

namespace muster::lsp {

/// Starts the servers of the configuration's table. The loop outlives the port and the services.
class LspPort final : public LanguagePort {
 public:
  LspPort(IoLoop& loop, config::LanguageServers table, ServerPlace place)
      : loop_(loop), table_(std::move(table)), place_(std::move(place)) {}

  std::shared_ptr<LanguageService> start(const LanguageKey& key, LanguageEvents events) override;
  [[nodiscard]] std::vector<LanguageMatch> servers_of(const std::string& tree,
                                                      const std::string& path) override;
  [[nodiscard]] Status available(const LanguageKey& key) override;

 private:
  [[nodiscard]] const config::LanguageServer* find(const std::string& language) const;
  [[nodiscard]] Result<ClientOptions> options_for(const LanguageKey& key) const;

  IoLoop& loop_;
  const config::LanguageServers table_;
  const ServerPlace place_;
};

}  // namespace muster::lsp
