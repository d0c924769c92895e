#pragma once
// The language port on real language servers.

#include <memory>

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

 private:
  IoLoop& loop_;
  const config::LanguageServers table_;
  const ServerPlace place_;
};

}  // namespace muster::lsp
