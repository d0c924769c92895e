#pragma once
// A session as the journal holds it, so that one whose actor or engine died goes on where it was.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/chat.hpp"
#include "runtime/core/model_types.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// Texts of the records of one session, in the order of the journal.
struct SessionRecords {
  struct Message {
    std::string row;   ///< {"t":"message"}, with "prompt" when it tells one
    std::string body;  ///< the message as the provider is sent it
  };
  std::vector<Message> messages;
  std::vector<std::string> effects;  ///< rows of what it did to the world
};

struct SavedMessage {
  ChatFragment text;
  std::optional<ToolCall> answers;  ///< of a tool's result: the call
};

/// A call of the last turn that has no result in the journal.
struct SavedCall {
  ToolCall call;
  /// What its model is told instead of a result, when it must not be carried out a second time;
  /// nullopt = carrying it out (again) does no harm.
  std::optional<std::string> outcome;
  bool may_be_made = false;  ///< an edit: the file's content tells whether it was
};

struct SavedSession {
  std::vector<SavedMessage> messages;
  std::vector<SavedCall> open_calls;  ///< in the model's order
  std::set<std::string> prompts;      ///< ids of what it was told already
  int steps = 0;                      ///< replies of the model
  int jobs = 0;                       ///< commands, background ones included
  bool ends_with_text = false;        ///< the model's last turn had no call: it was not answered
};

/// Puts a session together again. A command that was about to run may have run: it is never run a
/// second time (effect class N); an edit that may have been made is marked; everything else is
/// safe to do again. corrupt: a message is not what sessions write.
Result<SavedSession> restore_session(const SessionRecords& records);

}  // namespace muster
