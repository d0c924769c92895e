#include "tests/e2e/sandbox.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "adapters/io/unique_fd.hpp"

namespace muster::test {

namespace fs = std::filesystem;
using nlohmann::json;

TempFolder::TempFolder() {
  std::string name = (fs::temp_directory_path() / "muster-e2e-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = fs::canonical(name).string();
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& content) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Files files_below(const std::string& root) {
  Files out;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator();
       ++at) {
    auto name = at->path().filename();
    if (name == ".git" || name == ".muster" || name == "node_modules") {
      if (at->is_directory()) at.disable_recursion_pending();
    } else if (at->is_regular_file()) {
      out[fs::relative(at->path(), root).string()] = read_file(at->path().string());
    }
  }
  return out;
}

namespace {

/// GET of an http://ADDRESS:PORT/PATH on this machine; the whole answer.
std::string get(const std::string& url) {
  auto host = std::string("http://").size();
  auto colon = url.find(':', host);
  auto slash = url.find('/', host);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1, slash - colon - 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval limit{30, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect " + url);
  auto request =
      "GET " + url.substr(slash) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
    throw std::runtime_error("send " + url);
  std::string answer;
  std::array<char, 4096> buffer;
  for (ssize_t count; (count = ::recv(fd.get(), buffer.data(), buffer.size(), 0)) > 0;)
    answer.append(buffer.data(), static_cast<std::size_t>(count));
  return answer;
}

}  // namespace

ModelServer::ModelServer(const json& scenario, const std::string& folder,
                         const Environment& environment) {
  auto file = folder + "/scenario.json";
  write_file(file, scenario.dump(1));
  program_ = std::make_unique<Program>(
      std::vector<std::string>{MUSTER_BINARY, "model-server", "--scenario", file}, folder,
      environment);
  auto line = program_->wait_line("listening on ");
  base_url_ = line.substr(line.find("http://"));
}

json ModelServer::stats() const {
  auto answer = get(base_url_.substr(0, base_url_.rfind("/v1")) + "/stats");
  return json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
}

Sandbox::Sandbox(const Files& files) : repository_(temp_.path() + "/project") {
  auto home = folder("home");
  fs::create_directories(home);
  environment = {{"PATH", std::getenv("PATH")},
                 {"HOME", home},
                 {"LANG", "C.UTF-8"},
                 {"TMPDIR", temp_.path()},
                 {"GIT_CONFIG_NOSYSTEM", "1"}};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) environment[name] = value;
  write_file(home + "/.gitconfig",
             "[user]\n\tname = Ada\n\temail = ada@localhost\n[init]\n\tdefaultBranch = main\n");
  for (const auto& [path, content] : files) write_file(repository_ + "/" + path, content);
  git({"init", "-q"});
  git({"add", "-A"});
  git({"commit", "-q", "-m", "first"});
}

ModelServer& Sandbox::script(const json& scenario) {
  model_ = std::make_unique<ModelServer>(scenario, temp_.path(), environment);
  configure(
      {{"model", "scripted/model"},
       {"providers", {{"scripted", {{"base_url", model_->base_url()}, {"api_key", "none"}}}}}});
  return *model_;
}

void Sandbox::configure(const json& extra) {
  config_.merge_patch(extra);
  write_file(folder("home/.config/muster/config.json"), config_.dump(2));
}

Ended Sandbox::muster(std::vector<std::string> args) { return start(std::move(args))->wait(); }

std::unique_ptr<Program> Sandbox::start(std::vector<std::string> args, Stdio stdio) {
  args.insert(args.begin(), MUSTER_BINARY);
  return std::make_unique<Program>(std::move(args), repository_, environment, stdio);
}

std::string Sandbox::git(std::vector<std::string> args) {
  args.insert(args.begin(), "git");
  auto ended = run_program(args, repository_, environment);
  if (ended.exit_code != 0) throw std::runtime_error("git failed: " + ended.err);
  return ended.out;
}

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line));
  return out;
}

json last_json_line(const std::string& text) {
  auto lines = json_lines(text);
  if (lines.empty()) throw std::runtime_error("there is no line");
  return lines.back();
}

std::vector<std::string> processes_of(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    try {
      auto environment = read_file(entry.path().string() + "/environ");
      auto command = read_file(entry.path().string() + "/cmdline");
      if (environment.find(folder) == std::string::npos &&
          command.find(folder) == std::string::npos)
        continue;
      for (auto& c : command)
        if (c == '\0') c = ' ';
      out.push_back(name + " " + command);
    } catch (const std::exception&) {
      continue;  // it has gone meanwhile, or is somebody else's
    }
  }
  return out;
}

}  // namespace muster::test
