//! Calls and subscriptions as the project's own client makes them.

use crate::support::{Echo, call, post_once, request, start};
use blocktree_rpc::server::Limits;
use blocktree_rpc::{CallLimits, Client, ClientError};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_transports_answer_by_name_and_by_position() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    for scheme in ["ws", "http"] {
        let url = format!("{scheme}://{}", fixture.server.addr());
        let client = Client::connect(&url).await.unwrap();
        let echo: Echo = client.call("test_echo", ("ab", 3)).await.unwrap();
        assert_eq!((echo.said.len(), echo.total_len), (3, 6));
        let params = json!({ "text": "abc" });
        let echo: Echo = client.call("test_echo", params).await.unwrap();
        assert_eq!((echo.said, echo.total_len), (vec!["abc".to_owned()], 3));
        let refused = client.call::<_, u64>("test_missing", json!([])).await.unwrap_err();
        let ClientError::Refused(refused) = refused else { panic!("{refused}") };
        assert_eq!((refused.code, refused.rule.as_deref()), (1004, Some("rpc.NotFound")));
        assert_eq!(refused.to_string(), "refused: nothing here (rpc.NotFound, code 1004)");
        let wrong = client.call::<_, u64>("test_echo", json!(["a"])).await.unwrap_err();
        assert!(matches!(wrong, ClientError::Unexpected { .. }), "{wrong}");
        let unknown = client.call::<_, u64>("test_none", json!([])).await.unwrap_err();
        let ClientError::Refused(unknown) = unknown else { panic!("{unknown}") };
        assert_eq!((unknown.code, unknown.rule), (-32601, None));
    }
    fixture.server.stop().await;
}

#[tokio::test]
async fn the_client_says_what_is_wrong() {
    for url in ["", "127.0.0.1:9944", "ftp://a", "ws://", "wss://a", "https://a"] {
        let refused = Client::connect(url).await.err().unwrap();
        assert!(matches!(refused, ClientError::BadUrl { .. }), "{url}: {refused}");
    }
    // Nobody listens on a port that was given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = Client::connect(&format!("ws://{free}")).await.err().unwrap();
    assert!(refused.to_string().contains("start one with `blocktree run`"), "{refused}");
    assert!(refused.to_string().contains("refused"), "{refused}");
    let client = Client::connect(&format!("http://{free}")).await.unwrap();
    let refused = client.call::<_, u64>("a", json!([])).await.unwrap_err();
    assert!(refused.to_string().contains("start one with `blocktree run`"), "{refused}");
    assert!(refused.to_string().contains("refused"), "{refused}");
    let refused = client.subscribe::<_, u64>("a", json!([]), "b").await.err().unwrap();
    assert!(matches!(refused, ClientError::NeedsWebSocket(_)), "{refused}");
}

#[tokio::test]
async fn subscriptions_send_and_end() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let client = Client::connect(&format!("ws://{}", fixture.server.addr())).await.unwrap();
    let names = ("test_subscribeCount", "test_unsubscribeCount");
    let mut numbers = client.subscribe::<_, u64>(names.0, (100,), names.1).await.unwrap();
    for number in 1..=100 {
        assert_eq!(numbers.next().await.unwrap().unwrap(), number);
    }
    assert!(numbers.next().await.is_none(), "it ends with an error message");
    let refused = client.subscribe::<_, u64>(names.0, (0,), names.1).await.err().unwrap();
    let ClientError::Refused(refused) = refused else { panic!("{refused}") };
    assert_eq!(refused.rule.as_deref(), Some("rpc.NotFound"));
    let over_http = call(fixture.server.addr(), names.0, json!([1])).await;
    assert!(over_http["error"].is_object(), "{over_http}");
}

#[tokio::test]
async fn malformed_requests_get_the_standard_codes() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let addr = fixture.server.addr();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_params =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"test_echo","params":[{deep}]}}"#);
    let no_version = r#"{"id":1,"method":"test_echo","params":["a"]}"#;
    for (body, code) in [
        ("", -32700),
        ("x", -32700),
        ("7", -32700),
        ("{", -32700),
        // jsonrpsee takes an object without an id for no request at all.
        ("{}", -32700),
        (r#"{"id":1}"#, -32600),
        (no_version, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"test_echo"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"test_none"}"#, -32601),
        (&request("test_echo", json!([1])), -32602),
        (&request("test_echo", json!({ "text": "a", "other": 1 })), -32602),
        (&request("test_echo", json!(null)), -32602),
        (&request("test_echo", json!(["a", 4_294_967_296_u64])), -32602),
        (deep.as_str(), -32600),
        (deep_params.as_str(), -32602),
    ] {
        let reply = post_once(addr, body).await;
        let shown: String = body.chars().take(80).collect();
        let code_found = match reply.json() {
            Value::Array(answers) => answers[0]["error"]["code"].as_i64().unwrap(),
            _ => reply.error_code(),
        };
        assert_eq!(code_found, code, "{shown}");
    }
    assert_eq!(call(addr, "test_echo", json!(["still there"])).await["result"]["totalLen"], 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_or_a_slow_call_harms_nobody_else() {
    let calls = CallLimits { time: Duration::from_secs(2), ..CallLimits::default() };
    let fixture = start(Limits::default(), calls).await;
    let addr = fixture.server.addr();
    assert_eq!(call(addr, "test_panic", json!([])).await["error"]["code"], -32603);
    for method in ["test_wait", "test_work"] {
        assert_eq!(call(addr, method, json!([1])).await["result"], 1);
        let slow = call(addr, method, json!([9_000])).await;
        assert_eq!(slow["error"]["data"]["rule"], "rpc.TooSlow", "{slow}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costly_calls_wait_their_turn_and_not_for_ever() {
    let calls =
        CallLimits { time: Duration::from_secs(2), blocking_calls: 1, ..CallLimits::default() };
    let fixture = start(Limits::default(), calls).await;
    let addr = fixture.server.addr();
    let first = tokio::spawn(async move { call(addr, "test_work", json!([1_500])).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    // A quarter of two seconds is less than what is left of the first call.
    let second = call(addr, "test_work", json!([1])).await;
    assert_eq!(second["error"]["data"]["rule"], "rpc.Busy", "{second}");
    assert_eq!(first.await.unwrap()["result"], 1_500);
    assert_eq!(call(addr, "test_work", json!([1])).await["result"], 1);
}
