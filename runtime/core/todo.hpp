#pragma once
// todo.md: a projection of the task graph for people, and their edits of it as proposals. The file
// decides nothing (BEHAVIOURS M5).

#include <string>
#include <string_view>
#include <vector>

namespace muster {

enum class TodoState { open, active, done, failed, skipped, parked };

/// One leaf of the graph.
struct TodoItem {
  std::string id;     ///< "M1.T2"
  std::string title;  ///< one line
  TodoState state = TodoState::open;
  std::string note;  ///< why it failed, was skipped or is parked; may be empty
};

/// The file's text: a group per milestone, a line per task with its id.
[[nodiscard]] std::string render_todo(const std::vector<TodoItem>& items);

/// What an edit asks for.
struct TodoProposal {
  enum class Kind { add, reword, reorder };
  Kind kind = Kind::add;
  std::string id;     ///< of a reworded task; empty otherwise
  std::string title;  ///< new words
  std::size_t line = 0;
  std::vector<std::string> order;  ///< of reorder: the known ids in the order of the file
};

/// A part of an edit that is not taken, and why.
struct TodoRefusal {
  std::size_t line = 0;  ///< 0: the file as a whole
  std::string reason;
};

struct TodoEdit {
  std::vector<TodoProposal> proposals;
  std::vector<TodoRefusal> refusals;
};

/// Reads an edited file against what the tasks are. `- [ ]`, `* [x]`, `+ [X]` and `1. [ ]` are
/// items; code fences are text. Ticking, unticking, removing, emptying never finishes or removes
/// anything: it is refused with a hint.
[[nodiscard]] TodoEdit parse_todo_proposal(const std::vector<TodoItem>& items,
                                           std::string_view text);

}  // namespace muster
