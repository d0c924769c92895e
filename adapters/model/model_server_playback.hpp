#pragma once
// One answer of the scripted model on its way: latency, chunks, faults.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "adapters/http/http_server.hpp"
#include "adapters/model/scripted_wire.hpp"

namespace muster {
class IoLoop;
class IoTimer;
}  // namespace muster

namespace muster::scripted {

/// Everything there is to send.
struct Playable {
  int status = 200;
  http::Headers headers;
  Events events;        ///< one event for what is not streamed
  bool stream = false;  ///< chunked; else with its length, when the end is regular
  int latency_ms = 0;
  int event_delay_ms = 0;
  FaultKind fault = FaultKind::none;  ///< hang_* and drop_* are played here
};

/// Loop thread only. It keeps itself until the answer has ended or the client has left.
class Playback : public std::enable_shared_from_this<Playback> {
 public:
  /// `ended` is called once; with true when the client left first.
  using Ended = std::function<void(bool client_left)>;

  Playback(IoLoop& loop, std::shared_ptr<http::ResponseWriter> writer, Playable what, Ended ended);
  void begin();

 private:
  void headers_due();
  void send_whole();
  void events_due();
  void write_events(std::size_t count);
  void at_last_event();
  void later(std::chrono::steady_clock::time_point due, void (Playback::*step)());
  void finish(bool client_left);

  IoLoop& loop_;
  std::shared_ptr<http::ResponseWriter> writer_;
  Playable what_;
  Ended ended_;
  std::shared_ptr<IoTimer> timer_;
  std::chrono::steady_clock::time_point due_;  ///< of the next event
  std::size_t sent_ = 0;                       ///< events
  std::size_t limit_ = 0;  ///< events to send: fewer than there are when the stream breaks
};

}  // namespace muster::scripted
