#include "adapters/model/model_server_playback.hpp"

#include <utility>

#include "adapters/io/io_loop.hpp"

namespace muster::scripted {
namespace {

bool breaks_mid_stream(FaultKind kind) {
  return kind == FaultKind::hang_mid_stream || kind == FaultKind::drop_mid_stream;
}

/// Half of the events; half of the bytes when there is only one.
std::size_t break_in_half(Events& events) {
  if (events.ends.size() == 1) events.ends.insert(events.ends.begin(), events.bytes.size() / 2);
  return events.ends.size() / 2;
}

}  // namespace

Playback::Playback(IoLoop& loop, std::shared_ptr<http::ResponseWriter> writer, Playable what,
                   Ended ended)
    : loop_(loop), writer_(std::move(writer)), what_(std::move(what)), ended_(std::move(ended)) {
  limit_ = what_.events.ends.size();
  if (breaks_mid_stream(what_.fault)) {
    limit_ = break_in_half(what_.events);
    what_.stream = true;
  }
}

void Playback::begin() {
  // The connection holds this function, and with it this object, until the answer ends.
  writer_->on_disconnect([self = shared_from_this()] { self->finish(true); });
  if (what_.latency_ms == 0) return headers_due();
  later(std::chrono::steady_clock::now() + std::chrono::milliseconds(what_.latency_ms),
        &Playback::headers_due);
}

void Playback::later(std::chrono::steady_clock::time_point due, void (Playback::*step)()) {
  const auto delay =
      std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
  timer_ = loop_.run_after(std::max(delay, std::chrono::milliseconds(0)),
                           [self = shared_from_this(), step] { ((*self).*step)(); });
}

void Playback::headers_due() {
  if (!writer_->open()) return;
  if (what_.fault == FaultKind::hang_before_headers) return writer_->hang();
  if (what_.fault == FaultKind::drop_before_headers) return writer_->drop();
  if (!what_.stream) return send_whole();
  due_ = std::chrono::steady_clock::now();
  writer_->cork();
  writer_->start(what_.status, what_.headers);
  events_due();
  writer_->uncork();
}

void Playback::send_whole() {
  const auto self = shared_from_this();
  writer_->send(what_.status, what_.headers, what_.events.bytes);
  finish(false);
}

void Playback::events_due() {
  if (!writer_->open()) return;
  write_events(what_.event_delay_ms == 0 ? limit_ : sent_ + 1);
  if (sent_ >= limit_) return at_last_event();
  // From the last due time, not from now: delays of the loop do not add up.
  due_ += std::chrono::milliseconds(what_.event_delay_ms);
  later(due_, &Playback::events_due);
}

void Playback::write_events(std::size_t count) {
  const auto& [bytes, ends] = what_.events;
  const auto end = std::min(count, limit_);
  const auto from = sent_ == 0 ? 0 : ends[sent_ - 1];
  if (end > sent_) writer_->write_chunk(std::string_view(bytes).substr(from, ends[end - 1] - from));
  sent_ = end;
}

void Playback::at_last_event() {
  const auto self = shared_from_this();
  if (what_.fault == FaultKind::hang_mid_stream) return writer_->hang();
  if (what_.fault == FaultKind::drop_mid_stream) {
    writer_->uncork();  // what came before the break is to be seen
    return writer_->drop();
  }
  writer_->end();
  finish(false);
}

void Playback::finish(bool client_left) {
  if (timer_) timer_->cancel();
  if (const auto ended = std::exchange(ended_, nullptr)) ended(client_left);
}

}  // namespace muster::scripted
