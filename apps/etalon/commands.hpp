// One line a subcommand; its file has the same name.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_run(Cli& cli);
void add_edge(Cli& cli);
void add_collect(Cli& cli);
void add_keys(Cli& cli);
void add_replay(Cli& cli);
void add_receive(Cli& cli);
void add_simulate(Cli& cli);
void add_find(Cli& cli);
void add_calibrate(Cli& cli);
void add_mask(Cli& cli);
void add_compress(Cli& cli);
void add_decompress(Cli& cli);
void add_info(Cli& cli);
void add_ls(Cli& cli);
void add_export(Cli& cli);
void add_report(Cli& cli);
void add_archive(Cli& cli);
void add_restore(Cli& cli);
void add_verify(Cli& cli);
void add_tune(Cli& cli);
void add_submit(Cli& cli);
void add_jobs(Cli& cli);
void add_job_daemon(Cli& cli);
void add_batch_job(Cli& cli);
void add_analyse(Cli& cli);
void add_ledger(Cli& cli);
void add_version(Cli& cli);
void add_manual(Cli& cli);

}  // namespace etalon::cli
