//! Starting and stopping.

use std::{net::SocketAddr, time::Duration};

use auditrail::serve::{Receiver, ServeError, WaitError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tonic::Code;

use crate::support::{logs, logs_client, soon, trail_client};

fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind(any()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = Receiver::builder().grpc(address).start().await.unwrap_err();
    assert!(matches!(&error, ServeError::Bind { address: named, .. } if *named == address));
    let message = error.to_string();
    assert!(message.contains(&format!("OTLP/gRPC on {address}")), "{message}");
    assert!(message.contains("choose another address"), "{message}");
    let message = Receiver::builder().http(address).start().await.unwrap_err().to_string();
    assert!(message.contains(&format!("OTLP/HTTP on {address}")), "{message}");
}

#[tokio::test]
async fn settings_with_which_nothing_could_be_received_are_refused() {
    let nothing = Receiver::builder().without_grpc().start().await.unwrap_err();
    assert!(matches!(nothing, ServeError::NothingToServe));
    let zero = Receiver::builder().capacity(0).start().await.unwrap_err();
    assert!(matches!(zero, ServeError::ZeroLimit { name: "capacity" }));
}

#[tokio::test]
async fn endpoints_are_those_of_a_client_on_this_machine() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let receiver = Receiver::builder().http(everywhere).start().await.unwrap();
    let grpc = receiver.grpc_addr().unwrap();
    assert_eq!(receiver.grpc_endpoint().unwrap(), format!("http://127.0.0.1:{}", grpc.port()));
    let http = receiver.http_addr().unwrap();
    assert_eq!(receiver.http_endpoint().unwrap(), format!("http://127.0.0.1:{}", http.port()));
}

#[tokio::test]
async fn after_shutdown_the_ports_are_free_and_what_was_received_is_there() {
    let receiver = Receiver::builder().http(any()).start().await.unwrap();
    let (grpc, http) = (receiver.grpc_addr().unwrap(), receiver.http_addr().unwrap());
    let received = receiver.received();
    logs_client(&receiver).await.export(logs(&["a"])).await.unwrap();
    soon(receiver.shutdown()).await;
    let again = Receiver::builder().grpc(grpc).http(http).start().await.unwrap();
    assert!(again.records().is_empty());
    assert_eq!(received.records().len(), 1);
    assert!(matches!(received.wait_for(|_| false, Duration::ZERO).await, Err(WaitError::Stopped)));
}

/// A position of an earlier run is never taken for one of this run.
#[tokio::test]
async fn positions_grow_over_a_restart() {
    let mut positions = Vec::new();
    for _run in 0..2 {
        let receiver = Receiver::builder().start().await.unwrap();
        logs_client(&receiver).await.export(logs(&["a", "b"])).await.unwrap();
        positions.extend(receiver.records().iter().map(|record| record.position));
        soon(receiver.shutdown()).await;
    }
    assert!(positions.is_sorted_by(|earlier, later| earlier < later), "{positions:?}");
}

/// One has announced a body and does not send it, one sends nothing at all, one has sent half a preface.
#[tokio::test]
async fn shutdown_does_not_wait_for_clients_that_hang() {
    let receiver = Receiver::builder().http(any()).grace(Duration::from_millis(50)).start().await.unwrap();
    let half_request = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n\
                         Content-Length: 100\r\nExpect: 100-continue\r\n\r\n";
    let mut busy = TcpStream::connect(receiver.http_addr().unwrap()).await.unwrap();
    busy.write_all(half_request).await.unwrap();
    // The interim answer shows that the server waits for the body.
    let mut interim = [0; 25];
    soon(busy.read_exact(&mut interim)).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    let mut silent = TcpStream::connect(receiver.http_addr().unwrap()).await.unwrap();
    let mut half_preface = TcpStream::connect(receiver.grpc_addr().unwrap()).await.unwrap();
    half_preface.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    // Whoever connects later is served later, so by now the others are.
    logs_client(&receiver).await.export(logs(&["a"])).await.unwrap();

    soon(receiver.shutdown()).await;
    for stream in [&mut busy, &mut silent, &mut half_preface] {
        let mut rest = Vec::new();
        if soon(stream.read_to_end(&mut rest)).await.is_ok() {
            assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
        }
    }
}

#[tokio::test]
async fn dropping_it_stops_it() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut client = trail_client(&receiver).await;
    let request = auditrail::serve::proto::TailRequest { from_position: 0, follow: true };
    let mut following = client.tail(request).await.unwrap().into_inner();
    let received = receiver.received();
    drop(receiver);
    assert_eq!(soon(following.message()).await.unwrap_err().code(), Code::Unavailable);
    assert!(matches!(received.wait_for(|_| false, Duration::ZERO).await, Err(WaitError::Stopped)));
}
