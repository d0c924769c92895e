#include "adapters/files/ripgrep.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
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

/// What a line of rg's is about; null when it is none of its lines.
Json data_of(std::string_view line) {
  Json json = Json::parse(line, nullptr, false);
  return json.is_object() && json.contains("data") ? std::move(json["data"]) : Json();
}

/// One file's matches as rg printed them.
struct FileMatches {
  std::string path;
  std::vector<std::string_view> lines;
};

/// rg prints the files in the order in which its threads are done with them, each in one piece.
std::vector<FileMatches> by_path(std::string_view output) {
  std::vector<FileMatches> files;
  // What a bound cut is no whole line.
  for (auto end = output.find('\n'); end != std::string_view::npos; end = output.find('\n')) {
    const auto line = output.substr(0, end);
    output.remove_prefix(end + 1);
    if (line.starts_with(R"({"type":"begin")"))
      files.push_back({without_dot(text_of(data_of(line), "path")), {}});
    else if (line.starts_with(R"({"type":"match")") && !files.empty())
      files.back().lines.push_back(line);
  }
  std::sort(files.begin(), files.end(),
            [](const FileMatches& a, const FileMatches& b) { return a.path < b.path; });
  return files;
}

std::optional<GrepMatch> parse_match(const std::string& path, std::string_view line) {
  const Json data = data_of(line);
  if (data.is_null()) return std::nullopt;
  GrepMatch match{path, 0, text_of(data, "lines")};
  if (const auto number = data.find("line_number");
      number != data.end() && number->is_number_unsigned())
    match.line = number->get<std::size_t>();
  while (!match.text.empty() && (match.text.back() == '\n' || match.text.back() == '\r'))
    match.text.pop_back();
  return match;
}

/// Only what is asked for is read: JSON costs more than the search.
void read_matches(GrepResult& result, std::string_view output, const GrepWanted& wanted) {
  for (const auto& file : by_path(output)) {
    if (wanted.path && !wanted.path(file.path)) continue;
    for (const auto line : file.lines)
      if (result.matches.size() == wanted.max_matches)
        ++result.more;
      else if (auto match = parse_match(file.path, line))
        result.matches.push_back(std::move(*match));
  }
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
                                   const std::string& include, const GrepWanted& wanted) const {
  std::vector<std::string> args{"--json", "--hidden", "--no-require-git", "--max-count",
                                std::to_string(options_.max_matches_per_file)};
  if (!include.empty()) args.push_back("--glob=" + include);
  for (const char* arg : {"--glob", "!.git", "-e"}) args.emplace_back(arg);
  args.push_back(pattern);
  args.emplace_back("./");
  GrepResult result;
  auto output = run(folder, std::move(args), "", result.truncated);
  if (!output) return output.error();
  read_matches(result, *output, wanted);
  return result;
}

Result<GrepResult> Ripgrep::search_text(const std::string& text, const std::string& pattern,
                                        const GrepWanted& wanted) const {
  GrepResult result;
  if (text.empty()) return result;
  std::vector<std::string> args{
      "--json", "--max-count", std::to_string(options_.max_matches_per_file), "-e", pattern, "-"};
  auto output = run(-1, std::move(args), text, result.truncated);
  if (!output) return output.error();
  read_matches(result, *output, wanted);
  for (GrepMatch& match : result.matches) match.path.clear();
  return result;
}

}  // namespace muster::files
