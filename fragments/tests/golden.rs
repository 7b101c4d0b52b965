//! Every byte of a header, a sealed fragment and a manifest, as docs/protocol.md §9 says:
//! made by tests/data/golden.py, which shares no code with the program.

#![allow(clippy::unwrap_used)]

mod common;

use blocktree_fragments::{
    Codec, FilePlan, Header, Manifest, NameKey, Segment, SegmentSize, read_fragment,
};
use blocktree_primitives::{ContentHash, Name};
use common::{GENESIS, block, fragments, owner, path};

const HEADER: &str = "019fcf141105ed9c58b9384cf7c2f618a854ff049042173734ccbe8e0f0cd650\
                      2b0466696c6500050000000000000000010200d900000000000000775e5e545a\
                      34f11c189f0dc8c5933e24925b3547cfb61156ac96ac65dd2e88960124242424\
                      2424242424242424242424242424242424242424049fcf141105ed9c58b9384c\
                      f7c2f618a854ff049042173734ccbe8e0f0cd6502b56b328b30c8bf5839e2405\
                      8747879408bdb36241dc9c2e7c619faa12b2920967a6c051d45c0b39dda0ee2a\
                      f61e257ef0d08f9c84e719941edc56dc998df8de1a1d51062f0e6dbd0a77cf1e\
                      cd4653f53100989c0b76cb563971fdc9bef31ec06c3560f3249d6ee9e5d83c57\
                      625596e05f6f37ed7565b0c2c65bb67a7aedc2d807c3e0cd5bc8a7834c804b86\
                      edb1a55021d0a03e5cc8b01ededfb43c38141d28df66b3502a71ec157e3ed029\
                      dc6d2cc8ec28";
const CONTENT_HASH: &str = "31a3d0a71e07e9d7d2b8113e35e6554dca3547bec893df2a465151ff252efec3";
const PAYLOAD: &str = "a55fd5666a214aa1aa263531028503c522e09ca9680a628a3978fc56770dc5d2\
                       34b0aafb10be7dbb549c9b90d5f006a3677c1dcd137db7eb2a03b3e8ad228ac7\
                       aed5706742749d4784df2775796914b5eeca2293f26d38f35be669abcb45277b\
                       b50a551f06b4c0623afd7a31c0a30b74c515d0b75b823fe340a5e5909d8d4f23\
                       3aabf7e1caeb27391f548ea53f61a687fd567bcfd5d7c8b5933825a7c6205215\
                       89fc74de69f0aee7a99a9195f66d2b0a0f6a994119396482eff04a79ab1b969c\
                       9e25e65f5f54f370c736f6aa308bfbebdea2b4cbae4abf82f4";
/// Symbol 1, an original, and 3, the second point after the originals; sealed.
const BODIES: [(u32, &str, &str); 2] = [
    (
        1,
        "9ee968c57d3b77ed644f34d5b4fa897197e83fa1e149e5fea8e844336612f81d\
         aef283750eb0fb9d180713084bd33d22c9ab262aabd22c304cd37ffe383468e1\
         281f681f3d02c04d1fb4ce86f9e2ed5617923aa47c132e634df9ea1ca7b1b5ba\
         9a9929ec74e282bba221c9bcb278ea3a8e6d651b79cda7d05322f597d9caa896",
        "a9206810ecc36d0ffe23e8544a2847f84fa640a6b0b04029d0691be43ffa6735",
    ),
    (
        3,
        "2ea6a8edc4733c59e1316be8bc38483bf007d97b90e14f519b5dd5eed5ee1f16\
         c5c79c95343eff2d0bb01a53da4d23bb08bb2d1237e9f41609474d37e791d6fa\
         7b56c3be4b42bb0dfb808ea932b074bcaae610bc2e6dafe4a94625561a9074d1\
         c55fae1c33bf459640a5f1cd83d862df5f84c7a785689c1130086c24bd832c1d",
        "db5bdba1095ad7626bd9f7e551d9a71fbe94333876c9dc42338d871584d36cd4",
    ),
];
const HIDDEN_NAME: &str = "1622a17492a10b40e70852cc724b8b97";
const MANIFEST: &str = "01a861000000000000102700000c0600000000000000a0a0a0a0a0a0a0a0a0a0\
                        a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a00700000000000000a1a1\
                        a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a10800\
                        000000000000a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\
                        a2a2a2a2a2a2";

/// 200 bytes in a code of which two fragments are enough.
fn golden(codec: Codec) -> blocktree_fragments::TreeBlock {
    block(codec, 2, (0..200).collect())
}

#[test]
fn header_and_payload() {
    let block = golden(Codec::ReedSolomon);
    assert_eq!(hex::encode(block.header().bytes()), HEADER);
    assert_eq!(block.header().content_hash().to_string(), CONTENT_HASH);
    assert_eq!(hex::encode(block.payload()), PAYLOAD);
    let read = Header::read(&hex::decode(HEADER).unwrap(), &GENESIS).unwrap();
    assert_eq!(&read, block.header());
}

#[test]
fn sealed_fragments() {
    let block = golden(Codec::ReedSolomon);
    for ((id, body, root), fragment) in BODIES.into_iter().zip(fragments(&block, [1, 3])) {
        assert_eq!(hex::encode(&fragment.bytes), format!("{HEADER}{body}"), "{id}");
        assert_eq!(fragment.root.to_string(), root);
        let (_, read) = read_fragment(&fragment.bytes, &GENESIS).unwrap();
        assert_eq!(hex::encode(read), body);
    }
}

/// RaptorQ's own symbols are not worked out again: the one of this fragment came from the
/// library, and all around it from golden.py. It shows when the library's code changes.
#[test]
fn a_sealed_fragment_of_raptorq() {
    let fragment = fragments(&golden(Codec::RaptorQ), [3]).remove(0);
    let root = "3c73e0a5df11876bded10c916546744fedac70af164bd03a1cf267f1277394ea";
    assert_eq!(fragment.root.to_string(), root);
}

#[test]
fn manifest() {
    let plan = FilePlan::new(25_000, SegmentSize::new(10_000).unwrap()).unwrap();
    let segment =
        |i: u8| Segment { version: 6 + u64::from(i), content_hash: ContentHash([0xa0 + i; 32]) };
    let manifest = Manifest::new(plan, (0..3).map(segment).collect()).unwrap();
    assert_eq!(hex::encode(manifest.encode()), MANIFEST);
    assert_eq!(Manifest::decode(&hex::decode(MANIFEST).unwrap()), Ok(manifest));
}

#[test]
fn hidden_name() {
    let name = Name::new("diary.txt").unwrap();
    let hidden = NameKey::of(&owner()).hide(&path(), &name).unwrap();
    assert_eq!(hidden.as_str(), HIDDEN_NAME);
}
