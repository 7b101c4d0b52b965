//! `--bench`: how fast each way of searching is here.

use crate::report::rate;
use blocktree_hashing::{Engine, HeaderSearch};
use std::io::Write;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long each is measured.
const TIME: Duration = Duration::from_secs(2);
/// Nonces between two looks at the clock.
const SLICE: u32 = 1 << 16;

/// Measures each path on one thread, and the fastest on `threads`.
pub(crate) fn run(threads: usize) -> anyhow::Result<()> {
    for engine in Engine::available() {
        print(&format!("{:?}", engine.backend()), 1, measure(engine, 1)?)?;
    }
    if threads > 1 {
        let best = Engine::detect();
        print(&format!("{:?}", best.backend()), threads, measure(best, threads)?)?;
    }
    Ok(())
}

fn print(name: &str, threads: usize, (hashes, time): (u64, Duration)) -> std::io::Result<()> {
    let rate = rate(hashes, time);
    writeln!(std::io::stdout(), "{name:<10} {threads:>3} thread(s)  {rate:>14}")
}

/// Hashes of all threads, and the time they took.
fn measure(engine: Engine, threads: usize) -> anyhow::Result<(u64, Duration)> {
    let started = Instant::now();
    let running: Vec<JoinHandle<u64>> = (0..threads)
        .map(|_| std::thread::Builder::new().spawn(move || hash_until(engine, started + TIME)))
        .collect::<Result<_, _>>()?;
    let counts: Vec<u64> = running
        .into_iter()
        .map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread died")))
        .collect::<Result<_, _>>()?;
    Ok((counts.iter().sum(), started.elapsed()))
}

fn hash_until(engine: Engine, end: Instant) -> u64 {
    let search = HeaderSearch::with_engine(engine, &[0x5a; 80]);
    let (mut hashes, mut first) = (0_u64, 0_u32);
    while Instant::now() < end {
        // No hash is zero, as far as anybody will find out.
        let found = search.search(first..=first.saturating_add(SLICE - 1), &[0; 32]);
        std::hint::black_box(found);
        hashes = hashes.saturating_add(SLICE.into());
        first = first.wrapping_add(SLICE);
    }
    hashes
}
