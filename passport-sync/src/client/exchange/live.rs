//! A party's side of a live connection, without the connection: what to send, and what to make
//! of what comes.

use passport_core::journal::{Outgoing, Verdicts};
use passport_core::party::{Party, PartyError};
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
    unanswered: Option<(SyncRequest, Outgoing)>,
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
        let unanswered = Some((first.clone(), Outgoing::default()));
        Ok((Self { url: url.to_owned(), cursor: first.cursor, unanswered }, first))
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
        party.tidy(now, rng)?;
        let outgoing = party.outgoing(&self.url, now)?;
        if outgoing.is_empty() {
            return Ok(None);
        }
        let mut request = request(party, &self.url)?;
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
            LiveFrame::Beat => Ok(LiveTurn::Rest),
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
        take_in(party, &self.url, response, false, now, done)
    }
}

/// Whether everything offered has found its place, so that what was written meanwhile can go.
fn kept(verdicts: &Verdicts) -> bool {
    use passport_core::journal::Verdict;
    let all = verdicts.lists.iter().chain(&verdicts.envelopes).chain(&verdicts.letters);
    let all = all.chain(&verdicts.drops);
    all.into_iter().all(|verdict| *verdict != Verdict::Later)
}
