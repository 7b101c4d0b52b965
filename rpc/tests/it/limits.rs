//! Clients that take too much, or too long.

use crate::support::{
    Raw, call, frame, post, post_once, post_with, request, resident, start, websocket,
};
use blocktree_rpc::CallLimits;
use blocktree_rpc::server::Limits;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn oversized_requests_are_refused_before_they_are_read() {
    let limits = Limits { request_len: 1_000, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let fits = request("test_echo", json!(["x".repeat(900)]));
    assert_eq!(post_once(addr, &fits).await.json()["result"]["totalLen"], 900);
    let too_large = request("test_echo", json!(["x".repeat(1_000)]));
    let reply = post_once(addr, &too_large).await;
    assert_eq!((reply.status, reply.error_code()), (413, -32007));
    // Announced, never sent: refused all the same, and at once.
    let mut raw = Raw::connect(addr).await;
    raw.send(format!(
        "POST / HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
         content-length: 99999999999\r\n\r\n"
    ))
    .await;
    assert_eq!(timeout(SECOND, raw.reply()).await.unwrap().unwrap().status, 413);
    // In chunks, without announcing.
    let mut raw = Raw::connect(addr).await;
    raw.send(format!(
        "POST / HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    ))
    .await;
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1_024));
    raw.send(&chunk).await;
    assert_eq!(timeout(SECOND, raw.reply()).await.unwrap().unwrap().status, 413);
    // On a WebSocket: an error, or the end of the connection.
    let mut socket = websocket(addr).await;
    socket.send(frame(&[b'x'; 2_000])).await;
    assert_eq!(call(addr, "test_echo", json!(["a"])).await["result"]["totalLen"], 1);
}

/// Connections that stall within long requests hold a bounded number of bytes together.
#[tokio::test]
async fn the_bytes_of_unfinished_requests_are_bounded() {
    let limits = Limits { bodies_len: 300_000, request_len: 1_000_000, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
         content-length: 900000\r\n\r\n"
    );
    // As they grow, 200,000 bytes take 262,144, the first 65,536 of them for nothing: 196,608. Of
    // the second connection, 131,073 would take as much again.
    let part = "x".repeat(200_000);
    let mut first = Raw::connect(addr).await;
    first.send(format!("{head}{part}")).await;
    assert!(timeout(SECOND / 2, first.reply()).await.is_err(), "its rest is waited for");
    let mut second = Raw::connect(addr).await;
    // No more than that, so that nothing is left unread when the connection ends.
    second.send(format!("{head}{}", "x".repeat(131_500))).await;
    let reply = timeout(SECOND, second.reply()).await.unwrap().unwrap();
    assert_eq!((reply.status, reply.error_code()), (503, 1002));
    // Short requests are answered all the same.
    let short = request("test_echo", json!(["x".repeat(60_000)]));
    assert_eq!(post_once(addr, &short).await.json()["result"]["totalLen"], 60_000);
    // What is given up, or answered, gives its bytes back.
    drop(first);
    let long = request("test_echo", json!(["x".repeat(250_000)]));
    let start = Instant::now();
    while post_once(addr, &long).await.status != 200 {
        assert!(start.elapsed() < 5 * SECOND, "the bytes come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(post_once(addr, &long).await.status, 200);
}

#[tokio::test]
async fn the_bytes_of_unfinished_messages_are_bounded() {
    let limits = Limits { bodies_len: 300_000, request_len: 1_000_000, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let long = request("test_echo", json!(["x".repeat(250_000)]));
    // 200,000 each take 134,464 of the 300,000.
    let part = &frame(&[b'x'; 900_000])[..200_000];
    let mut stalled = [websocket(addr).await, websocket(addr).await];
    for socket in &mut stalled {
        socket.send(part).await;
        assert!(!socket.closes_within(SECOND / 2).await);
    }
    let mut third = websocket(addr).await;
    // It may end while this is being sent.
    let _ = third.0.write_all(part).await;
    assert!(third.closes_within(SECOND).await);
    // Short messages are always read, and long ones again when there is room.
    let mut short = websocket(addr).await;
    for _ in 0..20 {
        short.send(frame(request("test_echo", json!(["x".repeat(10_000)])).as_bytes())).await;
    }
    assert!(!short.closes_within(SECOND / 2).await);
    drop(stalled);
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..5 {
        short.send(frame(long.as_bytes())).await;
    }
    assert!(!short.closes_within(SECOND / 2).await);
}

#[tokio::test]
async fn subscriptions_over_http_are_refused_by_name() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let addr = fixture.server.addr();
    let answer = call(addr, "test_subscribeFlood", json!([])).await;
    assert_eq!(answer["error"]["code"], -32601);
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!(message, "Method not found: test_subscribeFlood needs a WebSocket");
}

#[tokio::test]
async fn oversized_answers_are_not_sent() {
    let limits = Limits { response_len: 10_000, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let answer = call(addr, "test_echo", json!(["x".repeat(100), 1_000])).await;
    assert_eq!(answer["error"]["code"], -32008);
    let half = json!({
        "jsonrpc": "2.0", "id": 1, "method": "test_echo", "params": ["x".repeat(100), 50],
    });
    let batch = Value::Array(vec![half; 3]).to_string();
    assert_eq!(post_once(addr, &batch).await.error_code(), -32011);
}

#[tokio::test]
async fn batches_are_bounded() {
    let limits = Limits { batch: 3, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "test_echo", "params": ["a"] });
    let three = Value::Array(vec![one.clone(); 3]).to_string();
    assert_eq!(post_once(addr, &three).await.json().as_array().unwrap().len(), 3);
    let four = Value::Array(vec![one; 4]).to_string();
    assert_eq!(post_once(addr, &four).await.error_code(), -32010);
    assert_eq!(post_once(addr, "[]").await.error_code(), -32600);
}

#[tokio::test]
async fn calls_a_second_are_bounded_on_each_connection() {
    let limits = Limits { calls_per_second: 2_500, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let dear = post(addr, &request("test_dear", json!(["a"])));
    let mut raw = Raw::connect(addr).await;
    let mut rules = Vec::new();
    for _ in 0..4 {
        raw.send(&dear).await;
        rules.push(raw.reply().await.unwrap().json()["error"]["data"]["rule"].clone());
    }
    // 2,500 a second at 1,000 each: two at once, then no more for a while.
    assert_eq!(
        rules,
        [Value::Null, Value::Null, json!("rpc.RateLimited"), json!("rpc.RateLimited")]
    );
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "test_dear", "params": ["a"] });
    let batch = post_once(addr, &Value::Array(vec![one; 4]).to_string()).await.json();
    let refused = |answer: &&Value| answer["error"]["code"] == 1000;
    assert_eq!(batch.as_array().unwrap().iter().filter(refused).count(), 2, "in a batch too");
    tokio::time::sleep(SECOND).await;
    raw.send(&dear).await;
    assert!(raw.reply().await.unwrap().json()["result"].is_object(), "it comes back");
}

#[tokio::test]
async fn connections_are_bounded_and_given_back() {
    let limits = Limits { connections: 3, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let mut open = vec![Raw::connect(addr).await, Raw::connect(addr).await];
    open.push(websocket(addr).await);
    let mut fourth = Raw::connect(addr).await;
    assert_eq!(fourth.reply().await.unwrap().status, 503);
    assert!(fourth.closes_within(SECOND).await);
    drop(open);
    let start = Instant::now();
    loop {
        let mut raw = Raw::connect(addr).await;
        raw.send(post(addr, &request("test_echo", json!(["a"])))).await;
        if raw.reply().await.is_some_and(|reply| reply.status == 200) {
            break;
        }
        assert!(start.elapsed() < 5 * SECOND, "the places come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_silent_clients_are_cut_off() {
    let limits = Limits {
        header_time: Duration::from_millis(500),
        request_time: Duration::from_millis(700),
        ping: Duration::from_millis(300),
        ..Limits::default()
    };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    // Nothing at all; half a line; headers that never end; an idle connection after an answer.
    let mut silent = Raw::connect(addr).await;
    let mut half = Raw::connect(addr).await;
    half.send("POST / HT").await;
    let mut headers = Raw::connect(addr).await;
    headers.send(format!("POST / HTTP/1.1\r\nhost: {addr}\r\n")).await;
    let mut idle = Raw::connect(addr).await;
    idle.send(post(addr, &request("test_echo", json!(["a"])))).await;
    assert_eq!(idle.reply().await.unwrap().status, 200);
    // Drops of headers buy no time.
    let dripping = tokio::spawn(async move {
        for _ in 0..100 {
            if headers.0.write_all(b"x-a: b\r\n").await.is_err() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    });
    // A body that never comes gets an answer.
    let mut body = Raw::connect(addr).await;
    body.send(format!(
        "POST / HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{"
    ))
    .await;
    let reply = timeout(3 * SECOND, body.reply()).await.unwrap().unwrap();
    assert_eq!((reply.status, reply.error_code()), (408, 1001));
    assert!(body.closes_within(SECOND).await);
    for raw in [&mut silent, &mut half, &mut idle] {
        assert!(raw.closes_within(3 * SECOND).await);
    }
    assert!(dripping.await.unwrap());
    // A WebSocket that answers no ping, and one in the middle of a frame.
    let mut deaf = websocket(addr).await;
    let mut stuck = websocket(addr).await;
    stuck.send(&frame(b"{\"jsonrpc\"")[..8]).await;
    assert!(deaf.closes_within(5 * SECOND).await);
    assert!(stuck.closes_within(5 * SECOND).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_are_bounded() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let addr = fixture.server.addr();
    let many = "x-a: b\r\n".repeat(200);
    let long = format!("x-a: {}\r\n", "b".repeat(100_000));
    for headers in [many, long] {
        let mut raw = Raw::connect(addr).await;
        // The server may close before all is sent.
        let text = post_with(&format!("host: {addr}\r\n{headers}"), "{}");
        let _ = raw.0.write_all(text.as_bytes()).await;
        let status = timeout(SECOND, raw.reply()).await.unwrap().map(|reply| reply.status);
        assert!(matches!(status, Some(431) | None), "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_does_not_read_is_dropped() {
    let limits = Limits { unread_time: SECOND, ..Limits::default() };
    let calls = CallLimits { unread: SECOND, ..CallLimits::default() };
    let fixture = start(limits, calls).await;
    let before = resident();
    let mut socket = websocket(fixture.server.addr()).await;
    socket.send(frame(request("test_subscribeFlood", json!([])).as_bytes())).await;
    let start = Instant::now();
    while fixture.context.ended.load(Ordering::Relaxed) == 0 {
        assert!(start.elapsed() < 10 * SECOND, "the flood ends when nobody reads");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // 16 messages of 64 KiB wait at most, beside what the kernel holds.
    let sent = fixture.context.sent.load(Ordering::Relaxed);
    assert!(sent < 300, "{sent} messages of 64 KiB were taken");
    assert!(resident().saturating_sub(before) < 64 << 20);
    assert!(socket.closes_within(5 * SECOND).await, "and the connection with it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_and_does_not_read_is_dropped() {
    let limits = Limits { unread_time: SECOND, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let before = resident();
    let mut socket = websocket(addr).await;
    let one = frame(request("test_echo", json!(["x".repeat(100), 10])).as_bytes());
    let many = one.repeat(1_000);
    let flood = async {
        let mut sent = 0_u64;
        while socket.0.write_all(&many).await.is_ok() {
            sent += 1_000;
            assert!(sent < 10_000_000, "the server takes all and grows");
        }
        sent
    };
    let sent = timeout(10 * SECOND, flood).await.expect("the connection ends");
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "{sent} requests taken, {} KiB grown", grown >> 10);
    // The same over HTTP, pipelined.
    let mut raw = Raw::connect(addr).await;
    let many = post(addr, &request("test_echo", json!(["x".repeat(100), 10]))).repeat(1_000);
    let flood = async { while raw.0.write_all(many.as_bytes()).await.is_ok() {} };
    timeout(10 * SECOND, flood).await.expect("the connection ends");
    assert!(resident().saturating_sub(before) < 64 << 20);
    assert_eq!(call(addr, "test_echo", json!(["a"])).await["result"]["totalLen"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_under_way_are_bounded() {
    let limits = Limits { calls_under_way: 20, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let mut socket = websocket(fixture.server.addr()).await;
    let before = resident();
    // Each waits ten seconds; after the bound, the socket is not read, so writing must block.
    let one = frame(request("test_wait", json!([10_000])).as_bytes()).repeat(1_000);
    let flood = async {
        loop {
            socket.0.write_all(&one).await.unwrap();
        }
    };
    assert!(timeout(2 * SECOND, flood).await.is_err());
    assert!(resident().saturating_sub(before) < 32 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_lets_calls_finish_and_takes_a_bounded_time() {
    let limits = Limits { stop_time: SECOND, ..Limits::default() };
    let fixture = start(limits, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let mut idle = Raw::connect(addr).await;
    let mut socket = websocket(addr).await;
    socket.send(frame(request("test_subscribeFlood", json!([])).as_bytes())).await;
    let short = tokio::spawn(async move { call(addr, "test_wait", json!([300])).await });
    let mut long = Raw::connect(addr).await;
    long.send(post(addr, &request("test_wait", json!([20_000])))).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    fixture.server.stop().await;
    let took = start.elapsed();
    // A second of grace, then at most a second until the cut is noticed.
    assert!(took < 3 * SECOND, "{took:?}");
    assert_eq!(short.await.unwrap()["result"], 300, "what fits the grace is answered");
    for raw in [&mut idle, &mut socket, &mut long] {
        assert!(raw.closes_within(SECOND).await);
    }
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}
