#include "adapters/git/mission_state.hpp"

#include <nlohmann/json.hpp>

#include "adapters/git/state_files.hpp"

namespace muster::git {
namespace {

using Json = nlohmann::json;

constexpr const char* mission_file = "/mission.json";
constexpr const char* apply_file = "/apply.json";

/// Paths are bytes, JSON is Unicode.
std::string to_hex(const std::string& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::string from_hex(const std::string& text) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(value(text[i]) * 16 + value(text[i + 1]));
  return bytes;
}

Result<std::optional<Json>> load(const std::string& path) {
  auto text = read_small_file(path);
  if (!text) return text.error();
  if (!*text) return std::optional<Json>{};
  Json json = Json::parse(**text, nullptr, false);
  if (!json.is_object()) return Error{ErrorCode::corrupt, "not readable as JSON", path};
  return std::optional<Json>{std::move(json)};
}

std::string field(const Json& json, const char* name) {
  const auto it = json.find(name);
  return it != json.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

}  // namespace

Result<std::optional<MissionRecord>> load_mission(const std::string& folder) {
  using Mode = MissionRecord::Mode;
  auto json = load(folder + mission_file);
  if (!json) return json.error();
  if (!*json) return std::optional<MissionRecord>{};
  MissionRecord record;
  const std::string mode = field(**json, "mode");
  record.mode = mode == "repository" ? Mode::repository
                : mode == "unborn"   ? Mode::unborn
                                     : Mode::plain;
  record.base = field(**json, "base");
  const auto discarded = (*json)->find("discarded");
  record.discarded = discarded != (*json)->end() && *discarded == true;
  const auto shared = (*json)->find("shared");
  record.shared = shared != (*json)->end() && *shared == true;
  if (record.base.empty())
    return Error{ErrorCode::corrupt, "the mission's base is missing", folder + mission_file};
  return std::optional<MissionRecord>{std::move(record)};
}

Status save_mission(const std::string& folder, const MissionRecord& record) {
  using Mode = MissionRecord::Mode;
  const char* mode = record.mode == Mode::repository ? "repository"
                     : record.mode == Mode::unborn   ? "unborn"
                                                     : "plain";
  const Json json{{"mode", mode},
                  {"base", record.base},
                  {"discarded", record.discarded},
                  {"shared", record.shared}};
  return write_file_atomically(folder + mission_file, json.dump(2) + "\n");
}

Result<std::optional<ApplyRecord>> load_apply(const std::string& folder) {
  using Phase = ApplyRecord::Phase;
  auto json = load(folder + apply_file);
  if (!json) return json.error();
  if (!*json) return std::optional<ApplyRecord>{};
  ApplyRecord record;
  const std::string phase = field(**json, "phase");
  record.phase = phase == "applied"   ? Phase::applied
                 : phase == "undoing" ? Phase::undoing
                                      : Phase::applying;
  record.kind =
      field(**json, "kind") == "merged" ? ApplyOutcome::Kind::merged : ApplyOutcome::Kind::applied;
  record.tip = field(**json, "tip");
  record.from = field(**json, "from");
  record.to = field(**json, "to");
  record.head = HeadState{field(**json, "head"), from_hex(field(**json, "ref"))};
  const auto kept = (*json)->find("kept");
  if (kept != (*json)->end() && kept->is_array())
    for (const Json& path : *kept)
      if (path.is_string()) record.kept.push_back(from_hex(path.get<std::string>()));
  return std::optional<ApplyRecord>{std::move(record)};
}

Status save_apply(const std::string& folder, const ApplyRecord& record) {
  using Phase = ApplyRecord::Phase;
  const char* phase = record.phase == Phase::applied   ? "applied"
                      : record.phase == Phase::undoing ? "undoing"
                                                       : "applying";
  const char* kind = record.kind == ApplyOutcome::Kind::merged ? "merged" : "applied";
  Json kept = Json::array();
  for (const std::string& path : record.kept) kept.push_back(to_hex(path));
  const Json json{{"phase", phase},
                  {"kind", kind},
                  {"tip", record.tip},
                  {"from", record.from},
                  {"to", record.to},
                  {"head", record.head.commit},
                  {"ref", to_hex(record.head.ref)},
                  {"kept", std::move(kept)}};
  return write_file_atomically(folder + apply_file, json.dump(2) + "\n");
}

Status remove_apply(const std::string& folder) { return remove_tree(folder + apply_file); }

}  // namespace muster::git
