//! The real binary: how much memory it takes while it imports, how fast it syncs from another against that,
//! and how soon it answers on a long chain.
//!
//! `cargo bench -p blocktree-node` imports 200,000 transfers to 100,000 accounts, syncs them over loopback, and
//! starts on 20,000 blocks. `BLOCKTREE_BENCH_TRANSFERS` and `BLOCKTREE_BENCH_BLOCKS` say otherwise: 1,000,000 blocks
//! take minutes to make. `BLOCKTREE_BENCH_DATA` names a folder in which the long chain stays for the next
//! time. An argument, `import`, `sync` or `start`, chooses one of them.
// It prints a table and fails by panicking.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::cast_precision_loss
)]

mod binary;
mod make;
mod syncing;

use binary::{Peak, answers_after};
use std::path::PathBuf;
use std::time::Instant;

/// Runs of each measurement.
const ROUNDS: usize = 5;

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn import(transfers: usize) {
    let folder = tempfile::tempdir().unwrap();
    let made = make::transfers(folder.path(), transfers);
    let mut peaks = Vec::new();
    for round in 0..ROUNDS {
        let data = folder.path().join(format!("imported-{round}"));
        let Peak { bytes, wall, output, .. } = binary::import(&made.spec, &data, &made.export);
        assert!(output.contains(&format!("\"events\": {transfers}")), "{output}");
        println!(
            "import of {transfers} transfers: {:.0} MB resident at most, {:.0} transfers/s",
            bytes as f64 / 1e6,
            transfers as f64 / wall.as_secs_f64()
        );
        peaks.push(bytes);
        std::fs::remove_dir_all(data).unwrap();
    }
    peaks.sort_unstable();
    println!("median: {:.0} MB", peaks[ROUNDS / 2] as f64 / 1e6);
}

/// An import and a sync of the same chain, in turns.
fn sync(transfers: usize) {
    let folder = tempfile::tempdir().unwrap();
    let made = make::transfers(folder.path(), transfers);
    let mut ratios = (Vec::new(), Vec::new());
    for round in 0..number("BLOCKTREE_BENCH_ROUNDS", 3) {
        let data = folder.path().join(format!("imported-{round}"));
        let local = binary::import(&made.spec, &data, &made.export);
        std::fs::remove_dir_all(data).unwrap();
        let data = folder.path().join(format!("synced-{round}"));
        let synced = syncing::sync(&made.spec, &made.folder, &data);
        std::fs::remove_dir_all(data).unwrap();
        let by_wall = local.wall.as_secs_f64() / synced.wall.as_secs_f64();
        let by_cpu = local.cpu.as_secs_f64() / synced.cpu.as_secs_f64();
        println!(
            "import: {:.2} s, {:.2} CPU-seconds; sync: {:.2} s, {:.2} CPU-seconds, {:.2} of the server, \
             {:.0} MB resident at most, {:.1} MB received",
            local.wall.as_secs_f64(),
            local.cpu.as_secs_f64(),
            synced.wall.as_secs_f64(),
            synced.cpu.as_secs_f64(),
            synced.server_cpu.as_secs_f64(),
            synced.bytes as f64 / 1e6,
            synced.received.unwrap_or(0) as f64 / 1e6,
        );
        println!("sync by import, speed: {by_wall:.2} by the wall, {by_cpu:.2} by processor time");
        ratios.0.push(by_wall);
        ratios.1.push(by_cpu);
    }
    ratios.0.sort_unstable_by(f64::total_cmp);
    ratios.1.sort_unstable_by(f64::total_cmp);
    let middle = ratios.0.len() / 2;
    println!(
        "median: {:.2} by the wall, {:.2} by processor time",
        ratios.0[middle], ratios.1[middle]
    );
}

fn start(blocks: usize) {
    let temporary = tempfile::tempdir().unwrap();
    let data = match std::env::var("BLOCKTREE_BENCH_DATA") {
        Ok(path) => PathBuf::from(path),
        Err(_) => temporary.path().join("data"),
    };
    let begin = Instant::now();
    let made = make::empty_blocks(&data, blocks);
    println!("{made} blocks made in {:.0} s", begin.elapsed().as_secs_f64());
    for (what, kill) in [("after a clean stop", false), ("after a kill", true)] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let (time, memory) = answers_after(&data, blocks, kill);
            println!(
                "{what}: first answer after {:.0} ms, {:.0} MB resident",
                time.as_secs_f64() * 1e3,
                memory as f64 / 1e6
            );
            times.push(time);
        }
        times.sort_unstable();
        println!("median {what}: {:.0} ms", times[ROUNDS / 2].as_secs_f64() * 1e3);
    }
}

fn main() {
    // Cargo adds flags of its own.
    let chosen: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |what: &str| chosen.is_empty() || chosen.iter().any(|name| name == what);
    if wanted("import") {
        import(number("BLOCKTREE_BENCH_TRANSFERS", 200_000));
    }
    if wanted("sync") {
        sync(number("BLOCKTREE_BENCH_TRANSFERS", 200_000));
    }
    if wanted("start") {
        start(number("BLOCKTREE_BENCH_BLOCKS", 20_000));
    }
}
