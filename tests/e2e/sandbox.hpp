#pragma once
// A user's machine in a folder: a home, a repository, a scripted model, and the program.

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/program.hpp"

namespace muster::test {

using Files = std::map<std::string, std::string>;

/// A folder that goes with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::string& content);
[[nodiscard]] std::string read_file(const std::string& path);
/// Path -> content of all regular files below `root`, without .git, .muster and node_modules.
[[nodiscard]] Files files_below(const std::string& root);

/// `muster model-server` as its own process.
class ModelServer {
 public:
  ModelServer(const nlohmann::json& scenario, const std::string& folder,
              const Environment& environment);
  [[nodiscard]] const std::string& base_url() const { return base_url_; }
  /// Which rules were used, by their index.
  [[nodiscard]] nlohmann::json stats() const;

 private:
  std::unique_ptr<Program> program_;
  std::string base_url_;
};

class Sandbox {
 public:
  /// A repository with one commit of these files, and a home without a configuration.
  explicit Sandbox(const Files& files);

  [[nodiscard]] const std::string& repository() const { return repository_; }
  [[nodiscard]] std::string folder(const std::string& name) const {
    return temp_.path() + "/" + name;
  }
  [[nodiscard]] std::string state_folder() const { return folder("home/.local/state/muster"); }
  Environment environment;  ///< of every program that is started here

  /// Starts a model server and makes it the user's model. Once.
  ModelServer& script(const nlohmann::json& scenario);
  [[nodiscard]] ModelServer& model() { return *model_; }
  /// Merges `extra` into the user's configuration.
  void configure(const nlohmann::json& extra);

  /// `muster <args>` in the repository, to its end.
  Ended muster(std::vector<std::string> args);
  /// The same, while it runs.
  std::unique_ptr<Program> start(std::vector<std::string> args, Stdio stdio = Stdio::pipes);
  /// `git <args>` in the repository; its output. Throws when it fails.
  std::string git(std::vector<std::string> args);

 private:
  TempFolder temp_;
  std::string repository_;
  nlohmann::json config_ = nlohmann::json::object();
  std::unique_ptr<ModelServer> model_;
};

/// The JSON Lines of `--json`; throws for a line that is none.
[[nodiscard]] std::vector<nlohmann::json> json_lines(const std::string& text);
/// The last of them, which is the result; throws when there is none.
[[nodiscard]] nlohmann::json last_json_line(const std::string& text);

/// Processes whose environment or command line names `folder`, with their command lines: what a
/// sandbox has left behind.
[[nodiscard]] std::vector<std::string> processes_of(const std::string& folder);

}  // namespace muster::test
