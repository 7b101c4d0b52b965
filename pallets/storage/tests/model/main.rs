//! Random sequences of events and blocks, against a plain model of the rules: every balance,
//! every placement, offer and record after every step; every law of `audit`; each block undone
//! by its delta's inverse; and in the end everything that was held is released by somebody.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers are tests too, clippy knows only #[test].

#[path = "../rules/naive.rs"]
mod naive;
mod ops;
mod oracle;
mod world;

use ops::{Op, event, ops};
use proptest::prelude::*;
use world::World;

fn run(steps: &[Op]) -> World {
    let mut world = World::new();
    world.begin(1);
    // Three of four have terms from the beginning.
    for who in 0..3 {
        let (author, call) = event(&Op::Announce { who, min_payment: 1, pot: 1500 }, &world.oracle)
            .expect("an announcement needs nothing");
        assert!(world.submit(&author, &call));
    }
    for step in steps {
        match step {
            Op::Next { seconds } => {
                world.end();
                world.begin((*seconds).into());
            }
            step => {
                if let Some((author, call)) = event(step, &world.oracle) {
                    world.submit(&author, &call);
                }
            }
        }
        world.compare();
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 4000, ..Default::default() })]

    #[test]
    fn storage_does_what_the_model_does(steps in ops()) {
        let mut world = run(&steps);
        world.wind_down();
        world.undo_everything();
    }
}

/// The random events are no empty show: over a fixed run each kind is accepted and refused.
#[test]
fn random_events_reach_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = world::Seen::default();
    for _ in 0..60 {
        let steps = ops().new_tree(&mut runner).unwrap().current();
        let world = run(&steps);
        seen.add(&world.seen);
    }
    seen.assert_everything();
}
