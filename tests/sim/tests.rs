//! The runs.

use crate::adversary::Role;
use crate::chain::Chain;
use crate::invariants::Invariant;
use crate::miner::{Flaw, mine};
use crate::plant::Plant;
use crate::rules::{Kind, Rules};
use crate::run::{Report, run};
use crate::scenario::Scenario;
use blocktree_import::Worth;
use blocktree_primitives::Principal;
use blocktree_state::MemoryLedger;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seeds of `cargo test`.
const SEEDS: u64 = 50;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a scenario on one thread: what the importer hands to others, it does itself, and many runs go
/// side by side.
fn run_alone(scenario: Scenario) -> Report {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| run(scenario))
}

/// Runs scenarios on all cores.
fn run_all(scenarios: Vec<Scenario>) -> Vec<Report> {
    let next = AtomicU64::new(0);
    let reports = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    let Some(scenario) = scenarios.get(index) else { break };
                    let report = run_alone(scenario.clone());
                    show(&report);
                    reports.lock().unwrap().push(report);
                }
            });
        }
    });
    reports.into_inner().unwrap()
}

fn show(report: &Report) {
    let Report { seed, height, reverted, events, messages, bytes, agreed, lasted, .. } = report;
    println!(
        "seed {seed}: height {height}, {reverted} blocks reverted, {events} events, {messages} \
         messages of {bytes} bytes, agreed after {agreed:?} ms, lasted {lasted} ms"
    );
    for finding in &report.findings {
        println!("seed {seed}: {finding}");
    }
}

#[test]
fn whatever_happens_honest_nodes_agree_in_the_end() {
    let seeds: Vec<u64> = match variable("BLOCKTREE_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..variable("BLOCKTREE_SIM_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let start = Instant::now();
    let count = seeds.len();
    let reports = run_all(seeds.into_iter().map(Scenario::of).collect());
    let failed: Vec<u64> =
        reports.iter().filter(|report| !report.findings.is_empty()).map(|r| r.seed).collect();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, count) in reports.iter().flat_map(|report| &report.counts) {
        *counts.entry(name).or_default() += count;
    }
    println!("{counts:#?}");
    println!("{count} seeds in {:?}, {} failed", start.elapsed(), failed.len());
    assert!(failed.is_empty(), "BLOCKTREE_SIM_SEED=n replays one of {failed:?}");
    // Where nothing goes wrong, blocks travel by themselves and wait for no greeting; only two that are
    // found at once wait for the next.
    for mut report in reports.clone() {
        if Scenario::of(report.seed).is_calm {
            let (median, _) = median_and_p99(&mut report.spread);
            assert!(median < 1_000, "seed {}: {median} ms", report.seed);
        }
    }
    // The runs are not empty.
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    if count >= 50 {
        assert!(sum(|report| report.height) > 10 * 50);
        assert!(sum(|report| report.reverted) > 50);
        for role in Role::ALL.into_iter().filter(|role| role.is_provable()) {
            assert!(counts.contains_key(&*format!("bans of {role:?}")), "{role:?} is never banned");
        }
    }
}

#[test]
fn a_seed_is_the_same_run_each_time() {
    for seed in [1, 7] {
        let (one, other) = (run_alone(Scenario::of(seed)), run_alone(Scenario::of(seed)));
        assert_eq!(one.hash, other.hash, "seed {seed}");
        assert_eq!((one.messages, one.bytes), (other.messages, other.bytes));
        assert!(one.messages > 100);
    }
    assert_ne!(run_alone(Scenario::of(1)).hash, run_alone(Scenario::of(2)).hash);
}

/// A calm run with a bug in one of five nodes; returns the invariants that report it.
fn planted(plant: Option<Plant>) -> Vec<Invariant> {
    let calm = Scenario::calm(3, 5);
    let report = run_alone(Scenario { plant, spending: 400, ..calm });
    show(&report);
    report.findings.iter().map(|finding| finding.invariant).collect()
}

#[test]
fn each_invariant_reports_the_bug_that_is_planted_for_it() {
    assert_eq!(planted(None), []);
    for (plant, invariant) in [
        (Plant::Deaf, Invariant::OneTip),
        (Plant::Deaf, Invariant::OneState),
        (Plant::Bans, Invariant::NoHonestBanned),
        (Plant::Credits, Invariant::Supply),
        (Plant::Credits, Invariant::OneState),
        (Plant::Loses, Invariant::NoEventLost),
        (Plant::Loses, Invariant::EventsMined),
        (Plant::Reverts, Invariant::WorkGrows),
        (Plant::Mute, Invariant::Answered),
        (Plant::Repeats, Invariant::Contract),
        (Plant::Hoards, Invariant::Bounded),
        (Plant::Dies, Invariant::NoFault),
        (Plant::Dreams, Invariant::SaysSynced),
    ] {
        let found = planted(Some(plant));
        assert!(found.contains(&invariant), "{plant:?}: {found:?}");
    }
}

#[test]
fn a_late_node_takes_in_a_chain_longer_than_any_answer() {
    // More than the 2,000 headers of an answer.
    const HEIGHT: u64 = 2_100;
    let rules = Rules::of(Kind::Dev);
    let ledger = MemoryLedger::new();
    let mut chain = Chain::open(&rules, ledger.clone());
    let unix = rules.params.genesis_time;
    for _ in 0..HEIGHT {
        let block = mine(&chain, unix, Principal([0x10; 32]), Flaw::None);
        chain.importer.import_as(block, Worth::Own, unix).unwrap();
    }
    drop(chain);
    let calm = Scenario::calm(5, 5);
    let liars = vec![Role::Silent, Role::Withholds, Role::Flood, Role::WrongBody];
    let report = run_alone(Scenario { ledger: Some(ledger), late: 1, liars, ..calm });
    show(&report);
    println!("{HEIGHT} blocks taken in after {:?} ms", report.caught_up);
    assert_eq!(report.findings, []);
    assert!(report.height > HEIGHT);
    // At 3 ms for each, the writer alone takes 6,300 ms.
    assert!(matches!(report.caught_up[..], [time] if time < 20_000));
}

#[test]
fn five_nodes_stand_a_siege_of_thirty_nine_liars() {
    let liars: Vec<Role> = [Role::ALL; 3].concat();
    let calm = Scenario::calm(17, 5);
    let report = run_alone(Scenario { liars, is_calm: false, partitions: 1, crashes: 1, ..calm });
    show(&report);
    println!("{:#?}", report.counts);
    assert_eq!(report.findings, []);
}

/// The part of a sorted list that is below its middle, and all but a hundredth.
fn median_and_p99(times: &mut [u64]) -> (u64, u64) {
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(0);
    (at(50), at(99))
}

#[test]
fn a_block_reaches_twenty_nodes_in_about_a_second() {
    let calm = Scenario::calm(11, 20);
    let mut report = run_alone(Scenario { active: 240_000, spending: 500, ..calm });
    show(&report);
    assert!(report.findings.is_empty());
    assert!(report.spread.len() > 30, "{} blocks", report.spread.len());
    let (median, p99) = median_and_p99(&mut report.spread);
    let (half, half_p99) = median_and_p99(&mut report.spread_half);
    println!(
        "{} blocks to 20 nodes over links of 50 to 150 ms one way: to all in {median} ms (median), \
         {p99} ms (p99); to half of them in {half} ms, {half_p99} ms",
        report.spread.len()
    );
    assert!(median < 2_000 && p99 < 10_000);
}
