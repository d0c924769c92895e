#include "runtime/core/todo.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>

#include "runtime/core/plan.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_title = 300;
constexpr std::size_t max_proposals = 200;

char box_of(TodoState state) {
  switch (state) {
    case TodoState::done:
      return 'x';
    case TodoState::active:
      return '/';
    case TodoState::failed:
    case TodoState::skipped:
      return '-';
    case TodoState::parked:
      return '?';
    default:
      return ' ';
  }
}

struct Line {
  char box = ' ';
  std::string id;
  std::string title;
};

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

/// Position after "- ", "* ", "+ " or "12. ", or nullopt.
std::optional<std::size_t> skip_bullet(std::string_view text) {
  auto at = skip_spaces(text, 0);
  if (at < text.size() && (text[at] == '-' || text[at] == '*' || text[at] == '+')) {
    ++at;
  } else {
    auto digits = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
    if (at == digits || at >= text.size() || (text[at] != '.' && text[at] != ')'))
      return std::nullopt;
    ++at;
  }
  if (at >= text.size() || !is_space(text[at])) return std::nullopt;
  return skip_spaces(text, at);
}

/// The note that render_todo puts behind a title.
std::string without_note(std::string title) {
  if (auto note = title.find(" — "); note != std::string::npos) title.resize(note);
  return std::string(trim(title));
}

std::optional<Line> parse_line(std::string_view text) {
  auto at = skip_bullet(text);
  if (!at || *at + 3 > text.size() || text[*at] != '[' || text[*at + 2] != ']') return std::nullopt;
  Line line;
  line.box = static_cast<char>(std::tolower(static_cast<unsigned char>(text[*at + 1])));
  auto rest = trim(text.substr(*at + 3));
  auto end = std::min(rest.find(' '), rest.size());
  auto first = std::string(rest.substr(0, end));
  if (is_todo_id(first)) {
    line.id = first;
    rest = trim(rest.substr(end));
  }
  line.title = without_note(one_line(rest, max_title));
  return line;
}

class Reader {
 public:
  explicit Reader(const std::vector<TodoItem>& items) {
    for (const auto& item : items) known_[item.id] = &item;
    for (const auto& item : items) expected_.push_back(item.id);
  }

  void line(std::string_view text, std::size_t number) {
    auto start = trim(text);
    if (start.starts_with("```") || start.starts_with("~~~")) {
      fenced_ = !fenced_;
      return;
    }
    if (fenced_) return;
    auto parsed = parse_line(text);
    if (!parsed) return;
    if (parsed->id.empty()) return add(*parsed, number);
    auto found = known_.find(parsed->id);
    if (found == known_.end())
      return refuse(number, parsed->id + " is no task; leave the id away to propose a new one");
    if (!seen_.insert(parsed->id).second) return refuse(number, parsed->id + " stands here twice");
    order_.push_back(parsed->id);
    compare(*found->second, *parsed, number);
  }

  TodoEdit finish() {
    for (const auto& id : expected_)
      if (!seen_.contains(id))
        refuse(0, id + " is missing; removing a line drops nothing: muster todo drop " + id);
    if (order_.size() == expected_.size() && order_ != expected_)
      edit_.proposals.push_back({TodoProposal::Kind::reorder, {}, {}, 0, order_});
    return std::move(edit_);
  }

 private:
  void refuse(std::size_t number, std::string reason) {
    edit_.refusals.push_back({number, std::move(reason)});
  }

  void add(const Line& line, std::size_t number) {
    if (line.title.empty()) return;
    if (line.box == 'x') return refuse(number, "a new task cannot be done already");
    if (edit_.proposals.size() >= max_proposals)
      return refuse(number, "too many proposals in one edit");
    edit_.proposals.push_back({TodoProposal::Kind::add, {}, line.title, number, {}});
  }

  void compare(const TodoItem& item, const Line& line, std::size_t number) {
    if (line.box != box_of(item.state))
      refuse(number,
             "the box of " + item.id + " decides nothing: muster todo accept|drop " + item.id);
    if (!line.title.empty() && line.title != without_note(one_line(item.title, max_title)))
      edit_.proposals.push_back({TodoProposal::Kind::reword, item.id, line.title, number, {}});
  }

  std::map<std::string, const TodoItem*> known_;
  std::vector<std::string> expected_;
  std::vector<std::string> order_;
  std::set<std::string> seen_;
  bool fenced_ = false;
  TodoEdit edit_;
};

}  // namespace

std::string render_todo(const std::vector<TodoItem>& items) {
  std::string out =
      "# TODO\n\nWritten by muster. Add a line `- [ ] what to do`, or change a task's words; "
      "finish or remove with "
      "`muster todo accept|drop ID`.\n";
  std::string group;
  for (const auto& item : items) {
    auto milestone = item.id.substr(0, item.id.find('.'));
    if (milestone != group) out += "\n## " + milestone + "\n\n";
    group = milestone;
    auto depth = std::count(item.id.begin(), item.id.end(), '.');
    if (depth > 1) out += "  ";
    out += std::string("- [") + box_of(item.state) + "] " + item.id + " " +
           one_line(item.title, max_title);
    if (!item.note.empty()) out += " — " + one_line(item.note, max_title);
    out += "\n";
  }
  return out;
}

TodoEdit parse_todo_proposal(const std::vector<TodoItem>& items, std::string_view text) {
  Reader reader(items);
  std::size_t number = 0;
  std::size_t from = 0;
  while (from <= text.size()) {
    auto end = std::min(text.find('\n', from), text.size());
    reader.line(text.substr(from, end - from), ++number);
    from = end + 1;
  }
  return reader.finish();
}

}  // namespace muster
