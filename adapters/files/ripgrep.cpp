#include "adapters/files/ripgrep.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "adapters/process/run_command.hpp"
#include "runtime/core/text.hpp"

namespace muster::files {
namespace {

using Json = nlohmann::json;

constexpr int no_match = 1;

/// rg gives text as {"text": ...} or, when it is no UTF-8, as {"bytes": base64}.
std::string decode_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned value = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) break;
    value = (value << 6U) | static_cast<unsigned>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>((value >> static_cast<unsigned>(bits)) & 0xffU);
  }
  return bytes;
}

std::string text_of(const Json& data, const char* name) {
  const auto field = data.find(name);
  if (field == data.end() || !field->is_object()) return "";
  if (const auto text = field->find("text"); text != field->end() && text->is_string())
    return text->get<std::string>();
  if (const auto bytes = field->find("bytes"); bytes != field->end() && bytes->is_string())
    return decode_base64(bytes->get<std::string>());
  return "";
}

std::string without_dot(const std::string& path) {
  return path.starts_with("./") ? path.substr(2) : path;
}

std::vector<GrepMatch> parse_matches(const std::string& output) {
  std::vector<GrepMatch> matches;
  for (const std::string_view line : split_lines(output)) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("type", "") != "match") continue;
    const Json& data = json["data"];
    GrepMatch match;
    match.path = without_dot(text_of(data, "path"));
    if (const auto number = data.find("line_number");
        number != data.end() && number->is_number_unsigned())
      match.line = number->get<std::size_t>();
    match.text = text_of(data, "lines");
    while (!match.text.empty() && (match.text.back() == '\n' || match.text.back() == '\r'))
      match.text.pop_back();
    matches.push_back(std::move(match));
  }
  std::stable_sort(matches.begin(), matches.end(),
                   [](const GrepMatch& a, const GrepMatch& b) { return a.path < b.path; });
  return matches;
}

}  // namespace

Result<std::string> Ripgrep::run(int folder, std::vector<std::string> args, std::string input,
                                 bool& truncated) const {
  CommandSpec spec;
  spec.argv = {options_.binary, "--no-config"};
  spec.argv.insert(spec.argv.end(), args.begin(), args.end());
  // The open folder itself, whatever its path leads to by the time the child starts.
  if (folder >= 0)
    spec.cwd = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(folder);
  spec.unset_env = {"RIPGREP_CONFIG_PATH"};
  spec.stdin_text = std::move(input);
  spec.timeout = options_.timeout;
  spec.max_output = options_.max_output;
  auto done = run_command(spec);
  if (!done && done.error().code == ErrorCode::not_found)
    return Error{ErrorCode::unavailable, "ripgrep (" + options_.binary + ") is not installed"};
  if (!done && done.error().code == ErrorCode::timeout)
    return Error{ErrorCode::timeout, "the search took more than " +
                                         std::to_string(options_.timeout.count() / 1000) + " s"};
  if (!done) return done.error();
  truncated = done->truncated;
  if (done->signal == 0 && (done->exit_code == 0 || done->exit_code == no_match))
    return std::move(done->out);
  // 2 also says that single files could not be read; what was found still counts.
  if (done->exit_code == 2 && !done->out.empty()) return std::move(done->out);
  const std::string_view reason = trim(bounded_head(done->err, 1000));
  return Error{ErrorCode::invalid_argument, "rg: " + valid_utf8(reason)};
}

Result<FileList> Ripgrep::files(int folder) const {
  FileList list;
  auto output =
      run(folder,
          {"--files", "--null", "--hidden", "--no-require-git", "--no-messages", "--glob", "!.git"},
          "", list.truncated);
  if (!output) return output.error();
  std::string_view rest = *output;
  for (std::size_t end = rest.find('\0'); end != std::string_view::npos; end = rest.find('\0')) {
    list.paths.push_back(without_dot(std::string{rest.substr(0, end)}));
    rest.remove_prefix(end + 1);
  }
  std::sort(list.paths.begin(), list.paths.end());
  return list;
}

Result<GrepResult> Ripgrep::search(int folder, const std::string& pattern,
                                   const std::string& include) const {
  std::vector<std::string> args{"--json", "--hidden", "--no-require-git", "--max-count",
                                std::to_string(options_.max_matches_per_file)};
  if (!include.empty()) args.push_back("--glob=" + include);
  for (const char* arg : {"--glob", "!.git", "-e"}) args.emplace_back(arg);
  args.push_back(pattern);
  args.emplace_back("./");
  GrepResult result;
  auto output = run(folder, std::move(args), "", result.truncated);
  if (!output) return output.error();
  result.matches = parse_matches(*output);
  return result;
}

Result<GrepResult> Ripgrep::search_text(const std::string& text, const std::string& pattern) const {
  GrepResult result;
  if (text.empty()) return result;
  std::vector<std::string> args{
      "--json", "--max-count", std::to_string(options_.max_matches_per_file), "-e", pattern, "-"};
  auto output = run(-1, std::move(args), text, result.truncated);
  if (!output) return output.error();
  result.matches = parse_matches(*output);
  for (GrepMatch& match : result.matches) match.path.clear();
  return result;
}

}  // namespace muster::files
