#include "runtime/boot/key_commands.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "adapters/process/run_command.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 30s;  // some ask a person
constexpr std::size_t most_bytes = 8192;
constexpr std::size_t shown_bytes = 200;

Error refused(const std::string& program, const std::string& why) {
  return {ErrorCode::unauthenticated, "api_key_command gives no key: " + why, program};
}

/// A key is sent in a header: one line of visible ASCII.
bool is_key(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

Result<std::string> ask(const std::vector<std::string>& argv) {
  CommandSpec spec;
  spec.argv = argv;
  spec.timeout = patience;
  spec.max_output = most_bytes;
  auto said = run_command(spec);
  if (!said) return refused(argv.front(), said.error().message);
  if (!said->success()) {
    const auto complaint = one_line(said->err, shown_bytes);
    return refused(argv.front(), "it ended with " + std::to_string(said->exit_code) +
                                     (complaint.empty() ? "" : ": " + complaint));
  }
  auto key = said->out.substr(0, said->out.find_last_not_of("\r\n") + 1);
  if (said->truncated || !is_key(key))
    return refused(argv.front(), "it must print one line, the key, and nothing else");
  return key;
}

}  // namespace

Result<std::string> KeyCommands::operator()(const std::vector<std::string>& argv) {
  const auto found = known_.find(argv);
  if (found != known_.end()) return found->second;
  return known_.emplace(argv, ask(argv)).first->second;
}

}  // namespace muster
