//! A party's side of a live connection, without the connection: what to send, and what to make
//! of what comes.

use passport_core::journal::{Outgoing, Verdicts};
use passport_core::party::{Pace, Party, PartyError};
use passport_core::time::Timestamp;
use rand_core::CryptoRng;

use super::{Exchanged, fill, progressed, request, stored, take_in, verdicts};
use crate::client::RemoteError;
use crate::session::check;
use crate::wire::{Cursor, LiveFrame, SyncRequest, SyncResponse};

/// Where a live connection stands. At most one request is unanswered, so what is written
/// meanwhile goes together with the next.
#[derive(Debug)]
pub struct LiveExchange {
    url: String,
    /// How far the relay says it has sent.
    cursor: Option<Cursor>,
    /// How far the party had read when the relay was last told.
    told: Option<Cursor>,
    /// Whether anything came since.
    arrived: bool,
    /// Whether something new came that was not put in order yet. Otherwise that waits until there
    /// is nothing to offer, so that many changes in a row are packed once.
    received: bool,
    writing: Writing,
    unanswered: Option<(SyncRequest, Outgoing)>,
}

/// Whether this end goes on writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// It offered something since the last beat.
    Now,
    /// Not since the last beat, and before.
    Paused,
    /// Not since the beat before: what there is to put in order has its time.
    Over,
    /// All is in order.
    Not,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveTurn {
    /// Nothing, until something happens.
    Rest,
    /// See whether there is something to offer.
    Offer,
    /// Have an exchange by itself: the relay began anew, or has another access list.
    Exchange,
}

/// Why a live connection is of no more use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The relay broke the protocol.
    #[error("understand the relay")]
    Remote(#[from] RemoteError),
    /// At the party.
    #[error("take in what came")]
    Party(#[from] PartyError),
}

impl LiveExchange {
    /// Begins, with the request to begin the connection with.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn begin(party: &mut dyn Party, url: &str) -> Result<(Self, SyncRequest), PartyError> {
        let first = request(party, url)?;
        let live = Self {
            url: url.to_owned(),
            cursor: first.cursor,
            told: first.cursor,
            arrived: false,
            received: false,
            writing: Writing::Not,
            unanswered: Some((first.clone(), Outgoing::default())),
        };
        Ok((live, first))
    }

    /// What to offer now, if anything, and nothing is unanswered.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn offer(
        &mut self,
        party: &mut dyn Party,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<SyncRequest>, PartyError> {
        if self.unanswered.is_some() {
            return Ok(None);
        }
        let mut outgoing = Outgoing::default();
        if !core::mem::take(&mut self.received) {
            outgoing = party.outgoing(&self.url, now)?;
        }
        let over = outgoing.is_empty() && self.writing == Writing::Over;
        if outgoing.is_empty() {
            party.tidy(if over { Pace::Quiet } else { Pace::Busy }, now, rng)?;
            outgoing = party.outgoing(&self.url, now)?;
        }
        if over {
            self.writing = Writing::Not;
        } else if !outgoing.is_empty() {
            self.writing = Writing::Now;
        }
        if outgoing.is_empty() {
            return Ok(None);
        }
        let mut request = request(party, &self.url)?;
        if self.arrived || !outgoing.drops.is_empty() {
            self.told = request.cursor;
            self.arrived = false;
        } else {
            // All that came since is how far the relay has seen what it was sent.
            request.cursor = self.told;
        }
        fill(&mut request, &outgoing);
        self.unanswered = Some((request.clone(), outgoing));
        Ok(Some(request))
    }

    /// Takes a frame in.
    ///
    /// # Errors
    /// Returns [`LiveError`]; then the connection is of no more use, and nothing is lost.
    pub fn take(
        &mut self,
        party: &mut dyn Party,
        frame: LiveFrame,
        now: Timestamp,
        done: &mut Exchanged,
    ) -> Result<LiveTurn, LiveError> {
        match frame {
            LiveFrame::Beat => Ok(self.beat()),
            LiveFrame::Arrived { response } => {
                let asked = SyncRequest { cursor: self.cursor, ..SyncRequest::default() };
                if check(&asked, &response).map_err(RemoteError::from)?.is_some() {
                    return Ok(LiveTurn::Exchange);
                }
                let new = self.take_page(party, response, now, done)?;
                Ok(if new > 0 { LiveTurn::Offer } else { LiveTurn::Rest })
            }
            LiveFrame::Answer { response } => self.settle(party, response, now, done),
        }
    }

    /// Nothing came for a while: whether this end fell silent, and what it wrote is to be put
    /// together.
    pub fn beat(&mut self) -> LiveTurn {
        self.writing = match self.writing {
            Writing::Now => Writing::Paused,
            Writing::Paused | Writing::Over => Writing::Over,
            Writing::Not => Writing::Not,
        };
        if self.writing == Writing::Over { LiveTurn::Offer } else { LiveTurn::Rest }
    }

    fn settle(
        &mut self,
        party: &mut dyn Party,
        mut response: SyncResponse,
        now: Timestamp,
        done: &mut Exchanged,
    ) -> Result<LiveTurn, LiveError> {
        let Some((request, outgoing)) = self.unanswered.take() else {
            return Err(RemoteError::Answer { status: 101 }.into());
        };
        if check(&request, &response).map_err(RemoteError::from)?.is_some() {
            return Ok(LiveTurn::Exchange);
        }
        let results = core::mem::take(&mut response.results);
        let more = response.more;
        self.take_page(party, response, now, done)?;
        let verdicts = verdicts(&results);
        done.sent += stored(&results);
        done.refused += if outgoing.is_empty() {
            party.settle_with(&self.url, &outgoing, &Verdicts::default(), now)?
        } else {
            party.settle_with(&self.url, &outgoing, &verdicts, now)?
        };
        if more || results.access_lists.iter().any(|o| !o.is_held()) {
            return Ok(LiveTurn::Exchange);
        }
        let offered = outgoing.is_empty() || progressed(&outgoing, &verdicts) || kept(&verdicts);
        Ok(if offered { LiveTurn::Offer } else { LiveTurn::Rest })
    }

    fn take_page(
        &mut self,
        party: &mut dyn Party,
        response: SyncResponse,
        now: Timestamp,
        done: &mut Exchanged,
    ) -> Result<usize, PartyError> {
        self.cursor = Some(response.cursor);
        self.arrived |= !response.items.is_empty();
        let new = take_in(party, &self.url, response, false, now, done)?;
        self.received |= new > 0;
        Ok(new)
    }
}

/// Whether everything offered has found its place, so that what was written meanwhile can go.
fn kept(verdicts: &Verdicts) -> bool {
    use passport_core::journal::Verdict;
    let all = verdicts.lists.iter().chain(&verdicts.envelopes).chain(&verdicts.letters);
    let all = all.chain(&verdicts.drops);
    all.into_iter().all(|verdict| *verdict != Verdict::Later)
}
