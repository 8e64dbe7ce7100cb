//! Request ids pass the proxy as they are, and those that are missing or unusable are made for the records alone.

use auditrail::record::{RecordId, names};

use crate::rig::{Proxy, Server, call, ok, result};

#[tokio::test]
async fn an_id_is_recorded_or_made_and_no_byte_is_changed() {
    let server = Server::answering(|_| ok("application/json", &result(7))).await;
    let body = call(7, "list");
    let sent = ["X-Request-Id: order-17\r\n", "x-request-id: a b\r\n", "x-request-id: 1\r\nX-Request-Id: 2\r\n", ""];
    for header in sent {
        let proxy = Proxy::before(server.address).await;
        let known = server.seen().len();
        let mut client = proxy.client().await;
        let fields =
            "Host: mcp.example\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream";
        let length = body.len();
        let request = format!("POST /mcp HTTP/1.1\r\n{fields}\r\n{header}Content-Length: {length}\r\n\r\n{body}");
        let answer = client.ask(&request).await;
        assert_eq!(answer.field("x-request-id"), None, "the proxy returns none");
        let seen = &server.seen()[known];
        let sent: Vec<_> = seen.head.iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned()).collect();
        let ids: Vec<_> = sent.iter().filter(|line| line.to_ascii_lowercase().starts_with("x-request-id")).collect();
        let expected: Vec<_> = header.lines().collect();
        assert_eq!(ids, expected, "the server gets what the client sent");
        drop(client);

        let records = proxy.records().await;
        let recorded: Vec<_> = records.iter().map(|record| record.text(names::AUDITRAIL_REQUEST_ID).unwrap()).collect();
        assert_eq!(recorded.len(), 2);
        assert_eq!(recorded[0], recorded[1]);
        match header {
            "X-Request-Id: order-17\r\n" => assert_eq!(recorded[0], "order-17"),
            _ => assert!(RecordId::parse(recorded[0]).is_some(), "{}", recorded[0]),
        }
    }
}
