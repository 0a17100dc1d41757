//! How often this disk makes a small write durable.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Writes 4 KiB to an allocated file and flushes it, over and over for two seconds; how often in
/// a second. That is the rate a relay would have that flushed for every write.
pub(crate) fn flushes_per_second(folder: &Path) -> f64 {
    const PAGE: usize = 4096;
    const PAGES: u64 = 1024;
    let path = folder.join("flushed");
    let file = File::options().create(true).truncate(true).write(true).open(&path).unwrap();
    file.write_all_at(&vec![1; PAGE * usize::try_from(PAGES).unwrap()], 0).unwrap();
    file.sync_all().unwrap();
    let (start, mut flushed) = (Instant::now(), 0_u64);
    while start.elapsed() < Duration::from_secs(2) {
        let page = [u8::try_from(flushed % 251).unwrap(); PAGE];
        file.write_all_at(&page, flushed % PAGES * PAGE as u64).unwrap();
        file.sync_data().unwrap();
        flushed += 1;
    }
    let rate = f64::from(u32::try_from(flushed).unwrap()) / start.elapsed().as_secs_f64();
    std::fs::remove_file(&path).unwrap();
    rate
}
