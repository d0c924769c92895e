#include "tests/e2e/events.hpp"

#include <stdexcept>

#include "tests/e2e/sandbox.hpp"

namespace muster::test {

using nlohmann::json;

Events::Events(const std::string& output) : lines_(json_lines(output)) {
  if (lines_.empty()) throw std::runtime_error("there is no line");
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const auto& line = lines_[i];
    if (line.value("schema_version", 0) != 1)
      throw std::runtime_error("a line without its version: " + line.dump());
    if ((line.value("type", "") == "result") != (i + 1 == lines_.size()))
      throw std::runtime_error("result must be the last line: " + output);
  }
}

std::size_t Events::count(const std::string& type, const Wanted& wanted) const {
  return count_before(lines_.size(), type, wanted);
}

std::size_t Events::count_before(std::size_t end, const std::string& type,
                                 const Wanted& wanted) const {
  std::size_t out = 0;
  for (std::size_t i = 0; i < end; ++i)
    if (lines_[i]["type"] == type && (!wanted || wanted(lines_[i]["data"]))) ++out;
  return out;
}

std::size_t Events::index_of(const std::string& type, const Wanted& wanted) const {
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (lines_[i]["type"] == type && (!wanted || wanted(lines_[i]["data"]))) return i;
  throw std::runtime_error("no event " + type);
}

std::vector<std::string> Events::phases() const {
  std::vector<std::string> out;
  for (const auto& line : lines_)
    if (line["type"] == "phase") out.push_back(line["data"]["to"]);
  return out;
}

}  // namespace muster::test
