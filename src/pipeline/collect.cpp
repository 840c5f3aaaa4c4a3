#include "pipeline/collect.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/durable.hpp"
#include "base/durations.hpp"
#include "base/posix.hpp"
#include "base/text.hpp"
#include "codec/hdf5_filter.hpp"
#include "etalon/version.hpp"
#include "pipeline/collect_checks.hpp"
#include "pipeline/collect_journal.hpp"
#include "pipeline/decision.hpp"
#include "pipeline/edge_records.hpp"
#include "pipeline/stored_series.hpp"

namespace etalon {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

bool set(const std::atomic<bool>* flag) { return flag != nullptr && flag->load(); }

}  // namespace

struct Collector::Impl {
  Impl(const Recipe& r, CollectOptions o) : recipe_(r), options_(std::move(o)) {}

  Result<CollectReport> run(Receiver& receiver) {
    receiver_ = &receiver;
    if (auto received = guarded(); !received.ok()) {
      Error why = std::move(received).error();
      if (goes_on(why)) {
        why.message += "; " + counted(series_->stored(), "frame") + " wait in " + journal_->path() +
                       ": start the collector again to go on";
      } else {
        if (edge_gone_) keep_part(why);
        if (replayed_) journal_->remove();
      }
      series_.reset();
      receiver_->reject(why);
      return why;
    }
    receiver_->done({report_.output, report_.sha256, report_.stored, report_.vetoed});
    // What is stored is reported whatever becomes of it.
    if (report_.complete && recipe_.analyse.kind != "none")
      if (auto concluded = conclude(); !concluded.ok())
        report_.failure = std::move(concluded).error();
    see_off();
    if (journal_) journal_->remove();
    report_.dropped = receiver_->counters().dropped;
    if (series_->duplicates() > 0) report_.dropped["frame stored already"] = series_->duplicates();
    return std::move(report_);
  }

  // The edge may have missed the last word: one that lives asks again soon, one that was killed
  // when it is there again.
  void see_off() {
    const double limit_s =
        spooled_ ? recipe_.ship.silence_limit_s : 3 * recipe_.ship.resend_after_s;
    const auto until = std::chrono::steady_clock::now() + milliseconds_of(limit_s);
    while (!receiver_->see_off(milliseconds(100)) && !set(options_.interrupted) &&
           std::chrono::steady_clock::now() < until) {
    }
  }

  // What can fail without an edge fails before one is waited for.
  Result<void> prepare() {
    folder_ = options_.folder;
    if (folder_.empty()) {
      ETALON_ASSIGN(folder_, output_path(recipe_, recipe_.store.folder));
    }
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return Error{Errc::io, folder_ + ": cannot be made: " + error.message()};
    ETALON_TRY(sync_names_beside(absolute_path(folder_)));
    if (options_.instrument != nullptr) {
      for (std::size_t i = 0; i < recipe_.decide.rules.size(); ++i) {
        const RuleText& rule = recipe_.decide.rules[i];
        auto known = options_.instrument->check({rule.action, rule.parameters, "", {}});
        if (!known.ok())
          return std::move(known).error().in(recipe_.path + ": [[decide.rule]] " +
                                             std::to_string(i + 1));
      }
    }
    ETALON_ASSIGN(report_.ledger, ledger_path(recipe_, folder_));
    if (Ledger::on_server(report_.ledger)) {
      ETALON_TRY(ledger());
      return {};
    }
    std::string place = absolute_path(report_.ledger);
    const bool there = fs::exists(place, error);
    if (!there) place = fs::path(place).parent_path().string();
    if (::access(place.c_str(), W_OK) != 0) return system_error(place, "write the ledger");
    if (there) ETALON_TRY(ledger());
    return {};
  }

  // Made when it is needed: a run that fails before leaves none behind.
  Result<Ledger*> ledger() {
    if (!ledger_) {
      ETALON_ASSIGN(Ledger opened, Ledger::open(report_.ledger));
      ledger_.emplace(std::move(opened));
    }
    return &*ledger_;
  }

  // It runs on a thread of its own, and the edge waits for a word.
  Result<void> guarded() {
    try {
      return receive();
    } catch (const std::exception& e) {
      return Error{Errc::io, folder_ + ": " + e.what()};
    }
  }

  // What is in the journal is stored again: the files of the killed run are written anew. True when
  // that was all of it.
  Result<bool> resume() {
    const std::string name = recipe_.hash.hex().substr(0, 16) + ".journal";
    journal_.emplace((fs::path(folder_) / name).string());
    bool ended = false;
    const auto again = [&](const Message& message) -> Result<void> {
      resumed_ = true;
      receiver_->resume(message.run, message.sequence + 1);
      ETALON_ASSIGN(ended, std::visit([&](const auto& body) { return take(body); }, message.body));
      return {};
    };
    ETALON_ASSIGN(const std::uint64_t messages, journal_->replay(again));
    replayed_ = true;
    if (resumed_ && options_.resumed) options_.resumed(messages - 1);
    return ended;
  }

  Result<void> write_down() {
    return journal_ ? journal_->append(receiver_->bytes()) : Result<void>();
  }

  // The edge is told of messages that are on the disk, never before. One wait for the disk serves
  // all that came during the wait before, half a window at most: the other half is on its way
  // meanwhile.
  Result<void> acknowledge() {
    if (journal_) ETALON_TRY(journal_->sync());
    taken_ = 0;
    return receiver_->accept();
  }
  bool is_due() const { return !journal_ || !welcomed_ || 2 * taken_ >= receiver_->window(); }

  // Whether a later collector can take this run to its end.
  bool goes_on(const Error& why) const {
    return journal_ && journal_->is_there() && series_ && spooled_ && why.code == Errc::io &&
           !edge_gave_up_;
  }

  Result<void> receive() {
    if (options_.journal) {
      ETALON_ASSIGN(const bool ended, resume());
      if (ended) return {};
    }
    for (bool asked = false;;) {
      if (!series_ && (options_.edge_failed != nullptr ? options_.edge_failed->load()
                                                       : set(options_.interrupted)))
        return Error{Errc::interrupted, receiver_->address() + ": interrupted"};
      if (series_ && set(options_.interrupted) && !receiver_->heard()) {
        edge_gone_ = true;
        return Error{Errc::interrupted, receiver_->address() + ": interrupted without an edge"};
      }
      if (series_ && set(options_.interrupted) && !asked) {
        receiver_->ask_to_stop();
        asked = true;
      }
      auto next = receiver_->next(milliseconds(taken_ == 0 ? 100 : 0));
      edge_gone_ = !next.ok();
      ETALON_ASSIGN(const auto message, std::move(next));
      if (!message) {
        if (taken_ > 0) ETALON_TRY(acknowledge());
        continue;
      }
      if (std::holds_alternative<End>(message->body)) {
        ETALON_TRY(write_down());
        if (journal_) ETALON_TRY(journal_->sync());
      }
      ETALON_ASSIGN(const bool ended,
                    std::visit([&](const auto& body) { return take(body); }, message->body));
      if (ended) return {};
      ETALON_TRY(write_down());
      ETALON_TRY(receiver_->take());
      ++taken_;
      if (is_due()) ETALON_TRY(acknowledge());
      welcomed_ = true;
    }
  }

  // Each says whether the run has ended.
  Result<bool> take(const Hello& hello) {
    if (hello.recipe != recipe_.hash)
      return Error{Errc::usage, recipe_.path + ": the edge follows another recipe (SHA-256 " +
                                    hello.recipe.hex().substr(0, 12) + ", here " +
                                    recipe_.hash.hex().substr(0, 12) + ")"};
    if (hello.first > 1 && !resumed_)
      return Error{Errc::io, recipe_.path +
                                 ": the edge goes on with a run of which another "
                                 "collector has the first " +
                                 counted(hello.first - 1, "message")};
    spooled_ = hello.spooled;
    const StoredSeries::Options files{folder_,
                                      recipe_.store.file,
                                      options_.overwrite,
                                      options_.source,
                                      recipe_.analyse.kind != "none",
                                      recipe_.audit.share > 0,
                                      resumed_,
                                      recipe_.store.frames_per_file};
    if (ledger_) ETALON_TRY(StoredSeries::recover(files, hello, *ledger_));
    ETALON_ASSIGN(StoredSeries series, StoredSeries::create(files, hello));
    series_.emplace(std::move(series));
    frames_ = hello.info.frames;
    if (options_.opened) options_.opened(hello.info);
    return false;
  }
  Result<bool> take(const ShippedFrame& frame) {
    ETALON_TRY(series_->add(frame));
    return progressed();
  }
  Result<bool> take(const Vetoes& vetoes) {
    ETALON_TRY(series_->add(vetoes));
    return progressed();
  }
  Result<bool> take(const Failure& failure) {
    edge_gone_ = edge_gave_up_ = true;
    return Error{failure.code, "edge: " + failure.message};
  }
  template <typename Other>
  Result<bool> take(const Other&) {
    return false;
  }
  Result<bool> progressed() {
    if (options_.progress) options_.progress(series_->stored() + series_->vetoed(), frames_);
    return false;
  }

  Result<bool> take(const End& end) {
    ETALON_TRY(check_conserved(end, *series_, frames_, recipe_.path));
    ETALON_TRY(check_unharmed(end, *series_, recipe_.path));
    const Naming naming = end.complete ? Naming::whole : Naming::partial;
    ETALON_TRY(series_->close(naming, [this] { receiver_->keep_waiting(); }));
    report_.sha256 = series_->hash();
    report_.complete = end.complete;
    report_.received = end.received;
    report_.stored = series_->stored();
    report_.vetoed = series_->vetoed();
    report_.audit = {series_->vetoed(), series_->audited(), series_->audit_hits(),
                     series_->audit_bytes(), recipe_.audit.limit};
    report_.lost = end.lost;
    report_.raw_bytes = end.raw_bytes;
    report_.raw_bytes_kept = end.raw_bytes_kept;
    report_.bytes_stored = series_->file_bytes();
    report_.regions = series_->regions();
    report_.checked = series_->checked();
    seconds_ = end.seconds;
    latency_p99_ms_ = end.latency_p99_ms;
    ETALON_TRY(publish(records(end), naming));
    report_.output = series_->path();
    for (const StoredPieces::File& piece : series_->pieces()) report_.pieces.push_back(piece.path);
    report_.veto_table = series_->veto_table();
    return true;
  }

  // The edge is gone without an end, but was told that these frames are stored: they keep a name,
  // one that says that they are not all. Failing that, nothing is left.
  void keep_part(Error& why) {
    if (!series_ || series_->stored() + series_->vetoed() == 0) return;
    if (!series_->close(Naming::partial).ok()) return;
    cbor::Value settings;
    settings.set("frames", series_->stored()).set("vetoed", series_->vetoed());
    settings.set("complete", false).set("format", "NXmx").set("filter", hdf5_filter_id);
    settings.set("recipe_sha256", recipe_.hash.hex());
    auto published = publish({stored_record(settings)}, Naming::partial);
    why.message += "; stored before: " + counted(series_->stored(), "frame") +
                   (published.ok() ? " in " + series_->path() : ": " + published.error().message);
  }

  // First the record, with the names that the files will have, then the names: a file that has its
  // name has a record, whatever fails or is killed in between. Killed between the two, the files
  // lie there as parts, `etalon ledger verify` misses them under their names, and the next run of
  // this output names them (StoredSeries::recover). Without a record the files get a name that
  // says so: what was measured is not thrown away for it.
  Result<void> publish(const std::vector<Record>& records, Naming naming) {
    auto recorded = [&]() -> Result<void> {
      ETALON_ASSIGN(Ledger* const ledger, this->ledger());
      ETALON_TRY(ledger->add_all(records));
      return {};
    }();
    if (!recorded.ok() && naming == Naming::whole) series_->rename(Naming::unrecorded);
    auto named = series_->name_files();
    if (recorded.ok() && named.ok()) return {};
    const std::string place = named.ok() ? series_->path() : series_->keep();
    Error why = recorded.ok() ? named.error() : recorded.error();
    why.message += recorded.ok() ? "; the file is whole and recorded, and lies in "
                                 : "; the file is whole, but without a record, and lies in ";
    why.message += place;
    return why;
  }

  Record stored_record(cbor::Value settings) const {
    Record record{"store",
                  {},
                  {{"series", series_->hash(), absolute_path(series_->path())},
                   {"veto-table", series_->veto_hash(), absolute_path(series_->veto_table())}},
                  std::move(settings),
                  std::string(program)};
    for (const StoredPieces::File& piece : series_->pieces())
      record.outputs.push_back({"piece", piece.hash, absolute_path(piece.path)});
    return record;
  }

  std::vector<Record> records(const End& end) {
    std::vector<Record> records = end.records;
    cbor::Value wire, store;
    wire.set("protocol", wire_name).set("version", wire_version);
    Record ship{"ship", {}, {{"manifest", series_->manifest(), ""}}, wire, std::string(program)};
    if (!records.empty()) ship.inputs.push_back(record_artifact(records.back()));
    store.set("frames", report_.stored).set("vetoed", report_.vetoed);
    store.set("complete", report_.complete).set("format", "NXmx");
    store.set("filter", hdf5_filter_id);
    Record stored = stored_record(std::move(store));
    stored.inputs.push_back(record_artifact(ship));
    report_.store_record = stored.id();
    records.push_back(std::move(ship));
    records.push_back(std::move(stored));
    return records;
  }

  Result<void> conclude() {
    ETALON_ASSIGN(Ledger* const ledger, this->ledger());
    Hash evidence = report_.store_record;
    if (report_.stored > 0) {  // of nothing there is no powder
      AnalysisTask task{options_.executable,
                        report_.output,
                        report_.sha256,
                        report_.store_record,
                        options_.overwrite || resumed_,
                        options_.interrupted,
                        {}};
      // The edge may have missed the last word: it is repeated while the job runs.
      task.meanwhile = [this] { (void)receiver_->next(milliseconds(0)); };
      ETALON_ASSIGN(report_.analysis, run_analysis(recipe_, task, *ledger));
      evidence = report_.analysis->record;
    }
    const RunNumbers numbers{report_.received,  report_.stored,         report_.lost,
                             report_.raw_bytes, report_.raw_bytes_kept, report_.bytes_stored,
                             seconds_,          latency_p99_ms_,        report_.audit};
    report_.metrics = metrics_of(numbers, report_.analysis);
    ETALON_ASSIGN(Decision decision,
                  decide(recipe_, report_.metrics, report_.received, evidence, *ledger));
    report_.decision = decision.id;
    if (options_.instrument != nullptr) {
      ETALON_ASSIGN(report_.instrument, options_.instrument->apply(decision.action));
    }
    report_.action = std::move(decision.action);
    return {};
  }

  const Recipe& recipe_;
  CollectOptions options_;
  Receiver* receiver_ = nullptr;
  std::string folder_;
  std::optional<Ledger> ledger_;
  std::optional<StoredSeries> series_;
  std::uint64_t frames_ = 0;
  std::optional<CollectJournal> journal_;
  std::size_t taken_ = 0;  // messages that are not acknowledged
  bool welcomed_ = false;  // the edge, by this process
  bool resumed_ = false;   // the journal of a killed collector was there
  bool replayed_ = false;  // and could be read
  bool spooled_ = false;   // the edge waits for a collector that goes on
  bool edge_gone_ = false, edge_gave_up_ = false;
  double seconds_ = 0, latency_p99_ms_ = 0;
  CollectReport report_;
};

Collector::Collector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Collector::~Collector() = default;
Collector::Collector(Collector&&) noexcept = default;
Collector& Collector::operator=(Collector&&) noexcept = default;

Result<Collector> Collector::open(const Recipe& recipe, const CollectOptions& options) {
  auto impl = std::make_unique<Impl>(recipe, options);
  ETALON_TRY(impl->prepare());
  return Collector(std::move(impl));
}

Result<CollectReport> Collector::run(Receiver& receiver) { return impl_->run(receiver); }

Result<std::string> ledger_path(const Recipe& recipe, const std::string& folder) {
  if (Ledger::on_server(recipe.store.ledger)) return recipe.store.ledger;
  if (!recipe.store.ledger.empty()) return output_path(recipe, recipe.store.ledger);
  if (const char* set_path = std::getenv("ETALON_LEDGER"); set_path != nullptr && *set_path != 0)
    return std::string(set_path);
  return (fs::path(folder) / "ledger.db").string();
}

}  // namespace etalon
