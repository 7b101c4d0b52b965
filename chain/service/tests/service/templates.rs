//! Blocks without their proof of work.

use crate::node::{Node, Options};
use crate::support::Forge;
use blocktree_consensus::{Target, limits};
use blocktree_import::Imported;
use blocktree_mempool::Policy;
use blocktree_primitives::{
    Amount, BlockHash, Commitment, EventRoot, Header, Height, HistoryRoot, PlacementId, Principal,
    StateRoot,
};
use blocktree_runtime::Call;
use blocktree_service::{Template, TemplateError};
use blocktree_state::MemoryLedger;
use parity_scale_codec::Encode;
use std::sync::Arc;

fn transfer(units: u64) -> Call {
    let amount = Amount::from_units(units);
    Call::Coin(pallet_coin::Call::Transfer { to: Principal([8; 32]), amount })
}

/// Searches a nonce.
fn solve(template: &Template<Call>, commitment: &Commitment) -> Header {
    let mut header = Header { commitment: commitment.hash(), ..template.header };
    let target = Target::from_bits(header.bits).unwrap();
    while !target.is_met_by(&header.hash()) {
        header.nonce += 1;
    }
    header
}

#[test]
fn a_template_has_the_best_paying_events_in_a_valid_order() {
    let forge = Forge::new();
    let genesis = forge.genesis;
    let node = Node::start(&forge, &MemoryLedger::new());
    // (key, nonce, fee): the poor first event of key 1 holds back its rich second one.
    let events = [(0, 0, 3000), (1, 0, 1000), (1, 1, 9000), (2, 0, 2000), (0, 1, 1500)];
    for (key, nonce, fee) in events {
        node.submit(&forge.event(key, nonce, fee, transfer(500_000))).unwrap();
    }
    let template = node.chain.template(&Principal([7; 32])).unwrap();
    let order: Vec<_> = template.events.iter().map(|e| e.event().fee.units()).collect();
    assert_eq!(order, [3000, 2000, 1500, 1000, 9000]);
    // 3000 + 2000 + 1500 + 1000 + 9000.
    assert_eq!(template.fees.units(), 16_500);
    assert_eq!(template.weight, template.events.iter().map(|e| e.weight()).sum::<u64>());
    assert_eq!(template.header.parent, genesis);
    assert_eq!(template.commitment.height, Height(1));
    assert_eq!(template.commitment.miner, Principal([7; 32]));
    // The median time past of genesis alone is genesis' own: 1,793,491,200.
    assert_eq!(template.min_time, 1_793_491_201);
    assert_eq!(template.header.time, crate::support::NOW);
    let header = solve(&template, &template.commitment);
    let block = node.chain.solved(template.id, header, template.commitment).unwrap();
    let hash = header.hash();
    assert_eq!(node.import(block).unwrap(), Imported::NewTip { hash, reverted: 0 });
    // Five fees and 50 coins.
    assert_eq!(node.free(&Principal([7; 32])), 5_000_016_500);
    node.stop().unwrap();
}

#[test]
fn a_block_is_never_too_heavy() {
    let forge = Forge::new();
    let policy = Policy { signer_window: 1 << 20, ..Policy::default() };
    let options = Options { policy, ..Options::default() };
    let node = Node::try_start(&forge, Arc::new(MemoryLedger::new()), &options).unwrap();
    // Bytes and one signature of 100: some 270 each, so 7,000 are more than the 1,500,000 that
    // events like these may weigh together.
    let weight = forge.event(0, 0, 1000, transfer(1)).encode().len() as u64 + 100;
    let count = 7_000u64;
    assert!(weight * count > limits::MAX_NORMAL_WEIGHT);
    let event = |number: u64| {
        let key = u32::try_from(number % 10).unwrap();
        forge.event(key, number / 10, 1000, transfer(500_000))
    };
    node.submit_all((0..count).map(event).collect());
    let template = node.chain.template(&Principal([7; 32])).unwrap();
    let fit = limits::MAX_NORMAL_WEIGHT / weight;
    assert_eq!(template.events.len() as u64, fit);
    let header = solve(&template, &template.commitment);
    let block = template.solved(header, template.commitment).unwrap();
    assert!(matches!(node.import(block).unwrap(), Imported::NewTip { .. }));
    assert_eq!(node.chain.pool().info().events as u64, count - fit);
    // What had no room waits, and is not held against it.
    assert_eq!(node.chain.pool().info().parked, 0);
    node.generate(7);
    assert_eq!(node.chain.pool().info().events as u64, (count - fit).saturating_sub(fit));
    node.stop().unwrap();
}

#[test]
fn what_a_template_refuses_is_kept_back_told_and_in_the_end_dropped() {
    let forge = Forge::new();
    let genesis = forge.genesis;
    let policy = Policy { max_refusals: 3, ..Policy::default() };
    let options = Options { policy, ..Options::default() };
    let node = Node::try_start(&forge, Arc::new(MemoryLedger::new()), &options).unwrap();
    // The dev keys have a million coins, 10^14 units; the fee is there, the amount is not.
    let rich = forge.event(1, 0, 1000, transfer(200_000_000_000_000));
    let behind = forge.event(1, 1, 1000, transfer(500_000));
    let good = forge.event(2, 0, 1000, transfer(500_000));
    for event in [&rich, &behind, &good] {
        node.submit(event).unwrap();
    }
    let (rich, behind, good) = (rich.id(&genesis), behind.id(&genesis), good.id(&genesis));
    let ids = |template: &Template<Call>| -> Vec<_> {
        template.events.iter().map(|event| event.id()).collect()
    };
    let miner = Principal([7; 32]);
    assert_eq!(ids(&node.chain.template(&miner).unwrap()), [good]);
    // The hint is in the writer's queue before whatever is asked of it next.
    assert_eq!(node.revert(0), Ok(0));
    let text = node.status_text(&rich);
    let told = "waits for a block that can hold it; 1 could not: ";
    assert!(text.starts_with(told), "{text}");
    assert!(text.ends_with("; tried again from height 1"), "{text}");
    let text = node.status_text(&behind);
    assert_eq!(text, format!("waits for event {rich}, which no block could hold so far"));
    // Until then the same tip's templates leave it alone.
    assert_eq!(ids(&node.chain.template(&miner).unwrap()), [good]);
    assert_eq!(node.revert(0), Ok(0));
    assert!(node.status_text(&rich).starts_with(told));
    // Tip 1: tried again, then kept back for two blocks; tip 3: the third and last time.
    for _ in 0..4 {
        node.generate(7);
    }
    let _ = node.chain.template(&miner).unwrap();
    assert_eq!(node.revert(0), Ok(0));
    let text = node.status_text(&rich);
    assert!(text.starts_with("dropped: refused by 3 templates: "), "{text}");
    assert_eq!(node.status_text(&behind), "waits for the signer's event with nonce 0");
    assert!(node.status_text(&good).starts_with("in block 1 at 0, "));
    node.stop().unwrap();
}

/// Payouts of invented claims, better paid than all others and never to be paid: at the front of
/// the pool, replaced after each block, they must not keep anybody's event out.
#[test]
fn hopeless_events_at_the_front_keep_nobody_out() {
    let forge = Forge::new();
    let node = Node::start(&forge, &MemoryLedger::new());
    let payout = |number: u8| {
        let claim = |claim: u8| pallet_storage::Claim {
            placement: PlacementId([number ^ claim; 32]),
            evidence: pallet_storage::Evidence::Proof {
                leaf: vec![claim; 256].try_into().unwrap(),
                siblings: vec![[claim; 32]; 32].try_into().unwrap(),
            },
        };
        let claims: Vec<_> = (0..64).map(claim).collect();
        Call::Storage(pallet_storage::Call::Payout { claims: claims.try_into().unwrap() })
    };
    // Each weighs 64 · (32 + 1 + 2 + 256 + 1 + 32 · 32 + 50) and some more, over 87,000: together
    // more than a block and a half.
    for nonce in 0..36u8 {
        node.submit(&forge.event(1, nonce.into(), 10_000_000, payout(nonce))).unwrap();
    }
    let mut fee = 10_000_000;
    for nonce in 0..12 {
        node.submit(&forge.event(2, nonce, 1000, transfer(500_000))).unwrap();
        let template = node.chain.template(&Principal([7; 32])).unwrap();
        assert_eq!(template.events.len(), 1, "block {}", nonce + 1);
        node.generate(7);
        fee += fee / 9;
        node.submit(&forge.event(1, 0, fee, payout(100))).unwrap();
    }
    // The tips 0, 1, 3 and 7, whatever came in between; next is tip 15.
    let head = forge.event(1, 0, fee, payout(100)).id(&forge.genesis);
    let text = node.status_text(&head);
    assert!(text.starts_with("waits for a block that can hold it; 4 could not: "), "{text}");
    assert!(text.ends_with("; tried again from height 15"), "{text}");
    node.stop().unwrap();
}

#[test]
fn each_miner_has_a_template_of_its_own() {
    let forge = Forge::new();
    let node = Node::start(&forge, &MemoryLedger::new());
    node.submit(&forge.event(1, 0, 1000, transfer(500_000))).unwrap();
    let templates: Vec<_> =
        [3, 4].map(|miner| node.chain.template(&Principal([miner; 32])).unwrap()).into();
    assert_ne!(templates[0].id, templates[1].id);
    assert_ne!(templates[0].commitment.state_root, templates[1].commitment.state_root);
    assert_eq!(templates[0].commitment.event_root, templates[1].commitment.event_root);
    let generation = node.chain.generation();
    for (template, is_first) in templates.iter().zip([true, false]) {
        let header = solve(template, &template.commitment);
        let hash = header.hash();
        let block = template.solved(header, template.commitment).unwrap();
        let expected =
            if is_first { Imported::NewTip { hash, reverted: 0 } } else { Imported::Side(hash) };
        assert_eq!(node.import(block).unwrap(), expected);
    }
    assert_eq!(node.chain.generation(), generation + 1);
    assert_eq!(node.free(&Principal([3; 32])), 5_000_001_000);
    node.stop().unwrap();
}

#[test]
fn a_solution_may_change_time_version_nonce_and_extra_nonce_alone() {
    let forge = Forge::new();
    let node = Node::start(&forge, &MemoryLedger::new());
    node.submit(&forge.event(1, 0, 1000, transfer(500_000))).unwrap();
    let template = node.chain.template(&Principal([7; 32])).unwrap();
    let good = template.commitment;
    let not_the = |what| Err(TemplateError::NotTheTemplate(what));
    let commitments: [(&str, Commitment); 5] = [
        ("height", Commitment { height: Height(2), ..good }),
        ("miner", Commitment { miner: Principal([6; 32]), ..good }),
        ("event_root", Commitment { event_root: EventRoot([6; 32]), ..good }),
        ("state_root", Commitment { state_root: StateRoot([6; 32]), ..good }),
        ("history_root", Commitment { history_root: HistoryRoot([6; 32]), ..good }),
    ];
    for (name, commitment) in commitments {
        let header = solve(&template, &commitment);
        let solved = node.chain.solved(template.id, header, commitment);
        assert_eq!(solved.map(|_| ()), not_the("the commitment"), "{name}");
    }
    let header = solve(&template, &good);
    let headers = [
        ("parent", Header { parent: BlockHash([6; 32]), ..header }),
        ("bits", Header { bits: 0x207f_fffe, ..header }),
        (
            "commitment",
            Header { commitment: blocktree_primitives::CommitmentHash([6; 32]), ..header },
        ),
    ];
    for (name, header) in headers {
        let solved = node.chain.solved(template.id, header, good);
        assert_eq!(solved.map(|_| ()), not_the("the header"), "{name}");
    }
    // An extra nonce that the header does not cover.
    let commitment = Commitment { extra_nonce: [5; 8], ..good };
    let solved = node.chain.solved(template.id, header, commitment);
    assert_eq!(solved.map(|_| ()), not_the("the header"));
    // One that it does, another time, and rolled version bits.
    let mut rolled = template.as_ref().clone();
    rolled.header.version ^= 0x1fff_e000;
    rolled.header.time = template.min_time;
    let header = solve(&rolled, &commitment);
    let block = node.chain.solved(template.id, header, commitment).unwrap();
    let hash = header.hash();
    assert_eq!(node.import(block).unwrap(), Imported::NewTip { hash, reverted: 0 });
    node.stop().unwrap();
}

#[test]
fn old_templates_are_forgotten() {
    let forge = Forge::new();
    let node = Node::start(&forge, &MemoryLedger::new());
    let miner = Principal([7; 32]);
    let first = node.chain.template(&miner).unwrap();
    let header = solve(&first, &first.commitment);
    let solved = |id| node.chain.solved(id, header, first.commitment).map(|_| ());
    assert_eq!(solved(first.id + 1), Err(TemplateError::Unknown(first.id + 1)));
    for _ in 0..63 {
        node.chain.template(&miner).unwrap();
    }
    assert_eq!(solved(first.id), Ok(()));
    node.chain.template(&miner).unwrap();
    assert_eq!(solved(first.id), Err(TemplateError::Unknown(first.id)));
    node.stop().unwrap();
}
