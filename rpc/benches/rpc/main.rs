//! The JSON-RPC server under load, over loopback sockets, beside an empty method of plain jsonrpsee in
//! the same run; and `event_submit` of signed events, each checked and on disk before its answer.
//!
//! `cargo bench -p blocktree-rpc`; about a minute. The server is a process of its own (this program,
//! started again), with RocksDB behind it, as the node has it. So its processor time is known
//! from `/proc`, and what the clients take does not count; on the wall both share the
//! machine. `BLOCKTREE_BENCH_ROUNDS` says how often (5), `BLOCKTREE_BENCH_CALLS` how many calls each time
//! (100,000), `BLOCKTREE_BENCH_EVENTS` how many events (60,000; the pool holds 100,000). An argument
//! such as `query` or `submit` chooses among the measurements.
// It prints a table and fails by panicking.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::cast_precision_loss
)]

mod client;
mod load;
mod serve;
mod world;

use client::{Http, Transport, WebSocket};
use load::{Served, Spent, median};

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Connections of the clients, together.
const CONNECTIONS: usize = 64;
/// Calls under way on a WebSocket.
const BURST: usize = 8;

fn row(what: &str, spent: &[Spent], limit: Option<&[Spent]>) {
    let rate = |of: fn(&Spent) -> f64| median(spent.iter().map(of));
    let ratio = |of: fn(&Spent) -> f64| match limit {
        // Of each round by itself: the load of the machine changes from round to round.
        Some(limit) => {
            let ratio = spent.iter().zip(limit).map(|(this, limit)| of(this) / of(limit));
            format!("{:>6.2}", median(ratio))
        }
        None => "     –".into(),
    };
    println!(
        "{what:<44} {:>9.0}/s {:>9.0}/s {} {}",
        rate(Spent::per_second),
        rate(Spent::per_processor_second),
        ratio(Spent::per_second),
        ratio(Spent::per_processor_second),
    );
}

/// Empty calls and point queries, one after the other in each round.
fn queries<T: Transport>(served: &Served, what: &str, burst: usize, rounds: usize, calls: usize) {
    let empty = vec![r#"{"jsonrpc":"2.0","id":1,"method":"empty"}"#.to_owned()];
    let queries: Vec<String> = served.names.iter().map(|name| world::query(name)).collect();
    let (mut plain, mut ours, mut point) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        plain.push(served.load::<T>(served.plain, &empty, calls, burst));
        ours.push(served.load::<T>(served.node, &empty, calls, burst));
        point.push(served.load::<T>(served.node, &queries, calls, burst));
    }
    row(&format!("{what}: empty method, jsonrpsee's server"), &plain, None);
    row(&format!("{what}: empty method, this server"), &ours, Some(&plain));
    row(&format!("{what}: global_getPrincipal"), &point, Some(&plain));
}

/// All events once, to a node that has none.
fn submit<T: Transport>(what: &str, burst: usize, rounds: usize, events: usize) {
    let spent: Vec<Spent> = (0..rounds)
        .map(|_| {
            let served = Served::start();
            let calls = world::submissions(&served.genesis, events);
            let spent = served.load::<T>(served.node, &calls, events, burst);
            assert_eq!(served.waiting_events(), events as u64, "every event waits in the pool");
            spent
        })
        .collect();
    row(&format!("{what}: event_submit"), &spent, None);
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve::run();
    }
    let rounds = number("BLOCKTREE_BENCH_ROUNDS", 5);
    let calls = number("BLOCKTREE_BENCH_CALLS", 100_000);
    let events = number("BLOCKTREE_BENCH_EVENTS", 60_000);
    // Cargo adds flags of its own.
    let chosen: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |what: &str| chosen.is_empty() || chosen.iter().any(|name| name == what);
    let cores = std::thread::available_parallelism().unwrap();
    println!("{} principals, {CONNECTIONS} connections, {cores} cores", world::PRINCIPALS);
    println!("{:<44} {:>11} {:>11}  of jsonrpsee's", "", "wall", "server's");
    println!("{:<44} {:>11} {:>11} {:>6} {:>6}", "", "", "processor", "wall", "proc.");
    if wanted("query") {
        let served = Served::start();
        queries::<Http>(&served, "HTTP", 1, rounds, calls);
        queries::<WebSocket>(&served, "WebSocket", BURST, rounds, calls);
    }
    if wanted("submit") {
        submit::<Http>("HTTP", 1, rounds, events);
        submit::<WebSocket>("WebSocket", BURST, rounds, events);
    }
}
