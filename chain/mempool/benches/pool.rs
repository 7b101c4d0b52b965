//! The pool alone, with 50,000 events of 5,000 signers: no signatures, no disk, the journal's batch
//! included. `cargo bench -p blocktree-mempool`.

use std::hint::black_box;
use std::time::Duration;

use blocktree_consensus::CheckedEvent;
use blocktree_mempool::{Mined, Policy, Pool, Tip};
use blocktree_primitives::{BlockHash, Height};
use blocktree_state::Batch;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::sync::Arc;

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Dummy, Spec, account};

type Event = Arc<CheckedEvent<Dummy>>;

const SIGNERS: u32 = 5_000;
const EACH: u64 = 10;
/// As many of the events as fill a block of short events.
const BLOCK: usize = 6_000;
const TIP: Tip = Tip { height: Height(10), hash: BlockHash([1; 32]) };

/// Events as they may come: each signer's in turn, the fees without order.
fn events() -> Vec<Event> {
    let fee = |i: u64| 1_000 + i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 100_000;
    (0..EACH)
        .flat_map(|nonce| (0..SIGNERS).map(move |signer| (signer, nonce)))
        .map(|(signer, nonce)| {
            Spec::new(signer, nonce, fee(u64::from(signer) * EACH + nonce)).make()
        })
        .collect()
}

fn insert_all(policy: Policy, events: &[Event]) -> (Pool<Dummy>, Batch) {
    let (mut pool, mut batch) = (Pool::new(policy, TIP), Batch::new());
    for event in events {
        let account = account(0, u64::MAX);
        // Refusals by a full pool are part of what is measured.
        let _refused = pool.insert(event.clone(), account, &TIP.hash, &mut batch);
    }
    (pool, batch)
}

fn bench(c: &mut Criterion) {
    let events = events();
    let mut group = c.benchmark_group("pool of 50,000");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(3));

    group.throughput(Throughput::Elements(events.len() as u64));
    let roomy = Policy::default();
    group.bench_function("insert", |b| {
        b.iter_with_large_drop(|| insert_all(roomy.clone(), &events));
    });
    let narrow = Policy { max_events: 20_000, ..Policy::default() };
    group.bench_function("insert with room for 20,000", |b| {
        b.iter_with_large_drop(|| insert_all(narrow.clone(), &events));
    });
    let (pool, _) = insert_all(roomy, &events);
    group.bench_function("best", |b| b.iter(|| pool.best().map(|e| e.weight()).sum::<u64>()));

    group.throughput(Throughput::Elements(BLOCK as u64));
    let block: Vec<Event> = pool.best().take(BLOCK).cloned().collect();
    let mined: Vec<Mined> = block
        .iter()
        .map(|e| Mined { id: e.id(), author: e.author(), nonce: e.event().nonce })
        .collect();
    let next = Tip { height: Height(11), hash: BlockHash([2; 32]) };
    group.bench_function("a block applied", |b| {
        let apply = |mut pool: Pool<Dummy>| {
            let mut batch = Batch::new();
            pool.on_block_applied(next, black_box(&mined), &[], &mut batch);
            (pool, batch)
        };
        b.iter_batched(|| pool.clone(), apply, BatchSize::LargeInput);
    });
    let mut after = pool.clone();
    after.on_block_applied(next, &mined, &[], &mut Batch::new());
    group.bench_function("a block taken back", |b| {
        let revert = |(mut pool, block): (Pool<Dummy>, Vec<Event>)| {
            let mut batch = Batch::new();
            pool.on_block_reverted(TIP, block, &[], &mut batch);
            (pool, batch)
        };
        b.iter_batched(|| (after.clone(), block.clone()), revert, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
