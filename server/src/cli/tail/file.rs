//! Reads a file of OTLP JSON lines, and the file that takes its place when it is rotated.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::found::Found;
use super::otlp_json::records_of;
use crate::cli::outcome::Failure;

/// A file that is read line by line.
#[derive(Debug)]
pub(super) struct FileReader {
    path: PathBuf,
    open: OpenFile,
    skipped: u64,
}

/// The file that is being read, which may have another name by now.
#[derive(Debug)]
struct OpenFile {
    file: File,
    inode: (u64, u64),
    /// The end of the last whole line that was read.
    offset: u64,
    /// The last bytes before that. If others stand there, the file was truncated and written anew.
    before: Vec<u8>,
}

impl FileReader {
    pub(super) fn open(path: PathBuf) -> Result<Self, Failure> {
        let open = OpenFile::of(&path).map_err(|error| failed(&path, &error))?;
        Ok(Self { path, open, skipped: 0 })
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Reads all whole lines that are there.
    pub(super) fn read(&mut self, each: &mut dyn FnMut(Found)) -> Result<(), Failure> {
        let Self { path, open, skipped } = self;
        let mut read = |open: &mut OpenFile| {
            open.lines(&mut |line| match records_of(line) {
                Ok(records) => records.into_iter().for_each(&mut *each),
                Err(_) => *skipped += 1,
            })
        };
        let result = read(open).and_then(|()| {
            let Some(next) = successors(path, open.inode)? else { return Ok(()) };
            // What was written between the look above and the renaming.
            read(open)?;
            for path in next {
                *open = match OpenFile::of(&path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    opened => opened?,
                };
                read(open)?;
            }
            Ok(())
        });
        result.map_err(|error| failed(path, &error))
    }
}

/// The files that were begun after that one, oldest first, if the path leads to another one now. None if there is no file at
/// the path: then the next one is waited for.
fn successors(path: &Path, inode: (u64, u64)) -> io::Result<Option<Vec<PathBuf>>> {
    match fs::metadata(path) {
        Ok(found) if (found.dev(), found.ino()) == inode => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let mut later = vec![path.to_owned()];
    for number in 1.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        match fs::metadata(&name) {
            Ok(found) if (found.dev(), found.ino()) != inode => later.push(name.into()),
            Ok(_) => {
                later.reverse();
                return Ok(Some(later));
            }
            Err(_) => break,
        }
    }
    // It was moved elsewhere, by somebody else.
    Ok(Some(vec![path.to_owned()]))
}

impl OpenFile {
    fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(Self { file, inode: (metadata.dev(), metadata.ino()), offset: 0, before: Vec::new() })
    }

    /// A line that is not ended yet is read again the next time: it may be cut and written anew.
    fn lines(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if !self.is_continued()? {
            (self.offset, self.before) = (0, Vec::new());
        }
        let (mut held, mut chunk) = (Vec::new(), vec![0; CHUNK]);
        loop {
            let read = match self.file.read_at(&mut chunk, self.offset + held.len() as u64) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(());
            }
            held.extend_from_slice(chunk.get(..read).unwrap_or_default());
            let whole = held.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            let lines = held.drain(..whole).collect::<Vec<_>>();
            lines.split_inclusive(|byte| *byte == b'\n').for_each(&mut *each);
            self.offset += whole as u64;
            if whole > 0 {
                self.before = lines.get(whole.saturating_sub(REMEMBERED)..).unwrap_or_default().to_vec();
            }
            if held.len() > LONGEST {
                return Err(io::Error::other("it has a line of more than 64 MiB, so it is no file of OTLP JSON lines"));
            }
        }
    }
}

impl OpenFile {
    /// Whether what was read still stands there.
    fn is_continued(&self) -> io::Result<bool> {
        let mut found = vec![0; self.before.len()];
        match self.file.read_exact_at(&mut found, self.offset - self.before.len() as u64) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| found == self.before),
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("{} cannot be read: {error}; name a file of OTLP JSON lines", path.display()))
}

const CHUNK: usize = 256 * 1024;
/// Each record has an id of its own, at its end the number in its stream.
const REMEMBERED: usize = 512;
/// More than a collector writes in a line.
const LONGEST: usize = 64 << 20;
