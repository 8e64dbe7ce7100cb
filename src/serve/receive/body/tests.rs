use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_is_undone_up_to_the_limit_and_no_further() {
    let plain = vec![7; 1_000];
    assert_eq!(gunzip(&gzip(&plain), 1_000).unwrap(), plain);
    assert!(matches!(gunzip(&gzip(&plain), 999), Err(ReceiveError::TooLarge { limit: 999 })));
    let members = [gzip(b"a"), gzip(b"b")].concat();
    assert_eq!(gunzip(&members, 10).unwrap(), "ab");
}

/// The end is damaged, so whoever unpacks to the end says so; whoever stops at the limit never sees it.
#[test]
fn a_bomb_is_not_unpacked() {
    let mut bomb = gzip(&vec![0; 64 << 20]);
    bomb.pop();
    assert!(bomb.len() < 1 << 17);
    assert!(matches!(gunzip(&bomb, usize::MAX), Err(ReceiveError::Gzip { .. })));
    assert!(matches!(gunzip(&bomb, 1 << 20), Err(ReceiveError::TooLarge { .. })));
}

#[test]
fn what_is_not_gzip_is_refused() {
    let whole = gzip(b"hello");
    for bad in [&b""[..], b"hello", &whole[..whole.len() - 1], &[&whole[..], b"x"].concat()] {
        assert!(matches!(gunzip(bad, 100), Err(ReceiveError::Gzip { .. })), "{bad:02x?}");
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit() {
    assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
    assert!(matches!(read(Body::from("123456"), 5).await, Err(ReceiveError::TooLarge { limit: 5 })));
}
