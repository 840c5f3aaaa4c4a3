// A ledger as large as a facility's, made up, and how long its lineage queries take. Rows for COPY,
// a fill of any ledger, and times of lineage() at random starting points, for ledger_postgres.py.
//
//   facility_ledger rows TABLE N          rows of the first N records, as COPY's text
//   facility_ledger fill LEDGER N         the same records, added by add_all()
//   facility_ledger times LEDGER N K      of K records among N; JSON
//   facility_ledger verify LEDGER         verify(), without files; JSON
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>

#include "base/text.hpp"
#include "ledger/impl.hpp"

namespace {

using namespace etalon;

class Watch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// A block of 1000 records: a calibration; 110 runs of nine steps that use it; a dataset of the
// runs' files, a model trained on it, and seven records of what the model was asked.
constexpr std::int64_t block_size = 1000, runs = 110, steps = 9, dataset = 1 + runs * steps;

std::string name(std::int64_t block, std::int64_t at) {
  return std::to_string(block) + "/" + std::to_string(at);
}
Artifact thing(const char* role, std::int64_t block, std::int64_t at, bool is_file = false) {
  return {role, sha256(bytes_of(name(block, at))),
          is_file ? "/facility/block" + name(block, at) + ".h5" : ""};
}

Record make(std::int64_t index);

Record run_step(std::int64_t block, std::int64_t at) {
  const std::int64_t step = (at - 1) % steps, first = at - step;
  const auto of = [&](const char* role, std::int64_t n, bool is_file = false) {
    return thing(role, block, first + n, is_file);
  };
  const auto record = [&](std::int64_t n) {
    return Artifact{"record", make(block * block_size + first + n).id(), ""};
  };
  const cbor::Map settings{{"run", at / steps}, {"snr", 5.5}, {"bound", "abs:1"}};
  const std::string program = "etalon 0.1.0";
  switch (step) {
    case 0: {
      const Hash raw = sha256(bytes_of("raw " + name(block, at)));
      return {"source",
              {{"file", raw, "/raw/" + name(block, at) + ".h5"}},
              {of("series", 0)},
              settings,
              program};
    }
    case 1:
      return {"find",
              {of("series", 0), thing("constants", block, 0)},
              {of("peaks", 1)},
              settings,
              program};
    case 2:
      return {"veto", {of("peaks", 1)}, {of("table", 2)}, settings, program};
    case 3:
      return {"reduce",
              {of("series", 0), of("table", 2), record(1)},
              {of("chunks", 3)},
              settings,
              program};
    case 4:
      return {"store", {of("chunks", 3), record(3)}, {of("file", 4, true)}, settings, program};
    case 5:
      return {"analyse", {of("file", 4, true)}, {of("powder", 5, true)}, settings, program};
    case 6:
      return {"index", {of("file", 4, true)}, {of("crystals", 6)}, settings, program};
    case 7:
      return {"merge", {of("crystals", 6)}, {of("merged", 7)}, settings, program};
    default:
      return {"decide", {record(5), of("merged", 7)}, {of("action", 8)}, settings, program};
  }
}

Record make(std::int64_t index) {
  const std::int64_t block = index / block_size, at = index % block_size;
  if (at == 0)
    return {"calibrate",
            {{"dark", sha256(bytes_of("dark " + std::to_string(block))), ""}},
            {thing("constants", block, 0)},
            cbor::Map{{"frames", 1000}},
            "etalon 0.1.0"};
  if (at < dataset) return run_step(block, at);
  Record record{
      "dataset", {}, {thing("samples", block, at)}, cbor::Map{{"part", at}}, "etalon 0.1.0"};
  if (at == dataset) {
    for (std::int64_t run = 0; run < runs; ++run)
      record.inputs.push_back(thing("file", block, 1 + run * steps + 4, true));
    return record;
  }
  record.kind = at == dataset + 1 ? "train" : "ask";
  record.inputs = {thing("samples", block, at == dataset + 1 ? dataset : dataset + 1)};
  return record;
}

std::string escaped(ByteSpan bytes) { return "\\\\x" + hex(bytes); }
std::string escaped(std::string_view text) { return escaped(bytes_of(text)); }

// Of one block, for nothing leads from one to another: which record has an id or made a thing.
using Known = std::map<Hash, std::int64_t>;

std::string links(const Record& record, std::int64_t seq, Known& known) {
  std::set<std::int64_t> parents;
  for (const Artifact& input : record.inputs)
    if (const auto at = known.find(input.hash); at != known.end()) parents.insert(at->second);
  std::string text;
  for (const std::int64_t parent : parents)
    text += std::to_string(seq) + "\t" + std::to_string(parent) + "\n";
  known.emplace(record.id(), seq);
  for (const Artifact& output : record.outputs) known.emplace(output.hash, seq);
  return text;
}

int rows(const std::string& table, std::int64_t n) {
  Hash head;
  Known known;
  for (std::int64_t i = 0; i < n; ++i) {
    const Record record = make(i);
    const std::string seq = std::to_string(i + 1) + "\t";
    std::string text;
    EventRow event{{}, "2026-01-31T12:00:00.000000Z", "edge1", "beamline", 4242, {}};
    std::int64_t side = 0;
    for (const auto* artifacts : {&record.inputs, &record.outputs}) {
      std::int64_t position = 0;
      for (const Artifact& artifact : *artifacts) {
        const std::string where = std::to_string(side) + "\t" + std::to_string(position) + "\t";
        if (table == "artifact")
          text +=
              seq + where + escaped(artifact.role) + "\t" + escaped(artifact.hash.span()) + "\n";
        if (table == "place" && !artifact.path.empty())
          text += seq + where + escaped(artifact.path) + "\n";
        if (!artifact.path.empty()) event.places.push_back({side, position, artifact.path});
        ++position;
      }
      ++side;
    }
    if (table == "link") {
      if (i % block_size == 0) known.clear();
      text = links(record, i + 1, known);
    } else if (table == "record") {
      const Bytes bytes = record.encode();
      text = seq + escaped(sha256(bytes).span()) + "\t" + escaped(bytes) + "\n";
    } else if (table == "event") {
      event.record = record.id();
      head = event.hash(head);
      text = seq + seq + escaped(event.time) + "\t" + escaped(event.host) + "\t" +
             escaped(event.user) + "\t" + std::to_string(event.process) + "\t" +
             escaped(head.span()) + "\n";
    }
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return 1;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}

int complain(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return exit_code(error.code);
}

int fill(const std::string& path, std::int64_t n) {
  auto ledger = Ledger::open(path);
  if (!ledger.ok()) return complain(ledger.error());
  const Watch watch;
  for (std::int64_t i = 0; i < n;) {
    std::vector<Record> records;
    for (; i < n && records.size() < 10000; ++i) records.push_back(make(i));
    if (const auto added = ledger->add_all(records); !added.ok()) return complain(added.error());
  }
  std::printf("%s\n", nlohmann::json{{"seconds", watch.seconds()}}.dump().c_str());
  return 0;
}

nlohmann::json spread(std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
  };
  return {{"median", at(0.5)}, {"p99", at(0.99)}, {"max", values.back()}};
}

int times(const std::string& path, std::int64_t n, std::int64_t count) {
  auto ledger = Ledger::open(path, true);
  if (!ledger.ok()) return complain(ledger.error());
  std::mt19937_64 random(11);
  std::vector<std::int64_t> anywhere, models;
  for (std::int64_t k = 0; k < count; ++k) {
    anywhere.push_back(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n)));
    const auto block = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n)) /
                       block_size * block_size;
    if (k % 20 == 0 && block + dataset + 1 < n) models.push_back(block + dataset + 1);
  }
  nlohmann::json out = {{"records", n}, {"starts", count}};
  for (const auto& [what, starts] : {std::pair{"anywhere", anywhere}, std::pair{"model", models}}) {
    if (starts.empty()) continue;
    std::vector<double> ms, sizes;
    for (const std::int64_t start : starts) {
      const Hash id = make(start).id();
      const Watch watch;
      const auto line = ledger->lineage(id);
      ms.push_back(watch.seconds() * 1e3);
      if (!line.ok()) return complain(line.error());
      sizes.push_back(static_cast<double>(line->size()));
    }
    out[what] = {{"ms", spread(ms)}, {"records_found", spread(sizes)}, {"first_ms", ms.front()}};
  }
  std::printf("%s\n", out.dump().c_str());
  return 0;
}

// The files are made up, so that only they may be amiss.
int verify(const std::string& path) {
  auto ledger = Ledger::open(path, true);
  if (!ledger.ok()) return complain(ledger.error());
  Tally tally;
  const auto problems = ledger->verify(&tally);
  if (!problems.ok()) return complain(problems.error());
  std::uint64_t wrong = 0;
  for (const Problem& p : *problems)
    if (p.what != "missing") {
      std::fprintf(stderr, "%s %s: %s\n", p.what.c_str(), p.name.c_str(), p.reason.c_str());
      ++wrong;
    }
  std::printf("%s\n", nlohmann::json{{"records", tally.records},
                                     {"events", tally.events},
                                     {"problems", wrong},
                                     {"head", tally.head.hex()}}
                          .dump()
                          .c_str());
  return wrong == 0 ? 0 : 4;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](std::size_t i) { return std::strtoll(words[i].c_str(), nullptr, 10); };
  if (words.size() == 3 && words[0] == "rows") return rows(words[1], number(2));
  if (words.size() == 3 && words[0] == "fill") return fill(words[1], number(2));
  if (words.size() == 4 && words[0] == "times") return times(words[1], number(2), number(3));
  if (words.size() == 2 && words[0] == "verify") return verify(words[1]);
  std::fputs("usage: facility_ledger rows|fill|times|verify ..\n", stderr);
  return 2;
}
