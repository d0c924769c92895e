#include "runtime/core/repo_map.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "runtime/core/chat.hpp"
#include "runtime/core/languages.hpp"
#include "runtime/core/map_words.hpp"
#include "runtime/core/name_id.hpp"
#include "runtime/core/page_rank.hpp"
#include "runtime/core/paths.hpp"

namespace muster {
namespace {

// A name that more files define says nothing about which of them is meant.
constexpr std::size_t kMaxDefiners = 40;
// A wish wants what is near to it, not what everything leads to in the end.
constexpr double kNear = 0.5;
constexpr double kFar = 0.85;
constexpr double kGiven = 3;           // of a file of the wish, beside one that its text names
constexpr double kPreferred = 0.9;     // of the preference goes to what the wish is about
constexpr double kOwnShare = 0.1;      // of a file's rank that its symbols have without being used
constexpr double kMentioned = 10;      // a name of the wish
constexpr std::size_t kLeastLine = 8;  // bytes that a symbol takes at the least

/// Languages whose files use each other's names.
std::uint64_t family_of(std::string_view language) {
  if (language == "c") language = "cpp";
  if (language == "tsx" || language == "typescript") language = "javascript";
  return name_id(language);
}

double weight_of_name(std::string_view name) {
  if (name.size() < 3) return 0.2;
  const bool hidden = name.front() == '_' || name.front() == '#' || name.back() == '_';
  if (hidden) return 0.1;
  // Made for one thing: "run" is anywhere, "run_mission" is not.
  return name.size() >= 8 ? 2 : 1;
}

/// How likely a use in one file means a definition in another, by what it imports.
class Visibility {
 public:
  explicit Visibility(const std::vector<MapFile>& files)
      : files_(files), seen_(files.size(), 0), hops_(files.size(), 0) {
    for (const auto& file : files)
      if (!file.imports.empty()) with_imports_.insert(family_of(file.language));
  }

  /// All that follows is about the uses in this file.
  void look_from(std::uint32_t from) {
    from_ = from;
    reached_.assign(1, from);
    mark(from, 0);
    for (std::size_t i = 0; i < reached_.size(); ++i) {
      const auto hops = hops_[reached_[i]];
      if (hops == kMaxHops) break;
      for (const auto next : files_[reached_[i]].imports)
        if (seen_[next] != from + 1 && mark(next, hops + 1)) reached_.push_back(next);
    }
    known_ = with_imports_.contains(family_of(files_[from].language));
    strict_ = has_word("c cpp javascript python rust tsx typescript", files_[from].language);
    folder_ = parent_path(files_[from].path);
  }

  [[nodiscard]] double factor(std::uint32_t to) const {
    static constexpr std::array<double, kMaxHops + 1> by_hops{1, 1, 0.6, 0.4};
    if (seen_[to] == from_ + 1) return by_hops[hops_[to]];
    if (!known_) return 1;
    if (strict_) return 0;
    return parent_path(files_[to].path) == folder_ ? 1 : 0.1;
  }

 private:
  static constexpr std::uint8_t kMaxHops = 3;

  bool mark(std::uint32_t file, int hops) {
    seen_[file] = from_ + 1;
    hops_[file] = static_cast<std::uint8_t>(hops);
    return true;
  }

  const std::vector<MapFile>& files_;
  std::unordered_set<std::uint64_t> with_imports_;  // families
  std::vector<std::uint32_t> seen_;                 // by whom + 1
  std::vector<std::uint8_t> hops_;
  std::vector<std::uint32_t> reached_;
  std::uint32_t from_ = 0;
  std::string_view folder_;
  bool known_ = false;   // what files of the family import
  bool strict_ = false;  // a file sees what it imports only: no packages, no autoloader
};

/// The symbols of one name, in all files of a family.
struct Definers {
  std::uint32_t begin = 0;  ///< of Graph::places
  std::uint32_t end = 0;
  std::uint32_t files = 0;
  double weight = 0;
};

struct Place {
  std::uint64_t name = 0;
  std::uint32_t file = 0;
  std::uint32_t symbol = 0;
};

/// Who defines what, and the walk over its uses.
class Graph {
 public:
  Graph(const std::vector<MapFile>& files, const TaskWords& words) : files_(files) {
    for (std::uint32_t file = 0; file < files.size(); ++file) add_file(file);
    std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
      if (a.name != b.name) return a.name < b.name;
      return a.file != b.file ? a.file < b.file : a.symbol < b.symbol;
    });
    definers_.reserve(places_.size());
    for (std::uint32_t at = 0; at < places_.size();) at = add_name(at, words);
  }

  /// Calls visit(from, place, weight) for each symbol that each file uses: a file's symbols of one
  /// name share the weight.
  template <class Visit>
  void each_use(Visit visit) const {
    Visibility sight(files_);
    for (std::uint32_t from = 0; from < files_.size(); ++from) {
      sight.look_from(from);
      const auto family = family_of(files_[from].language);
      for (const auto& use : files_[from].uses) {
        const auto found = definers_.find(use.name ^ family);
        if (found != definers_.end()) share(from, use.count, found->second, sight, visit);
      }
    }
  }

 private:
  void add_file(std::uint32_t file) {
    const auto family = family_of(files_[file].language);
    const auto& symbols = files_[file].symbols;
    for (std::uint32_t i = 0; i < symbols.size(); ++i)
      if (symbols[i].kind != "heading" && symbols[i].kind != "module")
        places_.push_back({name_id(symbols[i].name) ^ family, file, i});
  }

  std::uint32_t add_name(std::uint32_t begin, const TaskWords& words) {
    Definers out{begin, begin, 0, 0};
    for (; out.end < places_.size() && places_[out.end].name == places_[begin].name; ++out.end)
      if (out.end == begin || places_[out.end].file != places_[out.end - 1].file) ++out.files;
    const auto& name = files_[places_[begin].file].symbols[places_[begin].symbol].name;
    const auto many = static_cast<double>(out.files);
    out.weight = weight_of_name(name) * (1 + (kMentioned - 1) * words.fit_of_name(name)) /
                 (many * std::sqrt(many));
    if (out.files <= kMaxDefiners) definers_.emplace(places_[begin].name, out);
    return out.end;
  }

  template <class Visit>
  void share(std::uint32_t from, std::uint32_t count, const Definers& to, const Visibility& sight,
             Visit& visit) const {
    const double weight = to.weight * std::sqrt(static_cast<double>(count));
    for (auto at = to.begin; at < to.end;) {
      auto last = at + 1;
      while (last < to.end && places_[last].file == places_[at].file) ++last;
      // A file's use of its own names says nothing about it.
      const bool own = places_[at].file == from;
      const double each = weight * sight.factor(places_[at].file) / static_cast<double>(last - at);
      for (; at < last; ++at)
        if (!own && each > 0) visit(from, places_[at], each);
    }
  }

  const std::vector<MapFile>& files_;
  std::vector<Place> places_;
  std::unordered_map<std::uint64_t, Definers> definers_;
};

/// What the wish is about; the rest is for everything else.
std::vector<double> preference_of(const std::vector<MapFile>& files, const MapWish& wish,
                                  const TaskWords& words) {
  std::vector<double> out(files.size());
  double sum = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& path = files[i].path;
    const bool given = std::find(wish.files.begin(), wish.files.end(), path) != wish.files.end();
    out[i] = (given ? kGiven : 0) + words.fit_of_path(path);
    // A file that defines what the text names is meant, too.
    double best = 0;
    for (const auto& symbol : files[i].symbols)
      best = std::max(best, words.empty() ? 0 : words.fit_of_name(symbol.name));
    out[i] += best >= 0.4 ? best : 0;
    sum += out[i];
  }
  if (sum <= 0) return {};
  const double rest = (1 - kPreferred) / static_cast<double>(files.size());
  for (auto& value : out) value = kPreferred * value / sum + rest;
  return out;
}

std::vector<double> file_ranks(const Graph& graph, std::size_t files,
                               std::vector<double> preference, std::vector<double>& out_weight) {
  std::vector<RankEdge> edges;
  out_weight.assign(files, 0);
  graph.each_use([&](std::uint32_t from, const Place& to, double weight) {
    out_weight[from] += weight;
    const bool again = !edges.empty() && edges.back().from == from && edges.back().to == to.file;
    if (again)
      edges.back().weight += weight;
    else
      edges.push_back({from, to.file, weight});
  });
  const double damping = preference.empty() ? kFar : kNear;
  return page_rank(files, edges, std::move(preference), damping);
}

// ---- the text ---------------------------------------------------------------------------------

/// The first symbols of the ranking, and those that they lie in, by file.
class MapText {
 public:
  MapText(const std::vector<MapFile>& files, const std::vector<RankedSymbol>& ranked)
      : files_(files), ranked_(ranked) {}

  [[nodiscard]] std::string render(std::size_t count) const {
    std::vector<std::uint32_t> order;
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> chosen;
    for (std::size_t i = 0; i < count; ++i) {
      auto& of_file = chosen[ranked_[i].file];
      if (of_file.empty()) order.push_back(ranked_[i].file);
      of_file.push_back(ranked_[i].symbol);
    }
    std::string out;
    for (const auto file : order) append(files_[file], std::move(chosen[file]), out);
    return out;
  }

 private:
  static void append(const MapFile& file, std::vector<std::uint32_t> symbols, std::string& out) {
    add_surroundings(file, symbols);
    std::vector<int> open;  // where the symbols around end
    out += (out.empty() ? "" : "\n") + file.path + ":\n";
    for (const auto index : symbols) {
      const auto& symbol = file.symbols[index];
      while (!open.empty() && open.back() < symbol.end_line) open.pop_back();
      out += std::to_string(symbol.line) + ": ";
      out.append(2 * open.size(), ' ');
      open.push_back(symbol.end_line);
      out += (symbol.signature.empty() ? symbol.name : symbol.signature) + '\n';
    }
  }

  /// The class of a method: the nearest before it of less depth. A module is told by its file.
  static void add_surroundings(const MapFile& file, std::vector<std::uint32_t>& symbols) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      auto depth = file.symbols[symbols[i]].depth;
      for (auto at = symbols[i]; at > 0 && depth > 0; --at)
        if (file.symbols[at - 1].depth < depth) {
          if (file.symbols[at - 1].kind != "module") symbols.push_back(at - 1);
          break;
        }
    }
    std::sort(symbols.begin(), symbols.end());
    symbols.erase(std::unique(symbols.begin(), symbols.end()), symbols.end());
  }

  const std::vector<MapFile>& files_;
  const std::vector<RankedSymbol>& ranked_;
};

}  // namespace

std::vector<RankedSymbol> rank_symbols(const std::vector<MapFile>& files, const MapWish& wish) {
  const TaskWords words(wish.text);
  const Graph graph(files, words);
  std::vector<double> out_weight;
  const auto rank = file_ranks(graph, files.size(), preference_of(files, wish, words), out_weight);
  std::vector<RankedSymbol> out;
  std::vector<std::size_t> first;  // of each file in `out`
  for (std::uint32_t file = 0; file < files.size(); ++file) {
    first.push_back(out.size());
    const auto& symbols = files[file].symbols;
    for (std::uint32_t i = 0; i < symbols.size(); ++i) {
      const double own = kOwnShare * rank[file] / static_cast<double>(symbols.size());
      const bool frame = symbols[i].kind == "heading" || symbols[i].kind == "module";
      const double wanted = 1 + kMentioned * words.fit_of_name(symbols[i].name);
      out.push_back({file, i, (frame ? 0.1 : 1) * own * wanted * weight_of_name(symbols[i].name)});
    }
  }
  graph.each_use([&](std::uint32_t from, const Place& to, double weight) {
    out[first[to.file] + to.symbol].score += rank[from] * weight / out_weight[from];
  });
  std::stable_sort(out.begin(), out.end(),
                   [](const RankedSymbol& a, const RankedSymbol& b) { return a.score > b.score; });
  return out;
}

std::string repo_map(const std::vector<MapFile>& files, const MapWish& wish) {
  if (wish.token_budget <= 0) return {};
  const auto ranked = rank_symbols(files, wish);
  const MapText text(files, ranked);
  std::size_t fits = 0;
  // estimate_tokens counts four bytes for a token.
  const auto most =
      4 * static_cast<std::size_t>(std::min(wish.token_budget, std::int64_t{1} << 32));
  std::size_t too_many = std::min(ranked.size(), most / kLeastLine) + 1;
  std::string out;
  while (too_many - fits > 1) {
    const auto middle = fits + (too_many - fits) / 2;
    auto tried = text.render(middle);
    const bool ok = estimate_tokens(tried.size()) <= wish.token_budget;
    (ok ? fits : too_many) = middle;
    if (ok) out = std::move(tried);
  }
  return out;
}

}  // namespace muster
