//! The public disk, used by whoever likes.

use std::sync::Arc;

use crate::journal::disk::{Disk, File, Fs as _};

/// What is written by two at once is refused to one of them, and what is mapped is not cut.
#[test]
fn a_mapped_segment_has_one_writer_and_keeps_its_length() {
    let directory = tempfile::tempdir().unwrap();
    let segment: Arc<dyn File> = Disk::default().create_segment(&directory.path().join("segment"), 1 << 16).unwrap();
    std::thread::scope(|scope| {
        for byte in [1_u8, 2] {
            let segment = &segment;
            scope.spawn(move || {
                for _ in 0..2000 {
                    // Refused while the other one writes.
                    let _refused = segment.publish(0, &[byte; 4096]);
                }
            });
        }
    });
    let mut content = [0; 4096];
    segment.read_at(0, &mut content).unwrap();
    assert!(content == [1; 4096] || content == [2; 4096], "a frame is of one writer");
    segment.set_length(100).unwrap_err();
    segment.publish(4096, &[3; 64]).unwrap();
}
