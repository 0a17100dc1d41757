//! Runs that do without one mechanism, to see that its promise then fails.
//!
//! What a party does in an exchange is left out by standing between it and the exchange; what a
//! person does, by doing it otherwise than everybody believes.

use std::collections::BTreeSet;

use passport_core::access::AccessList;
use passport_core::envelope::Header;
use passport_core::journal::{Incoming, Outgoing, RelayId, RemoteState, Verdict, Verdicts};
use passport_core::keys::{Signed, SigningKey};
use passport_core::party::{Pace, Party, PartyError, Received, Tidied};
use passport_core::time::Timestamp;
use rand_core::CryptoRng;

use crate::people::Founder;

/// A mechanism to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    /// Nothing is put in order after an exchange: no carry-over, no founding of what was founded
    /// at once.
    Tidying,
    /// A relay that lost what it had, or is another, is taken for the same.
    Meeting,
    /// Whatever a relay answers is taken for an acknowledgement.
    Verdicts,
    /// How far a feed was read is kept, and not what came: as if the two were written apart.
    Pages,
    /// A crash loses what a command had said it wrote.
    Disk,
    /// Who is given a section is given its past.
    Forgetting,
    /// The epoch that follows a withdrawal has no keys of its own: the former reader has them.
    Revoking,
    /// The epochs that follow the removal of a device have no keys of their own: it has them.
    Expelling,
    /// Whoever has one key to an epoch has those of all its phases, also after the end.
    Ending,
}

impl Without {
    /// All of them, each with a seed of a short run, and what that run is found to break.
    pub(crate) const ALL: [(Self, u64, &'static str); 9] = [
        (Self::Tidying, 3, "is lost"),
        (Self::Meeting, 7, "count as kept"),
        (Self::Verdicts, 6, "count as kept"),
        (Self::Pages, 2, "shows another"),
        (Self::Disk, 1, "is lost"),
        (Self::Forgetting, 3, "gone before the grant"),
        (Self::Revoking, 11, "with a relay's help"),
        (Self::Expelling, 56, "written after its removal"),
        (Self::Ending, 4, "with a relay's help"),
    ];

    /// The one that the environment names.
    pub(crate) fn asked() -> Option<Self> {
        let name = std::env::var("PASSPORT_TOWN_WITHOUT").ok()?;
        let known = Self::ALL.iter().find(|(this, ..)| format!("{this:?}") == name);
        assert!(known.is_some(), "there is no mechanism {name}");
        known.map(|(this, ..)| *this)
    }
}

/// A party that does without something.
pub(crate) struct Lacking<'a> {
    pub(crate) party: &'a mut dyn Founder,
    pub(crate) without: Option<Without>,
    /// Words that it began epochs with in good faith.
    pub(crate) stood_by: BTreeSet<String>,
}

impl Lacking<'_> {
    fn lacks(&self, what: Without) -> bool {
        self.without == Some(what)
    }
}

impl Party for Lacking<'_> {
    fn request_key(&self) -> &SigningKey {
        self.party.request_key()
    }

    fn list_keys(&self) -> Vec<SigningKey> {
        self.party.list_keys()
    }

    fn concerns(&self, header: &Header) -> bool {
        self.party.concerns(header)
    }

    fn remote(&self, url: &str) -> Result<RemoteState, PartyError> {
        self.party.remote(url)
    }

    fn outgoing(&self, url: &str, now: Timestamp) -> Result<Outgoing, PartyError> {
        self.party.outgoing(url, now)
    }

    fn met(&mut self, url: &str, relay: RelayId, reset: bool) -> Result<(), PartyError> {
        if self.lacks(Without::Meeting) {
            return Ok(());
        }
        self.party.met(url, relay, reset)
    }

    fn settle_with(
        &mut self,
        url: &str,
        outgoing: &Outgoing,
        verdicts: &Verdicts,
        now: Timestamp,
    ) -> Result<usize, PartyError> {
        let mut verdicts = verdicts.clone();
        if self.lacks(Without::Verdicts) {
            let all = verdicts.lists.iter_mut().chain(&mut verdicts.envelopes);
            let all = all.chain(&mut verdicts.letters).chain(&mut verdicts.drops);
            all.for_each(|verdict| *verdict = Verdict::Kept);
        }
        self.party.settle_with(url, outgoing, &verdicts, now)
    }

    fn learn_list(&mut self, url: &str, list: &Signed<AccessList>) -> Result<bool, PartyError> {
        self.party.learn_list(url, list)
    }

    fn receive(
        &mut self,
        url: &str,
        mut incoming: Incoming,
        now: Timestamp,
    ) -> Result<Received, PartyError> {
        if self.lacks(Without::Pages) && incoming.position.at.is_multiple_of(3) {
            incoming.items.clear();
        }
        self.party.receive(url, incoming, now)
    }

    fn keep(&mut self) -> Result<(), PartyError> {
        self.party.keep()
    }

    fn tidy(
        &mut self,
        pace: Pace,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Tidied, PartyError> {
        if self.lacks(Without::Tidying) {
            return Ok(Tidied::default());
        }
        let before = self.party.known();
        let tidied = self.party.tidy(pace, now, rng);
        self.stood_by.extend(self.party.stood_by(&before));
        tidied
    }
}
