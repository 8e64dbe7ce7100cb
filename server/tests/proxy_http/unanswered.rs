//! What a client gets, and what is recorded, when the server gives no answer.

use std::sync::Arc;
use std::time::Duration;

use auditrail::record::{Value, names};
use auditrail_server::proxy::http::{HttpSettings, Upstream};
use serde_json::json;
use tokio::net::TcpListener;

use crate::rig::{Proxy, call, here, post, reverse, within};
use crate::support::{Bench, ending};
use crate::versions::{file, secure_server};

/// An address at which nobody listens.
async fn nobody() -> std::net::SocketAddr {
    TcpListener::bind(here()).await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_call_is_answered_with_its_id_and_recorded_with_its_status() {
    let proxy = Proxy::before(nobody().await).await;
    let mut client = proxy.client().await;
    let mut told = Vec::new();
    let batch = format!("[{},{}]", call(7, "a"), call(8, "b"));
    let text = call(9, "c").replace(":9,", ":\"nine\",");
    for (body, ids) in
        [(&call(1, "echo"), vec![json!(1)]), (&text, vec![json!("nine")]), (&batch, vec![json!(7), json!(8)])]
    {
        let answer = client.post(body).await;
        assert_eq!((answer.status(), answer.field("content-type")), (502, Some("application/json")));
        let errors: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(errors.is_array(), ids.len() > 1, "{errors}");
        let errors = errors.as_array().cloned().unwrap_or(vec![errors]);
        for (error, id) in errors.iter().zip(&ids) {
            assert_eq!((&error["jsonrpc"], &error["id"], &error["error"]["code"]), (&json!("2.0"), id, &json!(-32045)));
            assert!(error["error"]["message"].as_str().unwrap().contains("cannot be reached; check that it runs"));
            told.push(error["error"]["data"]["auditrail.call.id"].as_str().unwrap().to_owned());
        }
        assert_eq!(errors.len(), ids.len());
        assert!(!answer.text().contains("127.0.0.1"), "what is inside stays there");
    }
    let records = proxy.records().await;
    let answered: Vec<_> = records.iter().filter(|record| ending(record).0 == "response").collect();
    let ids: Vec<_> = answered.iter().map(|record| record.text(names::AUDITRAIL_CALL_ID).unwrap()).collect();
    assert_eq!((ids, records.len()), (told.iter().map(String::as_str).collect(), 8));
    for record in answered {
        assert_eq!((ending(record).1, ending(record).2), ("failure", "http_error"), "{record:?}");
        assert_eq!(record.text(names::ERROR_TYPE), Some("http_error"));
        assert_eq!(record.text(names::RPC_RESPONSE_STATUS_CODE), None, "no server said so");
        assert_eq!(record.get(names::HTTP_RESPONSE_STATUS_CODE), Some(&Value::Int(502)));
        assert!(record.text(names::GEN_AI_TOOL_NAME).is_some());
    }
}

#[tokio::test]
async fn all_else_is_answered_with_text() {
    let proxy = Proxy::before(nobody().await).await;
    let mut client = proxy.client().await;
    let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let answered = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    let form = "POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b";
    let requests = [post(note), post(answered), form.into(), b"GET /mcp HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()];
    for request in requests {
        let answer = client.ask(&request).await;
        let shown = String::from_utf8_lossy(&request).into_owned();
        assert_eq!(
            (answer.status(), answer.field("content-type")),
            (502, Some("text/plain; charset=utf-8")),
            "{shown}"
        );
        assert!(answer.text().contains("cannot be reached; check that it runs"), "{}", answer.text());
    }
}

/// Its id is at its end, where the TypeScript SDK writes it.
#[tokio::test]
async fn a_large_call_is_named_too_and_one_beyond_the_bound_is_not_waited_for() {
    let mut settings = reverse(nobody().await);
    settings.max_held = 256 * 1024;
    let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
    for (size, kind) in [(200_000, "application/json"), (400_000, "text/plain; charset=utf-8")] {
        let filler = "x".repeat(size);
        let body = format!(
            r#"{{"method":"tools/call","params":{{"name":"large","arguments":{{"a":"{filler}"}}}},"jsonrpc":"2.0","id":1}}"#
        );
        let mut client = proxy.client().await;
        // All of it may not be wanted.
        let request = post(&body);
        drop(within(tokio::io::AsyncWriteExt::write_all(&mut client.stream, &request)).await);
        let answer = client.response("POST").await;
        assert_eq!((answer.status(), answer.field("content-type")), (502, Some(kind)), "{size}");
    }
}

#[tokio::test]
async fn a_call_whose_server_closes_without_a_word_is_answered_likewise() {
    let listener = TcpListener::bind(here()).await.unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap()).await;
    let mut client = proxy.client().await;
    client.send(post(&call(5, "echo"))).await;
    let mut stream = within(listener.accept()).await.unwrap().0;
    within(crate::message::Messages::new(&mut stream).request()).await.unwrap();
    drop(stream);
    let answer = client.response("POST").await;
    let error: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!((answer.status(), &error["id"], &error["error"]["code"]), (502, &json!(5), &json!(-32045)));
    assert!(error["error"]["message"].as_str().unwrap().contains("closed the connection"));
}

/// It accepts, and says nothing: TLS is part of connecting.
#[tokio::test]
async fn a_server_that_does_not_shake_hands_in_time_is_a_504() {
    let silent = TcpListener::bind(here()).await.unwrap();
    let upstream = Upstream::new(&format!("https://{}", silent.local_addr().unwrap())).unwrap();
    let mut settings = HttpSettings::reverse(here(), upstream);
    settings.connect_timeout = Duration::from_millis(100);
    let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
    let answer = proxy.client().await.post(&call(1, "echo")).await;
    let error: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!((answer.status(), &error["id"], &error["error"]["code"]), (504, &json!(1), &json!(-32045)));
    let records = proxy.records().await;
    assert_eq!(ending(&records[1]), ("response", "unknown", "timeout"));
    assert_eq!(records[1].get(names::HTTP_RESPONSE_STATUS_CODE), Some(&Value::Int(504)));
}

#[tokio::test]
async fn failures_of_tls_name_what_would_help() {
    let secure = secure_server().await;
    let plain = plain().await;
    for (url, ca, remedy) in [
        (
            format!("https://localhost:{}", secure.port()),
            "others-ca.pem",
            "upstream_ca of the listener, or --upstream-ca",
        ),
        (
            format!("https://127.0.0.1:{}", secure.port()),
            "ours-ca.pem",
            "upstream_ca of the listener, or --upstream-ca",
        ),
        (format!("https://localhost:{}", secure.port()), "ours-ca.pem", "upstream_certificate and upstream_key"),
        (format!("https://localhost:{}", plain.port()), "ours-ca.pem", "write http://"),
    ] {
        let mut upstream = Upstream::new(&url).unwrap();
        upstream.ca = Some(file(ca));
        let proxy = Proxy::with(Arc::new(Bench::new()), HttpSettings::reverse(here(), upstream)).await;
        assert_eq!(proxy.client().await.post(&call(1, "echo")).await.status(), 502);
        let said = proxy.bench.said();
        let said: Vec<_> = said.iter().filter(|text| text.contains("cannot be reached")).collect();
        assert!(said.len() == 1 && said[0].contains(remedy), "{url} {ca}: {said:?}");
    }
}

/// As servers without TLS do with what is no HTTP.
async fn plain() -> std::net::SocketAddr {
    let listener = TcpListener::bind(here()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 16]).await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
        while tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await.is_ok_and(|length| length > 0) {}
    });
    address
}
