//! What RPC and daemons read.

use crate::world::{World, announcement, owner, path, person, provider, stranger};
use blocktree_primitives::{BlockPath, Name, OfferId, PlacementId};
use pallet_storage::{placement_id, read};

#[test]
fn paths_join_offers_and_placements() {
    let (mut world, offer) = World::with_offer();
    let ids: Vec<_> = (0..2).map(|id| world.place(&offer, id).unwrap()).collect();
    let at = path(&world.owner, "file");
    let offers = read::offers_of_path(&world.state, &at).unwrap();
    assert_eq!(offers.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [offer]);
    let placements = read::placements_of_offer(&world.state, &offer).unwrap();
    assert_eq!(placements.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    let nowhere = path(&world.owner, "nothing");
    assert_eq!(read::offers_of_path(&world.state, &nowhere), Ok(vec![]));
    assert_eq!(read::placements_of_offer(&world.state, &OfferId([1; 32])), Ok(vec![]));
    assert_eq!(read::offer(&world.state, &OfferId([1; 32])), Ok(None));
    assert_eq!(read::placement(&world.state, &PlacementId([1; 32])), Ok(None));
    assert_eq!(read::challenge(&world.state, &PlacementId([1; 32])), Ok(None));
    assert_eq!(read::challenge(&world.state, &ids[0]), Ok(None));
    world.end();
}

#[test]
fn lists_are_paged_and_bounded() {
    let (mut world, offer) = World::with_offer();
    world.by(stranger, announcement(0)).unwrap();
    let mut everyone = [world.provider.id, world.stranger.id];
    everyone.sort_unstable();
    let names = |found: Vec<(_, _)>| found.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(names(read::providers(&world.state, None, 9).unwrap()), everyone);
    assert_eq!(names(read::providers(&world.state, None, 1).unwrap()), everyone[..1]);
    assert_eq!(names(read::providers(&world.state, Some(&everyone[0]), 9).unwrap()), everyone[1..]);
    assert_eq!(read::providers(&world.state, Some(&everyone[1]), 9), Ok(vec![]));
    assert_eq!(read::providers(&world.state, None, 0), Ok(vec![]));

    let mut ids: Vec<_> = (0..3).map(|id| world.place(&offer, id).unwrap()).collect();
    ids.sort_unstable();
    let of = |world: &World, who: &_, after: Option<&PlacementId>, limit| {
        let found = read::placements_of_provider(&world.state, who, after, limit).unwrap();
        found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(of(&world, &world.provider.id, None, 9), ids);
    assert_eq!(of(&world, &world.provider.id, None, 2), ids[..2]);
    assert_eq!(of(&world, &world.provider.id, Some(&ids[1]), 9), ids[2..]);
    assert_eq!(of(&world, &world.stranger.id, None, 9), []);
    world.exit(&ids[1]).unwrap();
    assert_eq!(of(&world, &world.provider.id, None, 9), [ids[0], ids[2]]);
    world.end();
}

#[test]
fn challenges_are_listed_by_age() {
    let (mut world, offer) = World::with_offer();
    for id in 0..2 {
        world.place(&offer, id).unwrap();
        world.demand(owner, &placement_id(&offer, id)).unwrap();
    }
    world.next();
    let all = read::challenges(&world.state, 0, 9).unwrap();
    assert_eq!(all.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(all[1].1.placement, placement_id(&offer, 1));
    assert_eq!(read::challenges(&world.state, 1, 9).unwrap(), all[1..]);
    assert_eq!(read::challenges(&world.state, 0, 1).unwrap(), all[..1]);
    world.end();
}

#[test]
fn paths_are_listed_below_a_directory() {
    let mut world = World::new();
    world.begin();
    let at = |names: &[&str]| {
        let names = names.iter().map(|name| Name::new(name).unwrap()).collect();
        BlockPath::new(person(1).id, names).unwrap()
    };
    // Key order: a shorter name comes before a longer one, a directory's own path before those
    // below it.
    let paths = [at(&["a"]), at(&["a", "b"]), at(&["a", "c"]), at(&["b"]), at(&["ab"])];
    for path in paths.iter().rev() {
        let mut new = world.new_offer();
        new.path = path.clone();
        new.code.n = 2;
        world.offer_as(new).unwrap();
    }
    let listed = |prefix: &BlockPath, after: Option<&BlockPath>, limit| {
        let found = read::paths(&world.state, prefix, after, limit).unwrap();
        found.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    let all = listed(&at(&[]), None, 9);
    assert_eq!(all, paths);
    assert_eq!(listed(&at(&["a"]), None, 9), paths[..3]);
    assert_eq!(listed(&at(&["a"]), Some(&paths[0]), 9), paths[1..3]);
    assert_eq!(listed(&at(&["a"]), Some(&paths[1]), 1), paths[2..3]);
    assert_eq!(listed(&at(&["b"]), Some(&paths[0]), 9), paths[3..4], "a cursor before the prefix");
    assert_eq!(listed(&at(&["z"]), None, 9), []);
    let stranger = BlockPath::new(person(3).id, vec![]).unwrap();
    assert_eq!(listed(&stranger, None, 9), []);
    assert_eq!(world.balance(provider).1, 0);
    world.end();
}
