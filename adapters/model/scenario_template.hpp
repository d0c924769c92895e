#pragma once
// {{...}} in a scenario's strings.

#include <string>
#include <string_view>
#include <vector>

#include "adapters/model/scenario.hpp"
#include "adapters/model/scripted_request.hpp"

namespace muster::scripted {

/// Finds the variables of `text`. With `json`, `text` is JSON and what is inserted into its strings
/// is escaped. Braces around anything but a name are text. Errors: an unknown variable, a capture
/// beyond `captures`.
Result<Template> compile_template(std::string_view text, bool json, int captures);

/// What templates are filled from.
struct TemplateValues {
  const ScriptedRequest& request;
  std::vector<std::string> captures = {};  ///< [0] is the whole match
};

std::string render(const Template& source, const TemplateValues& values);

}  // namespace muster::scripted
