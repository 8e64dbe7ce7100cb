use super::{Cause, Gaps};
use crate::config::Notices;
use crate::record::RecordId;
use crate::trail::identity::ClientKey;
use crate::trail::records::Lifecycle;

/// Whoever issues ids may make them as long as it likes; the record about such a client is as short as any.
#[test]
fn a_gap_record_is_short_however_long_the_name_of_a_client_is() {
    let gaps = Gaps::default();
    let notices = Notices::to(|_| ());
    let id = |number: usize| ClientKey::Actor { tenant: None, id: format!("{number}{}", "é".repeat(500_000)) };
    for number in 0..200 {
        gaps.shed_of(&notices, Some(&id(number)), 1);
        gaps.shed_of(&notices, Some(&id(number)), 2);
    }
    gaps.refuse(&notices, Cause::Refused, None, 3);
    let untold = gaps.untold();
    assert_eq!(untold.iter().map(|gap| gap.count).sum::<u64>(), 401);
    for gap in untold {
        let mut record = Vec::new();
        Lifecycle::Gap(gap).encode(&mut record, RecordId::new(1, &[0; 10]), 1);
        assert!(record.len() < 1024, "{}", record.len());
    }
}
