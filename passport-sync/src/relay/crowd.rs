//! Who is connected. When all seats are taken, somebody leaves for whoever comes: the one that
//! has waited longest without a request, else the one connected longest. So connections that
//! are merely held open keep nobody out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// All connections, in the order they came.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: BTreeMap<u64, Arc<Seat>>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    requests: AtomicUsize,
    leave: Notify,
}

/// A request is being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct Serving(Arc<Seat>);

impl Crowd {
    /// Room for `most` connections, at least one.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), seats: Mutex::default() }
    }

    /// Seats a new connection, asking another to leave if there is no room.
    pub(super) fn enter(&self) -> Arc<Seat> {
        let mut seats = self.lock();
        if seats.taken.len() >= self.most {
            let idle = |seat: &&Arc<Seat>| seat.requests.load(Ordering::Relaxed) == 0;
            let leaves = seats.taken.values().find(idle).or_else(|| seats.taken.values().next());
            if let Some(number) = leaves.map(|seat| seat.number)
                && let Some(seat) = seats.taken.remove(&number)
            {
                seat.leave.notify_one();
            }
        }
        let number = seats.next;
        seats.next += 1;
        let seat = Arc::new(Seat { number, requests: AtomicUsize::new(0), leave: Notify::new() });
        seats.taken.insert(number, Arc::clone(&seat));
        seat
    }

    /// Frees the seat of a connection that ended.
    pub(super) fn exit(&self, seat: &Seat) {
        self.lock().taken.remove(&seat.number);
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Notes that a request is being answered.
    pub(super) fn serve(self: Arc<Self>) -> Serving {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Serving(self)
    }

    /// Completes when the connection has to leave.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seated(crowd: &Crowd) -> Vec<u64> {
        crowd.lock().taken.keys().copied().collect()
    }

    #[test]
    fn the_idle_leave_before_the_busy_and_the_oldest_first() {
        let crowd = Crowd::new(3);
        let busy = crowd.enter().serve();
        let (idle, other) = (crowd.enter(), crowd.enter());
        let fourth = crowd.enter();
        assert_eq!(seated(&crowd), [0, 2, 3]);
        crowd.exit(&idle);
        crowd.exit(&other);
        assert_eq!(seated(&crowd), [0, 3]);
        let also_busy = (fourth.serve(), crowd.enter().serve());
        crowd.enter();
        assert_eq!(seated(&crowd), [3, 4, 5], "the oldest, when all are busy");
        drop((busy, also_busy));
    }
}
