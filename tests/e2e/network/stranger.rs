//! Programs that are no nodes connect to the port for peers, and say whatever comes to their mind.

use super::{MINERS, address, builder, common_tip, complaints, generate, peers, tip, until};
use crate::kill::Random;
use blocktree_tests::process::{open_files, resident};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const STRANGERS: u64 = 50;
/// What a node may have resident at most.
const MEMORY: u64 = 300_000_000;
const LIMIT: Duration = Duration::from_secs(40);
/// How libp2p begins: the length and the name of multistream-select.
const GREETING: &[u8] = b"\x13/multistream/1.0.0\n";
const NOISE: &[u8] = b"\x07/noise\n";

fn bytes(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| u8::try_from(random.below(256)).unwrap()).collect()
}

/// A stranger's connection; errors are those of a node that has had enough of it.
fn stranger(port: &str, number: u64, random: &mut Random) -> TcpStream {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let said = match number % 6 {
        // Nothing, half a greeting, noise.
        0 => Vec::new(),
        1 => GREETING[..7].to_vec(),
        2 => bytes(random, 65_536),
        // The longest length that the prefix can tell, then some.
        3 => [&[0xff; 9][..], &bytes(random, 1_000)].concat(),
        // A handshake that becomes nonsense, and one that stops.
        4 => [GREETING, NOISE, &bytes(random, 4_096)].concat(),
        _ => [GREETING, NOISE, &[0xff, 0xff]].concat(),
    };
    let _ = stream.write_all(&said);
    stream
}

/// Whether the node has closed the connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4_096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                use std::io::ErrorKind::{TimedOut, WouldBlock};
                return !matches!(error.kind(), WouldBlock | TimedOut);
            }
        }
    }
}

#[test]
fn a_strangers_garbage_does_not_disturb() {
    let folder = tempfile::tempdir().unwrap();
    let first = builder(folder.path(), "first").start();
    let boot = address(&first.rpc);
    let more = ["second", "third"]
        .map(|name| builder(folder.path(), name).flag("--bootnode", &boot).start());
    let all = [&first.rpc, &more[0].rpc, &more[1].rpc];
    until("peers", LIMIT, || all.iter().all(|rpc| peers(rpc).len() == 2).then_some(()));
    let before = (peers(&first.rpc), open_files(first.pid()).unwrap());

    let port = boot.split('/').nth(4).unwrap();
    let mut random = Random(7);
    let mut most = 0;
    let mut strangers = Vec::new();
    for number in 0..STRANGERS {
        strangers.push(stranger(port, number, &mut random));
        if number % 10 == 9 {
            // Business goes on, and no peer goes.
            generate(&first.rpc, 1, MINERS[0]);
            let start = Instant::now();
            until("a block relayed", Duration::from_secs(10), || common_tip(&all));
            println!("{} strangers: a block in {:?}", number + 1, start.elapsed());
            most = most.max(resident(first.pid()).unwrap());
            assert_eq!(peers(&first.rpc), before.0);
        }
    }
    // Who does not get on with the handshake is not waited for.
    let start = Instant::now();
    until("rid of all strangers", LIMIT, || {
        most = most.max(resident(first.pid()).unwrap());
        strangers.retain_mut(|stream| !is_closed(stream));
        strangers.is_empty().then_some(())
    });
    println!("all closed after {:?}; {} MB resident at most", start.elapsed(), most / 1_000_000);
    assert!(most < MEMORY, "{most} bytes");
    until("closed files", LIMIT, || {
        (open_files(first.pid()).unwrap() <= before.1 + 8).then_some(())
    });
    assert_eq!(peers(&first.rpc), before.0);
    generate(&more[1].rpc, 1, MINERS[1]);
    until("a block relayed", Duration::from_secs(10), || common_tip(&all));
    assert_eq!(tip(&first.rpc)["height"], 6);
    println!("first.log: {:?}", complaints(&folder.path().join("first.log")));
}
