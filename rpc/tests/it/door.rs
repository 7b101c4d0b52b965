//! Websites must not reach a node, whatever they do.

use crate::support::{Raw, call, post_once, post_with, request, start, start_with, upgrade_with};
use blocktree_rpc::server::Limits;
use blocktree_rpc::{CallLimits, Server, ServerConfig, ServerError};
use jsonrpsee::server::Methods;
use serde_json::json;
use std::net::SocketAddr;

/// The status of a POST and of an upgrade with these headers.
async fn statuses(addr: SocketAddr, headers: &str) -> (u16, u16) {
    let body = request("test_echo", json!(["a"]));
    let mut statuses = Vec::new();
    for text in [post_with(headers, &body), upgrade_with(headers)] {
        let mut raw = Raw::connect(addr).await;
        raw.send(text).await;
        statuses.push(raw.reply().await.unwrap().status);
    }
    (statuses[0], statuses[1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_hosts_and_origins_are_refused() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let addr = fixture.server.addr();
    let port = addr.port();
    let served = [
        format!("host: 127.0.0.1:{port}\r\n"),
        format!("host: localhost:{port}\r\n"),
        format!("host: [::1]:{port}\r\n"),
        format!("host: localhost:{port}\r\norigin: http://localhost:{port}\r\n"),
    ];
    for headers in served {
        assert_eq!(statuses(addr, &headers).await, (200, 101), "{headers}");
    }
    let refused = [
        String::new(),
        "host: evil.example\r\n".to_owned(),
        format!("host: evil.example:{port}\r\n"),
        "host: localhost\r\n".to_owned(),
        format!("host: localhost:{port}\r\nhost: evil.example\r\n"),
        format!("host: localhost:{port}\r\norigin: http://evil.example\r\n"),
        format!("host: localhost:{port}\r\norigin: null\r\n"),
        format!("host: localhost:{port}\r\norigin: http://localhost:3000\r\n"),
        format!("host: localhost:{port}\r\norigin: https://localhost:{port}\r\n"),
        // DNS rebinding: the page's own name, resolved to this machine.
        format!("host: evil.example:{port}\r\norigin: http://evil.example:{port}\r\n"),
    ];
    for headers in refused {
        assert_eq!(statuses(addr, &headers).await, (403, 403), "{headers}");
    }
    fixture.server.stop().await;
}

#[tokio::test]
async fn what_a_form_can_send_is_refused() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let addr = fixture.server.addr();
    let body = request("test_echo", json!(["a"]));
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let mut raw = Raw::connect(addr).await;
        let text = post_with(&format!("host: {addr}\r\n"), &body);
        raw.send(text.replace("application/json", kind)).await;
        assert_eq!(raw.reply().await.unwrap().status, 415, "{kind}");
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let mut raw = Raw::connect(addr).await;
        let text = post_with(&format!("host: {addr}\r\n"), &body);
        raw.send(text.replace("POST", method)).await;
        assert_eq!(raw.reply().await.unwrap().status, 405, "{method}");
    }
}

#[tokio::test]
async fn configured_names_are_served() {
    let config = ServerConfig {
        allowed_hosts: vec!["node.example.org".to_owned()],
        allowed_origins: vec!["https://app.example.org".to_owned()],
        ..ServerConfig::default()
    };
    let fixture = start_with(config, CallLimits::default()).await;
    let addr = fixture.server.addr();
    let headers = "host: node.example.org\r\norigin: https://app.example.org\r\n";
    assert_eq!(statuses(addr, headers).await, (200, 101));
    // The browser asks first, and shows the page the answer only if it is told to.
    let mut raw = Raw::connect(addr).await;
    raw.send(format!("OPTIONS / HTTP/1.1\r\n{headers}access-control-request-method: POST\r\n\r\n"))
        .await;
    let reply = raw.reply().await.unwrap();
    assert_eq!(reply.status, 204);
    assert!(reply.head.contains("access-control-allow-origin: https://app.example.org\r\n"));
    assert!(reply.head.contains("access-control-allow-headers: content-type\r\n"));
    raw.send(post_with(headers, &request("test_echo", json!(["a"])))).await;
    let reply = raw.reply().await.unwrap();
    assert!(reply.head.contains("access-control-allow-origin: https://app.example.org\r\n"));
    // Others get no such word.
    let reply = post_once(addr, &request("test_echo", json!(["a"]))).await;
    assert!(!reply.head.contains("access-control"));
}

#[tokio::test]
async fn addresses_for_others_must_be_meant() {
    for addr in ["0.0.0.0:0", "[::]:0"] {
        let config = ServerConfig { addr: addr.parse().unwrap(), ..ServerConfig::default() };
        let refused = Server::start(config, Methods::new()).await;
        assert!(matches!(refused, Err(ServerError::External(_))), "{addr}");
    }
    let config = ServerConfig {
        addr: "0.0.0.0:0".parse().unwrap(),
        unsafe_external: true,
        ..ServerConfig::default()
    };
    let server = Server::start(config, Methods::new()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let addr = fixture.server.addr();
    let config = ServerConfig { addr, ..ServerConfig::default() };
    let error = Server::start(config, Methods::new()).await.err().unwrap();
    assert!(matches!(error, ServerError::Bind { .. }));
    let text = error.to_string();
    assert!(text.starts_with(&format!("can't listen on {addr}: ")), "{text}");
    assert!(
        text.ends_with("or choose another with --rpc-addr (port 0 takes a free one)"),
        "{text}"
    );
    assert!(std::error::Error::source(&error).is_none(), "what the system says is said once");
}

#[tokio::test]
async fn admin_methods_need_the_token() {
    let fixture = start(Limits::default(), CallLimits::default()).await;
    let (addr, token) = (fixture.server.addr(), fixture.token.clone());
    let wrong = token.chars().rev().collect::<String>();
    for params in [json!([]), json!([null]), json!({}), json!([wrong]), json!([""]), json!(["x"])] {
        let answer = call(addr, "admin_greet", params.clone()).await;
        assert_eq!(answer["error"]["code"], 1003, "{params}");
        assert_eq!(answer["error"]["data"]["rule"], "rpc.Unauthorized");
        assert!(!answer.to_string().contains(&token), "the token is never told");
    }
    for params in [json!([token]), json!({ "token": token })] {
        assert_eq!(call(addr, "admin_greet", params).await["result"], "hello");
    }
    let body = request("admin_greet", json!([]));
    for (header, allowed) in [
        (format!("authorization: Bearer {token}\r\n"), true),
        (format!("authorization: bearer {token}\r\n"), true),
        (format!("authorization: Bearer {wrong}\r\n"), false),
        (format!("authorization: Basic {token}\r\n"), false),
        (format!("authorization: {token}\r\n"), false),
    ] {
        let mut raw = Raw::connect(addr).await;
        raw.send(post_with(&format!("host: {addr}\r\n{header}"), &body)).await;
        let answer = raw.reply().await.unwrap().json();
        assert_eq!(answer["result"] == "hello", allowed, "{header}");
    }
}
