//! Transactions of the caller's that something is given up in, and that go on.

use crate::cut::pass;
use crate::own::{End, Own, OwnTx};

/// A transaction that has written a row of its own.
pub struct Going<'o> {
    own: &'o Own,
    /// That of its rows, which no other transaction has.
    text: String,
    pub tx: OwnTx,
}

/// What became of it.
#[derive(Debug)]
pub struct Went {
    pub is_given_up: bool,
    is_committed: bool,
}

impl Went {
    /// Whether what was done in it has to be there: it was not given up, and the transaction has committed.
    pub fn is_stored(&self) -> bool {
        self.is_committed && !self.is_given_up
    }
}

impl<'o> Going<'o> {
    pub async fn begin(own: &'o Own, text: &str) -> Self {
        let mut tx = own.begin().await;
        tx.try_write(text).await.unwrap();
        let text = text.to_owned();
        Self { own, text, tx }
    }

    /// Writes once more, and ends it. It holds what it has written and was told so, or says that it does not.
    pub async fn end(mut self, is_given_up: bool, end: End) -> Went {
        let wrote = self.tx.try_write(&self.text).await;
        pass(3).await;
        let n_rows = self.own.n_rows_of(&self.text).await;
        assert_eq!(n_rows, 0, "{}: outside of the transaction", self.text);
        let ended = self.tx.end(end).await;
        let said = format!(
            "{}: given up: {is_given_up}, {wrote:?}, {ended:?}",
            self.text
        );
        if !is_given_up {
            assert!(wrote.is_ok() && ended.is_ok(), "{said}");
        }
        let is_committed = end == End::Commit && ended.is_ok();
        let n_rows = self.own.n_rows_of(&self.text).await;
        let holds = match (is_committed, wrote) {
            (false, _) => n_rows == 0,
            (true, Ok(())) => n_rows == 2,
            // Who was told that a statement failed knows, on PostgreSQL, that a commit stores nothing.
            (true, Err(_)) => n_rows < 2,
        };
        assert!(holds, "{n_rows} rows; {said}");
        Went {
            is_given_up,
            is_committed,
        }
    }
}
