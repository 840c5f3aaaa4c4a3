// What an edge must still know when it was killed: its run, what of it is committed, and the
// messages that no collector has acknowledged. A folder on the edge's disk.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/fast_action.hpp"
#include "pipeline/frame_facts.hpp"
#include "stream/journal.hpp"
#include "stream/spool.hpp"

namespace etalon {

// Protocol: open begin? (act? commit)* finish? . A frame is committed when its message is in the
// spool, and on the disk before that is sent.
//   FOLDER/run.journal   hello, then of each message the actions taken for its frame and its facts,
//                        then done
//   FOLDER/N.spool       messages (stream/spool.hpp)
class EdgeMemory {
 public:
  // Makes the folder, or takes up what is in it. Errc::io when another process holds it.
  static Result<EdgeMemory> open(const std::string& folder, std::uint64_t limit);

  const std::string& folder() const { return folder_; }
  Spool& spool() { return spool_; }
  // Of the run that was begun here; none: there is none.
  const std::optional<Message>& hello() const { return hello_; }
  // Of the frames that were committed by killed processes, in the order of their messages.
  const std::vector<FrameFacts>& committed() const { return committed_; }
  // Those of committed frames, in the order of their frames.
  const std::vector<FastAction>& actions() const { return actions_; }
  const std::optional<End>& end() const { return end_; }     // committed, too
  const std::optional<Done>& done() const { return done_; }  // the collector's last word

  // The run to ship: begins it, or goes on with it. Errc::usage when another one is here.
  Result<RunId> begin(const Hello& hello);
  // Taken for frames that are not committed yet: they count when those are.
  Result<void> act(const std::vector<FastAction>& actions);
  // The messages of these frames are in the spool.
  Result<void> commit(const std::vector<FrameFacts>& facts);
  Result<void> finish(const Done& done);  // on the disk when it returns
  // Nobody needs it any more.
  void remove();
  bool is_empty() const { return spool_.next() == 1; }

 private:
  // Synced by the thread that ships, too.
  struct Facts {
    Journal journal;
    std::atomic<bool> acted{true};  // actions may not be on the disk
  };
  EdgeMemory(std::string folder, std::unique_ptr<Facts> facts, Spool spool)
      : folder_(std::move(folder)), facts_(std::move(facts)), spool_(std::move(spool)) {}
  Result<void> load();
  Result<void> load_entry(ByteSpan entry);
  void sort_actions();

  std::string folder_;
  std::unique_ptr<Facts> facts_;
  Spool spool_;
  std::optional<Message> hello_;
  std::vector<FrameFacts> committed_;
  std::vector<FastAction> actions_;
  std::uint64_t messages_ = 0;  // whose facts are in the journal
  std::optional<End> end_;
  std::optional<Done> done_;
};

}  // namespace etalon
