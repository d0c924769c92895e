// One megabyte of a chat completion's stream through the decoder that every model call uses.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "adapters/model/chat_completions.hpp"

namespace muster::bench {
namespace {

constexpr std::size_t stream_bytes = 1U << 20U;

/// Chunks as a provider words them, with `words` of text in each.
std::string text_stream(std::string_view words) {
  const std::string before =
      R"(data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1700000000,)"
      R"("model":"m","choices":[{"index":0,"delta":{"content":")";
  std::string out;
  while (out.size() < stream_bytes) {
    out += before;
    out += words;
    out += "\"},\"finish_reason\":null}]}\n\n";
  }
  out += before;
  out += "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
  return out;
}

void decode(benchmark::State& state, const std::string& stream) {
  const auto piece = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    model::ChatDecoder decoder;
    for (std::size_t at = 0; at < stream.size(); at += piece)
      decoder.feed(std::string_view(stream).substr(at, piece));
    if (decoder.state() != model::ChatDecoder::State::complete)
      return state.SkipWithError("the stream was not decoded");
    auto reply = decoder.take("salt", 0);
    benchmark::DoNotOptimize(reply);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
}

void stream_parse(benchmark::State& state) {
  static const auto stream = text_stream("The change stays small, and inside the named file. ");
  decode(state, stream);
}

void stream_parse_escapes(benchmark::State& state) {
  static const auto stream = text_stream(R"(  if (a[\"k\"] != \"v\\n\") {\n\t\u00e4\n)");
  decode(state, stream);
}

BENCHMARK(stream_parse)->Arg(8192)->Arg(256)->Unit(benchmark::kMillisecond);
BENCHMARK(stream_parse_escapes)->Arg(8192)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace muster::bench
