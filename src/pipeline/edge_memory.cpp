#include "pipeline/edge_memory.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "base/durable.hpp"

namespace etalon {
namespace fs = std::filesystem;
namespace {

enum Kind : std::uint8_t {
  kind_message = 1,
  kind_facts = 2,
  kind_actions = 3
};  // first byte of an entry

Bytes entry_of(Kind kind, ByteSpan content) {
  ByteWriter out;
  out.put(static_cast<std::uint8_t>(kind));
  out.append(content);
  return out.take();
}

bool is_facts(ByteSpan entry) { return !entry.empty() && entry[0] == std::byte{kind_facts}; }

}  // namespace

Result<EdgeMemory> EdgeMemory::open(const std::string& folder, std::uint64_t limit) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{Errc::io, folder + ": cannot be made: " + error.message()};
  ETALON_TRY(sync_names_beside(absolute_path(folder)));
  ETALON_ASSIGN(Journal journal, Journal::open((fs::path(folder) / "run.journal").string()));
  auto facts = std::make_unique<Facts>(std::move(journal));
  SpoolOptions options;
  // The facts of a message that is safe can be read from it, actions cannot.
  options.before_sync = [f = facts.get()]() -> Result<void> {
    return f->acted.exchange(false) ? f->journal.write_through() : Result<void>();
  };
  // A file of messages goes when they are stored; their facts are needed until the end.
  options.before_next_file = [f = facts.get()] { return f->journal.sync(); };
  options.folder = folder;
  options.limit = limit;
  options.file_bytes = std::min(options.file_bytes, limit / 8 + 1);
  ETALON_ASSIGN(Spool spool, Spool::open(options));
  EdgeMemory memory(folder, std::move(facts), std::move(spool));
  ETALON_TRY(memory.load());
  return memory;
}

Result<void> EdgeMemory::load() {
  for (;;) {
    const std::uint64_t offset = facts_->journal.offset();
    ETALON_ASSIGN(const auto entry, facts_->journal.read());
    if (!entry) break;
    // A power cut may take messages that were not sent, and leave their facts.
    if (is_facts(*entry) && messages_ + 1 >= spool_.next() && offset >= facts_->journal.safe()) {
      ETALON_TRY(facts_->journal.cut(offset));
      break;
    }
    if (auto loaded = load_entry(*entry); !loaded.ok())
      return std::move(loaded).error().in(facts_->journal.path() + ": offset " +
                                          std::to_string(offset));
  }
  if (!hello_) spool_.remove();  // remove() was killed
  if (messages_ >= spool_.next() || messages_ + 1 < spool_.first())
    return Error{Errc::malformed, folder_ + ": the messages do not fit the journal"};
  // Killed between the spool and the journal: the frames are committed all the same.
  while (messages_ + 1 < spool_.next()) {
    ETALON_ASSIGN(const Bytes bytes, spool_.read(messages_ + 1));
    ETALON_ASSIGN(Message message, decode_message(bytes));
    if (auto* end = std::get_if<End>(&message.body)) {
      end_ = std::move(*end);
      break;
    }
    const auto facts = facts_of(message.body);
    ETALON_TRY(commit(facts));
    committed_.insert(committed_.end(), facts.begin(), facts.end());
  }
  sort_actions();
  return {};
}

// A frame that was not committed is looked at again, and acted on again.
void EdgeMemory::sort_actions() {
  std::set<std::uint64_t> numbers;
  for (const FrameFacts& f : committed_) numbers.insert(f.number);
  std::map<std::pair<std::uint64_t, std::size_t>, FastAction> once;
  for (const FastAction& a : actions_)
    if (numbers.count(a.frame) != 0) once.insert_or_assign({a.frame, a.rule}, a);
  actions_.clear();
  for (const auto& [place, action] : once) actions_.push_back(action);
}

Result<void> EdgeMemory::load_entry(ByteSpan entry) {
  ByteReader in(entry);
  ETALON_ASSIGN(const auto kind, in.get<std::uint8_t>());
  const ByteSpan content = entry.subspan(1);
  if (kind == kind_facts && hello_ && !done_) {
    ETALON_ASSIGN(const auto facts, decode_facts(content));
    committed_.insert(committed_.end(), facts.begin(), facts.end());
    ++messages_;
    return {};
  }
  if (kind == kind_actions && hello_ && !done_) {
    ETALON_ASSIGN(const auto actions, decode_actions(content));
    actions_.insert(actions_.end(), actions.begin(), actions.end());
    return {};
  }
  if (kind == kind_message) {
    ETALON_ASSIGN(Message message, decode_message(content));
    if (auto* done = std::get_if<Done>(&message.body); done != nullptr && hello_ && !done_) {
      done_ = std::move(*done);
      return {};
    }
    if (!hello_ && std::holds_alternative<Hello>(message.body)) {
      hello_ = std::move(message);
      return {};
    }
  }
  return Error{Errc::malformed, "not an entry that may stand here"};
}

Result<RunId> EdgeMemory::begin(const Hello& hello) {
  if (hello_) {
    if (encode_message({hello_->run, 0, hello}) == encode_message(*hello_)) return hello_->run;
    return Error{Errc::usage, folder_ +
                                  ": a run of another recipe, series or program waits here to be "
                                  "gone on with; move the folder away to begin anew"};
  }
  ETALON_ASSIGN(const RunId run, RunId::random());
  hello_ = Message{run, 0, hello};
  ETALON_TRY(facts_->journal.append(entry_of(kind_message, encode_message(*hello_))));
  ETALON_TRY(facts_->journal.sync());
  return run;
}

Result<void> EdgeMemory::act(const std::vector<FastAction>& actions) {
  ETALON_TRY(facts_->journal.append(entry_of(kind_actions, encode_actions(actions))));
  facts_->acted = true;
  return {};
}

Result<void> EdgeMemory::commit(const std::vector<FrameFacts>& facts) {
  ETALON_TRY(facts_->journal.append(entry_of(kind_facts, encode_facts(facts))));
  ++messages_;
  return {};
}

Result<void> EdgeMemory::finish(const Done& done) {
  ETALON_TRY(
      facts_->journal.append(entry_of(kind_message, encode_message({hello_->run, 0, done}))));
  return facts_->journal.sync();
}

// The journal first: without it, messages are nobody's.
void EdgeMemory::remove() {
  facts_->journal.remove();
  spool_.remove();
  std::error_code ignored;
  fs::remove(folder_, ignored);
}

}  // namespace etalon
