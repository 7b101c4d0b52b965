//! The whole life of stored fragments by command line, on a dev chain that mines only when it is
//! told to: mine, transfer, bind, announce, offer, place, demand, payout by proof and by receipt,
//! extension, misses until the collateral burns, a second placement that matures, close, cancel,
//! withdraw. After each step the balances of all who take part, the burned coin and the mint pool
//! are read by JSON-RPC and compared with numbers that were worked out by hand.
//!
//! All heights are known: while a placement lives, the test solves the blocks itself and picks
//! solutions by which chance draws nothing (docs/protocol.md §8.4), so every challenge here was demanded.

use blocktree_primitives::{Header, tags};
use blocktree_tests::{Node, NodeBuilder, blocktree};
use parity_scale_codec::Decode;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Development keys 0, 1, 2 and 5, as wallet/src/dev.rs and chainspec/dev.json have them.
const OWNER: &str = "dblk15nqv2mwx9ur43gsvjqx3rmxamg6fdlu78aq28y6mp7yqtdhnec2q0hmvhw";
const PROVIDER: &str = "dblk1tdjy5g53u9q829f39dxeerps6g6dfu0v3jetjdd68gp28aql7kds6qdtq3";
const FRIEND: &str = "dblk17w848ufwafpfjrts3cq9chu3ywm5xhpsly0jlaglttlwh4atahfqnh9ulu";
const MINER: &str = "dblk15whxej6ujrj7slqthjnwenv59gf4j5fqfxym75y3dw09fwhcjessvmj94c";

/// Every event of the test pays 0.0001 blockcoin: 10,000 base units.
const FEE: &str = "0.0001";

/// What is compared after a step, base units.
#[derive(Debug, PartialEq, Eq)]
struct Books {
    /// Free and held of the owner.
    owner: (u64, u64),
    /// Free and held of the provider.
    provider: (u64, u64),
    /// Free of the miner.
    miner: u64,
    /// Burned since genesis.
    burned: u64,
    /// The mint pool.
    pool: u64,
}

struct Life {
    node: Node,
    height: u64,
}

fn units(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

impl Life {
    /// Runs a client command.
    fn run(&self, args: &[&str]) -> Output {
        let url = format!("ws://{}", self.node.address);
        Command::new(blocktree()).args(args).args(["--rpc", &url, "--json"]).output().unwrap()
    }

    /// Runs a client command that must succeed, and returns its JSON.
    fn cli(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?} at {}: {stderr}", self.height);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a client command that must fail with this exit code, and returns what it says.
    fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(output.stdout.is_empty(), "errors do not belong on standard output");
        stderr
    }

    /// Sends an event, mines a block, and sees the event in it.
    fn event(&mut self, args: &[&str]) -> Value {
        let sent = self.cli(&[args, &["--fee", FEE]].concat());
        self.calm_block();
        let status = self.cli(&["event", text(&sent["id"])]);
        assert_eq!(status["status"], "inBlock", "{args:?} at {}: {status}", self.height);
        assert_eq!(status["height"], self.height, "{args:?}");
        sent
    }

    /// Solves a block after whose hash the next block draws nothing by chance, with one placement
    /// in the array.
    fn calm_block(&mut self) {
        let template = self.node.rpc.call("mining_getTemplate", json!([MINER]));
        let mut header = hex::decode(text(&template["raw"])).unwrap();
        let target = text(&template["target"]);
        for nonce in 0u32.. {
            header[76..].copy_from_slice(&nonce.to_le_bytes());
            let hash = Header::decode(&mut &header[..]).unwrap().hash();
            // Both most significant byte first.
            let solved = hash.to_string().as_str() <= target;
            // d = 1 if H("draw-frac", beacon) · T < (N mod T) · 2^64, with N = 1 and T = 12.
            let fraction = tags::DRAW_FRACTION.hash(&[&hash.0]);
            let fraction = u64::from_le_bytes(fraction[..8].try_into().unwrap());
            if solved && u128::from(fraction) * 12 >= 1 << 64 {
                break;
            }
        }
        let solution = json!([template["template"], hex::encode(header), template["commitment"]]);
        let mined = self.node.rpc.call("mining_submit", solution);
        assert_eq!(mined["tip"], true);
        self.height += 1;
        let tip = self.node.rpc.call("chain_getTip", json!([]));
        assert_eq!(tip["height"], self.height);
    }

    /// Solves blocks up to a height.
    fn calm_to(&mut self, height: u64) {
        while self.height < height {
            self.calm_block();
        }
    }

    fn account(&self, principal: &str) -> (u64, u64) {
        let info = self.node.rpc.call("global_getPrincipal", json!([principal]));
        (units(&info["account"]["free"]), units(&info["account"]["held"]))
    }

    fn books(&self) -> Books {
        let supply = self.node.rpc.call("supply_get", json!([]));
        Books {
            owner: self.account(OWNER),
            provider: self.account(PROVIDER),
            miner: self.account(MINER).0,
            burned: units(&supply["burned"]),
            pool: units(&supply["pool"]),
        }
    }

    #[track_caller]
    fn check(
        &self,
        owner: (u64, u64),
        provider: (u64, u64),
        miner: u64,
        (burned, pool): (u64, u64),
    ) {
        let expected = Books { owner, provider, miner, burned, pool };
        assert_eq!(self.books(), expected, "in block {}", self.height);
    }

    /// The owner demands the placement in the next block; nobody answers until it is missed.
    fn miss(&mut self, placement: &str, missed_in: u64) {
        self.event(&["storage", "demand", placement]);
        self.calm_to(missed_in);
    }
}

/// Imports development key 1 into a keystore, as `provider`.
fn import_provider(keystore: &Path, password: &Path) {
    std::fs::write(password, "hush\n").unwrap();
    let mut child = Command::new(blocktree())
        .args(["key", "import", "provider", "--index", "1"])
        .arg("--keystore")
        .arg(keystore)
        .arg("--password-file")
        .arg(password)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let words = b"test test test test test test test test test test test junk\n";
    child.stdin.take().unwrap().write_all(words).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
#[allow(clippy::too_many_lines)] // one life, told in order
fn every_unit_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data_dir, keystore, password) = (file("node"), file("keys"), file("password"));
    import_provider(Path::new(&keystore), Path::new(&password));
    // Two fragments of 1,000 bytes: three leaves of 256 and one of 232 each.
    let fragments = [file("cat.f0"), file("cat.f1")];
    std::fs::write(&fragments[0], [7; 1000]).unwrap();
    std::fs::write(&fragments[1], [8; 1000]).unwrap();

    let node =
        NodeBuilder::new(Path::new(&data_dir)).args(&["--mine=0", "--coinbase", MINER]).start();
    let mut life = Life { node, height: 0 };
    // Genesis: 1,000,000 coin of 10^8 units each.
    life.check((100_000_000_000_000, 0), (100_000_000_000_000, 0), 100_000_000_000_000, (0, 0));

    // Blocks 1 and 2: the subsidy is 50 coin, so 2 · 5,000,000,000.
    let mined = life.cli(&["mine", "2"]);
    assert_eq!((&mined["height"], mined["hashes"].as_array().unwrap().len()), (&json!(2), 2));
    life.height = 2;
    life.check((100_000_000_000_000, 0), (100_000_000_000_000, 0), 100_010_000_000_000, (0, 0));

    // Block 3: 12.5 coin and the fee of 10,000 leave the owner; the miner gets the fee.
    life.event(&["send", FRIEND, "12.5"]);
    assert_eq!(life.account(FRIEND), (100_001_250_000_000, 0));
    life.check((99_998_749_990_000, 0), (100_000_000_000_000, 0), 100_015_000_010_000, (0, 0));

    // Block 4: a binding holds 0.01 coin. By a key of the keystore.
    let key = ["--key", "provider", "--keystore", &keystore, "--password-file", &password];
    let bind = ["bind", "/ip4/127.0.0.1/tcp/9945", "--blocks", "10000"];
    life.event(&[&bind[..], &key[..]].concat());
    let who = life.cli(&["whois", PROVIDER]);
    assert_eq!(who["account"]["binding"]["addresses"], json!(["/ip4/127.0.0.1/tcp/9945"]));
    // Asked at tip 3, so 3 + 10,000.
    assert_eq!(who["account"]["binding"]["validUntil"], 10_003);
    life.check(
        (99_998_749_990_000, 0),
        (99_999_998_990_000, 1_000_000),
        100_020_000_020_000,
        (0, 0),
    );

    // Block 5: a pot of 0.6 coin and the provider's deposit of 0.1.
    let terms = ["--capacity", "10GiB", "--min-payment", "0.01", "--pot", "0.6"];
    life.event(&[&["storage", "announce", "--dev-key", "1"], &terms[..]].concat());
    life.check(
        (99_998_749_990_000, 0),
        (99_999_928_980_000, 71_000_000),
        100_025_000_030_000,
        (0, 0),
    );

    // Block 6: n = 2 fragments of 4 payments of 0.02 coin and a deposit of 0.01 each, and the
    // offer's deposit of 0.01: 2 · (4 · 2,000,000 + 1,000,000) + 1,000,000 = 19,000,000.
    let path = format!("/{OWNER}/cat.jpg");
    let code = ["--file", &fragments[0], "--n", "2", "--k", "1"];
    let terms = ["--payment", "0.02", "--period", "12", "--payments", "4", "--collateral", "0.25"];
    let sent = life.event(&[&["storage", "offer", &path], &code[..], &terms[..]].concat());
    let offer = text(&sent["offer"]).to_owned();
    assert_eq!((&sent["version"], &sent["fragmentSize"]), (&json!(1), &json!(1000)));
    life.check(
        (99_998_730_980_000, 19_000_000),
        (99_999_928_980_000, 71_000_000),
        100_030_000_040_000,
        (0, 0),
    );

    // Block 7: placing burns 0.001 coin of the owner. The collateral of 0.25 leaves the pot but
    // stays held. Start 7, end 7 + 4 · 12 = 55.
    let accept = |life: &Life, id: usize| {
        let (file, id, out) = (&fragments[id], id.to_string(), file(&format!("cat.a{id}")));
        let what = ["storage", "accept", &offer, "--file", file, "--fragment-id", &id];
        life.cli(&[&what[..], &["--dev-key", "1", "--out", &out]].concat());
        out
    };
    let sent = life.event(&["storage", "place", &offer, &accept(&life, 0)]);
    let first = text(&sent["placements"][0]["placement"]).to_owned();
    let placed = life.node.rpc.call("storage_getPlacement", json!([first]));
    let term = [&placed["start"], &placed["last"], &placed["end"]];
    assert_eq!(term, [&json!(7), &json!(7), &json!(55)]);
    life.check(
        (99_998_730_870_000, 19_000_000),
        (99_999_928_980_000, 71_000_000),
        100_035_000_050_000,
        (100_000, 0),
    );

    // Block 19: the owner demands, which holds 0.001 coin. Miner: 12 subsidies and a fee since.
    life.calm_to(18);
    life.event(&["storage", "demand", &first]);
    life.check(
        (99_998_730_760_000, 19_100_000),
        (99_999_928_980_000, 71_000_000),
        100_095_000_060_000,
        (100_000, 0),
    );

    // Block 20 asks for a leaf until block 20 + 10. Another fragment proves nothing.
    life.calm_to(20);
    let asked = life.cli(&["storage", "challenges", &first]);
    assert_eq!((&asked[0]["opened"], &asked[0]["expiresFrom"]), (&json!(20), &json!(30)));
    let wrong =
        life.refused(1, &["storage", "prove", &first, "--file", &fragments[1], "--dev-key", "1"]);
    assert!(wrong.contains("is not the fragment of placement"), "{wrong}");

    // Block 21, by proof: ⌊(20 − 7)/12⌋ = 1 period of 2,000,000. 5 % = 100,000 burn, 1,900,000 go
    // to the provider, and the demand's 100,000, less its fee of 10,000. ⌊3 · 100,000/2⌋ = 150,000 fill the pool.
    life.event(&["storage", "prove", &first, "--file", &fragments[0], "--dev-key", "1"]);
    life.check(
        (99_998_730_760_000, 17_000_000),
        (99_999_930_970_000, 71_000_000),
        100_105_000_070_000,
        (200_000, 150_000),
    );

    // Block 44, by receipt through 43: ⌊(43 − 19)/12⌋ = 2 periods, 4,000,000: 200,000 burn,
    // 3,800,000 less the fee to the provider. Blocks 22 to 44 paid ⌊pool/2016⌋ each to the miner:
    // 74 from 150,000 down to 149,184 (12 · 74 = 888: 149,112), then 11 · 73 = 803; 1,691 together.
    // The pool has 150,000 − 1,691 + 300,000.
    life.calm_to(43);
    let receipt = file("cat.r0");
    life.cli(&["storage", "receipt", &first, "--through", "43", "--out", &receipt]);
    life.event(&["storage", "payout", &receipt, "--dev-key", "1"]);
    life.check(
        (99_998_730_760_000, 13_000_000),
        (99_999_934_760_000, 71_000_000),
        100_220_000_081_691,
        (400_000, 448_309),
    );

    // Block 45: four periods more, to 55 + 48 = 103, hold 8,000,000. The pool pays ⌊448,309/2016⌋ = 222.
    let extension = file("cat.e0");
    let sign = ["storage", "sign-extension", &first, "--periods", "4", "--dev-key", "1"];
    life.cli(&[&sign[..], &["--out", &extension]].concat());
    let sent = life.event(&["storage", "extend", &extension]);
    assert_eq!(sent["end"], 103);
    life.check(
        (99_998_722_750_000, 21_000_000),
        (99_999_934_760_000, 71_000_000),
        100_225_000_091_913,
        (400_000, 448_087),
    );

    // Demanded in 46, drawn in 47, missed in 57: ⌈(57 − 43)/12⌉ = 2 periods begun, 4,000,000 burn
    // beside the pool. The demand's deposit comes back; its fee does not. Score 4.
    life.miss(&first, 57);
    life.check(
        (99_998_722_740_000, 17_000_000),
        (99_999_934_760_000, 71_000_000),
        100_285_000_104_568,
        (4_400_000, 445_432),
    );

    // Demanded in 58, 12 after the last demand; drawn in 59, missed in 69: settled through 67, so
    // ⌈(69 − 67)/12⌉ = 1 period, 2,000,000. Score 8.
    life.miss(&first, 69);
    life.check(
        (99_998_722_730_000, 15_000_000),
        (99_999_934_760_000, 71_000_000),
        100_345_000_117_205,
        (6_400_000, 442_795),
    );

    // Demanded in 70, missed in 81: ⌈(81 − 79)/12⌉ = 1 period, 2,000,000. Score 12: the placement
    // is gone and its collateral of 25,000,000 burns. The last period, 91 to 103, and the
    // placement's deposit come back to the owner: 2,000,000 + 1,000,000.
    life.miss(&first, 81);
    life.check(
        (99_998_725_720_000, 10_000_000),
        (99_999_934_760_000, 46_000_000),
        100_405_000_129_827,
        (33_400_000, 440_173),
    );
    let gone = life.refused(1, &["storage", "prove", &first, "--file", &fragments[0]]);
    assert!(gone.contains("NotFound"), "{gone}");
    let record = life.cli(&["storage", "audit", PROVIDER]);
    let counts = ["passed", "missed", "strikes", "lost"].map(|name| record[name].as_u64().unwrap());
    assert_eq!(counts, [1, 3, 3, 1]);

    // Block 82: the second fragment, out of the reserve; 100,000 burn. Start 82, end 130.
    let sent = life.event(&["storage", "place", &offer, &accept(&life, 1)]);
    let second = text(&sent["placements"][0]["placement"]).to_owned();
    life.check(
        (99_998_725_610_000, 10_000_000),
        (99_999_934_760_000, 46_000_000),
        100_410_000_140_045,
        (33_500_000, 439_955),
    );

    // Block 130: matured. The provider's last demand holds nothing.
    life.calm_to(129);
    life.event(&["storage", "demand", &second, "--dev-key", "1"]);
    life.check(
        (99_998_725_610_000, 10_000_000),
        (99_999_934_750_000, 46_000_000),
        100_650_000_160_376,
        (33_500_000, 429_624),
    );

    // Drawn in 131, proven in 132: ⌊(130 − 82)/12⌋ = 4 periods, 8,000,000: 400,000 burn, 7,600,000
    // less the fee to the provider, 600,000 into the pool, which paid twice 213.
    life.calm_to(131);
    life.event(&["storage", "prove", &second, "--file", &fragments[1], "--dev-key", "1"]);
    life.check(
        (99_998_725_610_000, 2_000_000),
        (99_999_942_340_000, 46_000_000),
        100_660_000_170_802,
        (33_900_000, 1_029_198),
    );

    // Block 133: closed without a strike. The collateral returns to the pot, the placement's
    // deposit to the owner. The pool pays ⌊1,029,198/2016⌋ = 510.
    life.event(&["storage", "close", &second, "--dev-key", "1"]);
    life.check(
        (99_998_726_610_000, 1_000_000),
        (99_999_942_330_000, 46_000_000),
        100_665_000_181_312,
        (33_900_000, 1_028_688),
    );

    // Block 134: nothing in reserve; the offer's deposit comes back. The pool pays 510.
    life.event(&["storage", "cancel", &offer]);
    life.check(
        (99_998_727_600_000, 0),
        (99_999_942_330_000, 46_000_000),
        100_670_000_191_822,
        (33_900_000, 1_028_178),
    );

    // Block 135 sets the pot's maturity, 300 later; the pool pays 510. Block 436 frees what is left of the pot, 60,000,000 −
    // 25,000,000, and the deposit of 10,000,000. In between the pool paid 142,424 in 301 shares of 1/2016.
    life.event(&["storage", "withdraw", "--dev-key", "1"]);
    life.cli(&["mine", "300"]);
    life.height += 300;
    life.event(&["storage", "withdraw", "--dev-key", "1"]);
    life.check(
        (99_998_727_600_000, 0),
        (99_999_987_310_000, 1_000_000),
        102_180_000_354_756,
        (33_900_000, 885_244),
    );

    // Block 437: the binding's deposit comes back, and nothing is held any more.
    life.event(&["unbind", "--dev-key", "1"]);
    life.check(
        (99_998_727_600_000, 0),
        (99_999_988_300_000, 0),
        102_185_000_365_195,
        (33_900_000, 884_805),
    );
    // Genesis 10 accounts · 10^14, 437 subsidies, 165,195 from the pool, less what burned.
    let supply = life.node.rpc.call("supply_get", json!([]));
    assert_eq!(units(&supply["total"]), 1_002_184_966_265_195);

    assert_eq!(life.node.stop(), Some(0));
    let verify = ["chain", "verify", "--data-dir", &data_dir];
    let verified = blocktree_tests::run(&verify);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Wrong usage is told from refusals, and each says what to do.
#[test]
fn what_is_wrong_is_said_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeBuilder::new(&folder.path().join("node")).start();
    let life = Life { node, height: 0 };
    for (args, complaint) in [
        (&["send", "dblk1oops", "1"][..], "not a principal"),
        (&["send", FRIEND, "1.000000001"], "8 decimal places"),
        (
            &["storage", "announce", "--capacity", "lots", "--min-payment", "1", "--pot", "1"],
            "not a size",
        ),
        (&["storage", "place", &"0".repeat(64), "nowhere"], "neither hex nor a file"),
        (&["storage", "offers", "/oops"], "a path looks like"),
    ] {
        let said = life.refused(2, args);
        assert!(said.contains(complaint), "{args:?}: {said}");
    }
    let said = life.refused(1, &["send", FRIEND, "1", "--fee", "0"]);
    assert!(said.contains("pool.FeeTooLow") && said.contains("--fee"), "{said}");
    let said = life.refused(1, &["send", FRIEND, "2000000"]);
    assert!(said.contains("coin.Overdraft") && said.contains("blocktree balance"), "{said}");
    let nothing = "0".repeat(64);
    let said = life.refused(1, &["storage", "close", &nothing]);
    assert!(said.contains("storage.NoSuchPlacement") && said.contains("placements"), "{said}");
    let unreachable = blocktree_tests::run(&["balance", "--rpc", "ws://127.0.0.1:1"]);
    assert_eq!(unreachable.status.code(), Some(1));
    let said = String::from_utf8_lossy(&unreachable.stderr).into_owned();
    assert!(said.contains("blocktree run"), "{said}");
}

/// `--wait` returns when the event is in a block.
#[test]
fn waiting_ends_with_the_block() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeBuilder::new(&folder.path().join("node")).start();
    let life = Life { node, height: 0 };
    let sent = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| life.cli(&["send", FRIEND, "1", "--wait"]));
        while life.node.rpc.call("mempool_info", json!([]))["events"] != 1 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(!waiting.is_finished());
        life.cli(&["mine", "1"]);
        waiting.join().unwrap()
    });
    assert_eq!(
        (&sent["status"], &sent["height"], &sent["nonce"]),
        (&json!("inBlock"), &json!(1), &json!(0))
    );
}
