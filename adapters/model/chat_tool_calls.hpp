#pragma once
// Tool calls, put together from the pieces that providers send.

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/model_types.hpp"

namespace muster::model {

/// Collects the `tool_calls` of deltas or of a whole message. Copes with missing and repeated
/// indexes, missing ids, names sent with every piece, and arguments as an object.
class ToolCallAssembler {
 public:
  /// Takes one element of `tool_calls`. Returns how many bytes it added.
  std::size_t add(const nlohmann::json& piece);
  /// Takes the `function_call` of the old protocol.
  std::size_t add_function_call(const nlohmann::json& call);

  [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }
  /// Of the newest call, as far as they came.
  [[nodiscard]] std::string_view last_arguments() const noexcept {
    return calls_.empty() ? std::string_view() : calls_.back().call.arguments;
  }

  /// The calls, with invented ids (nine letters and digits, the same for the same `salt` and calls)
  /// where there was none or one was used twice. Calls with neither name nor arguments are dropped.
  [[nodiscard]] std::vector<ToolCall> take(std::string_view salt);

 private:
  struct Partial {
    std::optional<std::int64_t> index;
    ToolCall call;
  };

  Partial& place_for(const std::optional<std::int64_t>& index, const std::string& id,
                     const std::string& name);
  Partial& append(const std::optional<std::int64_t>& index);

  std::vector<Partial> calls_;
};

}  // namespace muster::model
