//! Parameters that are refused, and the figures of docs/economics.md.

use crate::world::PARAMS;
use blocktree_primitives::{Amount, Height, Network, Span};
use pallet_storage::{Params, ParamsError};

#[test]
fn senseless_parameters_are_refused_by_name() {
    use ParamsError::*;
    let rows: Vec<(Params, Result<(), ParamsError>)> = vec![
        (PARAMS, Ok(())),
        (Params { draws: 0, ..PARAMS }, Err(Zero("draws"))),
        (Params { demands: 0, ..PARAMS }, Err(Zero("demands"))),
        (Params { interval: Span(0), ..PARAMS }, Err(Zero("interval"))),
        (Params { window: Span(0), ..PARAMS }, Err(Zero("window"))),
        (Params { strike_gap: Span(0), ..PARAMS }, Err(Zero("strike_gap"))),
        (Params { acceptance_validity: Span(0), ..PARAMS }, Err(Zero("acceptance_validity"))),
        (Params { max_payment: Amount::ZERO, ..PARAMS }, Err(Zero("max_payment"))),
        (Params { max_collateral: Amount::ZERO, ..PARAMS }, Err(Zero("max_collateral"))),
        // T > W with W = 5; GRACE > 2 W = 10.
        (Params { interval: Span(5), ..PARAMS }, Err(IntervalNotAboveWindow)),
        (Params { interval: Span(6), ..PARAMS }, Ok(())),
        (Params { grace: Span(10), ..PARAMS }, Err(GraceTooShort)),
        (Params { grace: Span(11), ..PARAMS }, Ok(())),
        (Params { burn_ppm: 1_000_001, ..PARAMS }, Err(BurnAboveWhole)),
        (Params { burn_ppm: 1_000_000, ..PARAMS }, Ok(())),
        (Params { demands: 257, ..PARAMS }, Err(TooManyDemands)),
        // 314 · 1,590 = 499,260; 315 · 1,590 = 500,850.
        (Params { draws: 312, ..PARAMS }, Ok(())),
        (Params { draws: 313, ..PARAMS }, Err(AnswersTooHeavy(500_850))),
        (Params { withdrawal_delay: Span(40), ..PARAMS }, Err(WithdrawalTooEarly)),
        (Params { grace: Span((1 << 32) + 1), ..PARAMS }, Err(SpanTooLong)),
        (Params { interval: Span(u64::MAX), ..PARAMS }, Err(SpanTooLong)),
    ];
    for (params, expected) in rows {
        assert_eq!(params.check(), expected, "{params:?}");
    }
    let most = u32::MAX;
    assert!(matches!(
        Params { draws: most, demands: 256, ..PARAMS }.check(),
        Err(AnswersTooHeavy(_))
    ));
}

#[test]
fn recommended_values_hold() {
    for network in [Network::Main, Network::Test, Network::Dev] {
        assert_eq!(Params::recommended(network).check(), Ok(()), "{network:?}");
    }
    let main = Params::recommended(Network::Main);
    // 288 · 1,590 = 457,920 of 500,000; W · spacing / 2 = 720 · 60 / 2.
    assert_eq!((main.draws + main.demands, main.window_seconds), (288, 21_600));
    assert_eq!(Params::recommended(Network::Test).window_seconds, 1_800);
    assert_eq!(Params::recommended(Network::Dev).window_seconds, 0);
}

/// docs/economics.md: 0.25 + 4 · 0.03 = 0.37 coin a hit; 16 hits are 5.92; a subsidy of 50 is
/// 50, 25, 12.5 and 6.25 in its first four eras, then 3.125.
#[test]
fn caps_keep_stakes_below_the_reward() {
    let main = Params::recommended(Network::Main);
    assert_eq!(main.stake_per_hit(), Some(Amount::from_units(37_000_000)));
    let mut coin = pallet_coin::Params {
        floor: Amount::from_units(100_000),
        subsidy: Amount::from_units(5_000_000_000),
        pool_cap: Amount::ZERO,
        halving_interval: 1_051_200,
        genesis: vec![],
    };
    assert_eq!(main.stakes_covered_until(&coin), Some(Height(4 * 1_051_200)));
    assert_eq!(coin.subsidy_at(Height(4 * 1_051_200)), Amount::from_units(625_000_000));
    assert_eq!(coin.subsidy_at(Height(4 * 1_051_200 + 1)), Amount::from_units(312_500_000));
    // 16 · 37,000,000 = 592,000,000
    coin.subsidy = Amount::from_units(592_000_000);
    assert_eq!(main.stakes_covered_until(&coin), Some(Height(1_051_200)));
    coin.subsidy = Amount::from_units(591_999_999);
    assert_eq!(main.stakes_covered_until(&coin), None);
}
