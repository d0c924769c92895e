#pragma once
// Replies of the scripted model in the bytes of the chat-completions API.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/model/scripted_model.hpp"

namespace muster::scripted {

/// What a reply's envelope repeats.
struct Envelope {
  std::uint64_t number = 0;  ///< of the call: makes its id
  std::int64_t created = 0;  ///< seconds since 1970
  std::string model;
  bool include_usage = false;  ///< a stream ends with a usage chunk
};

/// Bytes and where each event of them ends, so that they can go out together or one by one.
struct Events {
  std::string bytes;
  std::vector<std::size_t> ends;
};

/// The server-sent events of a streamed reply, [DONE] included. Plays malformed_json and no_finish.
Events stream_events(const ScriptedReply& reply, const Envelope& envelope);

/// The body of a reply in one piece. Plays malformed_json and no_finish.
std::string whole_body(const ScriptedReply& reply, const Envelope& envelope);

/// An error body as providers send it.
std::string error_body(int status, std::string_view message);

/// The body of a status or html fault: what the scenario gives, else a plausible one.
std::string fault_body(const Fault& fault);

}  // namespace muster::scripted
