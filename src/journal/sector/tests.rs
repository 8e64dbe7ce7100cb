use std::io;
use std::ops::Range;

use super::read_over;
use crate::journal::{File, Identity};

/// Bytes of which a part cannot be read.
#[derive(Debug)]
struct Bad {
    content: Vec<u8>,
    bad: Range<u64>,
}

impl File for Bad {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let end = (offset + buffer.len() as u64).min(self.content.len() as u64);
        if self.bad.start < end && offset < self.bad.end {
            return Err(io::Error::from_raw_os_error(5));
        }
        let there = self.content.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let length = there.len().min(buffer.len());
        buffer[..length].copy_from_slice(&there[..length]);
        Ok(length)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn publish(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_length(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn identity(&self) -> io::Result<Identity> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn prepare(&self, _: u64, _: u64) {}

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn lock(&self) -> io::Result<()> {
        Ok(())
    }
}

fn read(file: &Bad, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![7; length];
    let read = read_over(file, offset, &mut buffer)?;
    buffer.truncate(read);
    Ok(buffer)
}

#[test]
fn what_cannot_be_read_is_zeros_and_everything_else_is_there() {
    let file = Bad { content: (0..20_000_u32).map(|byte| (byte % 250) as u8 + 1).collect(), bad: 4096..8192 };
    for (offset, length) in
        [(0, 20_000), (0, 30_000), (100, 9000), (4000, 200), (5000, 100), (8100, 12_000), (4096, 4096)]
    {
        let found = read(&file, offset, length).unwrap();
        let from = usize::try_from(offset).unwrap();
        let end = (from + length).min(20_000);
        let expected: Vec<u8> =
            (from..end).map(|at| if file.bad.contains(&(at as u64)) { 0 } else { file.content[at] }).collect();
        assert!(found == expected, "{offset} {length}");
    }
}

#[test]
fn a_disk_of_which_nothing_can_be_read_is_an_error() {
    let file = Bad { content: vec![1; 20_000], bad: 0..20_000 };
    for (offset, length) in [(0, 20_000), (4096, 100), (8192, 30_000)] {
        assert_eq!(read(&file, offset, length).unwrap_err().raw_os_error(), Some(5));
    }
}
