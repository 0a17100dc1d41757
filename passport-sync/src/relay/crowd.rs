//! Who is connected. When all seats are taken, somebody leaves for whoever comes: of the address
//! that has most seats, the one that has waited longest without a request, else the one
//! connected longest. So connections that are merely held open keep nobody out, and many from
//! one address do not drive out those of others.

use std::collections::BTreeMap;
use std::net::IpAddr;
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
    taken: BTreeMap<u64, Arc<Taken>>,
}

/// One connection's seat, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    taken: Arc<Taken>,
}

#[derive(Debug)]
struct Taken {
    number: u64,
    address: IpAddr,
    requests: AtomicUsize,
    leave: Arc<Notify>,
}

/// A request is being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct Serving(Arc<Taken>);

impl Crowd {
    /// Room for `most` connections, at least one.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), seats: Mutex::default() }
    }

    /// Seats a new connection, asking another to leave if there is no room.
    pub(super) fn enter(crowd: &Arc<Self>, address: IpAddr) -> Seat {
        let mut seats = crowd.lock();
        if seats.taken.len() >= crowd.most
            && let Some(number) = seats.who_leaves()
            && let Some(seat) = seats.taken.remove(&number)
        {
            seat.leave.notify_one();
        }
        let number = seats.next;
        seats.next += 1;
        let taken = Arc::new(Taken {
            number,
            address,
            requests: AtomicUsize::new(0),
            leave: Arc::default(),
        });
        seats.taken.insert(number, Arc::clone(&taken));
        Seat { crowd: Arc::clone(crowd), taken }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    fn who_leaves(&self) -> Option<u64> {
        let mut seats: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for taken in self.taken.values() {
            *seats.entry(taken.address).or_default() += 1;
        }
        let (most, _) = seats.into_iter().max_by_key(|(_, count)| *count)?;
        let mut of_most = self.taken.values().filter(|taken| taken.address == most);
        let idle = |taken: &&Arc<Taken>| taken.requests.load(Ordering::Relaxed) == 0;
        let leaves = of_most.clone().find(idle).or_else(|| of_most.next());
        leaves.map(|taken| taken.number)
    }
}

impl Seat {
    /// Where the connection comes from.
    pub(super) fn address(&self) -> IpAddr {
        self.taken.address
    }

    /// Notes that a request is being answered.
    pub(super) fn serve(&self) -> Serving {
        self.taken.requests.fetch_add(1, Ordering::Relaxed);
        Serving(Arc::clone(&self.taken))
    }

    /// Notified when the connection has to leave.
    pub(super) fn leaving(&self) -> Arc<Notify> {
        Arc::clone(&self.taken.leave)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.lock().taken.remove(&self.taken.number);
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
        let crowd = Arc::new(Crowd::new(3));
        let enter = || Crowd::enter(&crowd, IpAddr::from([10, 0, 0, 1]));
        let first = enter();
        let busy = first.serve();
        let (second, third) = (enter(), enter());
        let fourth = enter();
        assert_eq!(seated(&crowd), [0, 2, 3]);
        drop((second, third));
        assert_eq!(seated(&crowd), [0, 3]);
        let fifth = enter();
        let also_busy = (fourth.serve(), fifth.serve());
        let sixth = enter();
        assert_eq!(seated(&crowd), [3, 4, 5], "the oldest, when all are busy");
        drop((busy, also_busy, sixth));
    }

    #[test]
    fn many_of_one_address_make_room_for_others_among_themselves() {
        let crowd = Arc::new(Crowd::new(4));
        let enter = |n| Crowd::enter(&crowd, IpAddr::from([10, 0, 0, n]));
        let (_quiet, many) = (enter(1), [enter(2), enter(2), enter(2)]);
        let _new = enter(3);
        assert_eq!(seated(&crowd), [0, 2, 3, 4]);
        let _more = enter(2);
        assert_eq!(seated(&crowd), [0, 3, 4, 5]);
        drop(many);
    }
}
