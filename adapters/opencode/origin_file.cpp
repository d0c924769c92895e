#include "adapters/opencode/origin_file.hpp"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adapters/io/read_all.hpp"

namespace muster::opencode {

using nlohmann::json;

Origin OriginFile::read() const {
  const auto text = read_all(path_);
  const auto kept = json::parse(text.ok() ? *text : std::string(), nullptr, false);
  if (!kept.is_object() || !kept.contains("mission") || !kept["mission"].is_string() ||
      !kept.contains("session") || !kept["session"].is_string())
    return {};
  const bool has_model = kept.contains("model") && kept["model"].is_string();
  return {kept["mission"].get<std::string>(), kept["session"].get<std::string>(),
          has_model ? kept["model"].get<std::string>() : std::string()};
}

Status OriginFile::write(const Origin& origin) const {
  const std::string fresh = path_ + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << json{{"v", 1},
              {"mission", origin.mission},
              {"session", origin.session},
              {"model", origin.model}}
             .dump()
      << "\n";
  out.close();
  if (!out || std::rename(fresh.c_str(), path_.c_str()) != 0)
    return Error{ErrorCode::io_error, "cannot keep which session asked for the mission", path_};
  return ok_status();
}

}  // namespace muster::opencode
