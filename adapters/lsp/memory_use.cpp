#include "adapters/lsp/memory_use.hpp"

#include <unistd.h>

#include <charconv>
#include <string>

#include "adapters/io/read_all.hpp"
#include "adapters/process/descendants.hpp"

namespace muster::lsp {
namespace {

/// The second number of statm, in pages.
std::uint64_t resident_of(pid_t pid) {
  const auto statm = read_all("/proc/" + std::to_string(pid) + "/statm");
  if (!statm) return 0;
  const auto blank = statm->find(' ');
  if (blank == std::string::npos) return 0;
  std::uint64_t pages = 0;
  std::from_chars(statm->data() + blank + 1, statm->data() + statm->size(), pages);
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::uint64_t resident_bytes(pid_t root) {
  if (root <= 0) return 0;
  auto out = resident_of(root);
  for (const pid_t pid : descendants_of(root)) out += resident_of(pid);
  return out;
}

}  // namespace muster::lsp
