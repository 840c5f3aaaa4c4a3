#include "pipeline/run.hpp"

#include <exception>
#include <thread>

#include "pipeline/wire_keys.hpp"

namespace etalon {

Result<Receiver> bind_receiver(const Recipe& recipe, const std::string& address) {
  ReceiverOptions options;
  options.address = address;
  options.silence_limit =
      std::chrono::milliseconds(static_cast<std::int64_t>(recipe.ship.silence_limit_s * 1e3));
  options.window = recipe.ship.window;
  ETALON_ASSIGN(options.keys, wire_keys(recipe, address, "collector", "edge"));
  return Receiver::bind(options);
}

Result<RunReport> run_both(const Recipe& whole, EdgeOptions edge, CollectOptions centre) {
  Recipe recipe = whole;
  recipe.ship.keys.clear();  // nothing leaves the machine
  std::atomic<bool> edge_failed{false};
  centre.edge_failed = &edge_failed;
  centre.source = edge.source;
  if (centre.source.empty() && !recipe.source.path.empty()) {
    ETALON_ASSIGN(centre.source, source_path(recipe));
  }
  if (is_stream(centre.source)) centre.source.clear();  // no file to be spared
  ETALON_ASSIGN(Receiver receiver, bind_receiver(recipe, "tcp://127.0.0.1:*"));
  ETALON_ASSIGN(Collector collector, Collector::open(recipe, centre));
  edge.address = receiver.address();

  std::optional<Result<CollectReport>> collected;
  std::thread thread([&] { collected.emplace(collector.run(receiver)); });
  Result<EdgeReport> shipped = [&]() -> Result<EdgeReport> {
    try {
      return run_edge(recipe, edge);
    } catch (const std::exception& e) {  // the collector's thread must be joined all the same
      return Error{Errc::io, recipe.path + ": " + e.what()};
    }
  }();
  edge_failed = !shipped.ok();
  thread.join();

  if (!shipped.ok()) {
    // The half that failed first knows why; the other has only heard of it.
    const bool heard = !collected->ok() && (collected->error().code == Errc::interrupted ||
                                            collected->error().message.starts_with("edge: "));
    if (collected->ok() || heard) return std::move(shipped).error();
  }
  if (!collected->ok()) return std::move(*collected).error();
  return RunReport{std::move(*shipped), std::move(**collected)};
}

}  // namespace etalon
