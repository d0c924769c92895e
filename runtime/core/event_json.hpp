#pragma once
// How the parts of events travel as JSON: for the files that write whole events and whole states.

#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/core/events.hpp"

// std::optional travels as null or the value.
namespace nlohmann {
template <class T>
struct adl_serializer<std::optional<T>> {
  static void to_json(json& out, const std::optional<T>& value) {
    if (value)
      out = *value;
    else
      out = nullptr;
  }
  static void from_json(const json& in, std::optional<T>& value) {
    if (in.is_null())
      value.reset();
    else
      value = in.get<T>();
  }
};
}  // namespace nlohmann

namespace muster {

inline void to_json(nlohmann::json& out, const Error& error) {
  out = {{"code", to_string(error.code)}, {"message", error.message}, {"context", error.context}};
}
inline void from_json(const nlohmann::json& in, Error& error) {
  error.code = error_code_from(in.value("code", "internal")).value_or(ErrorCode::internal);
  error.message = in.value("message", "");
  error.context = in.value("context", "");
}

#define MUSTER_FIELDS(...) NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(__VA_ARGS__)
MUSTER_FIELDS(MissionLimits, iterations, attempts_per_task, review_rounds, same_error, active_tasks,
              session_failures, max_tasks, max_files_per_task, max_cost_usd, max_time_ms,
              max_tokens)
MUSTER_FIELDS(ProjectCommand, kind, check, command, cwd, found_in)
MUSTER_FIELDS(ReviewFinding, file, line, message, severity)
MUSTER_FIELDS(IntentIssued, id, kind, task, attempt, round, iteration)
MUSTER_FIELDS(Merged, intent, commit, tree, tip, base_moved, conflicts)
MUSTER_FIELDS(Sealed, intent, commit, branch, applied, note)
MUSTER_FIELDS(LimitHit, name, detail, fatal)
#undef MUSTER_FIELDS

}  // namespace muster
