//! A small shop. Where somebody has made a mistake once, it asks whether that one is planted; the right way and the wrong
//! one are side by side in a file of their own.
//!
//! ```text
//! account-1          Open ─▶ Opened, with the name claimed in name-ann
//! order-1            place ─▶ Placed ─┬─▶ Charge, a mail, the overview, the turnover
//!                                     └─ 20 days ─▶ Remind ─▶ Reminded
//! payment-of-order-1 Charge ─▶ Charged ─▶ order-1: NotePaid ─▶ Paid
//! order-1            Cancel ─▶ Cancelled; when it is also paid ─▶ payment-of-order-1: Refund ─▶ Refunded
//! ```

use sourced::prelude::*;
use sourced::{AppBuilder, Outgoing};
use sourced_testing::simulation::{Outside, Process};

use crate::outside::{Bank, Post};
use crate::{
    call_without_key, decided_on_a_read_model, forgotten_event, key_of_each_attempt, lost_schedule,
    order_between_streams, replayed_effect, success_after_the_end, swallowed_failure,
};

/// What somebody did wrong in a copy of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    ReplayedEffect,
    DecidedOnAReadModel,
    CallWithoutKey,
    KeyOfEachAttempt,
    OrderBetweenStreams,
    ForgottenEvent,
    LostSchedule,
    SwallowedFailure,
    SuccessAfterTheEnd,
}

/// The mistake that is planted, for handlers to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planted(pub(crate) Option<Mistake>);

impl Planted {
    pub(crate) fn is(self, mistake: Mistake) -> bool {
        self.0 == Some(mistake)
    }
}

pub(crate) fn app(process: &Process, planted: Planted) -> AppBuilder {
    let app = App::builder()
        .register::<Order>()
        .register::<Payment>()
        .register::<decided_on_a_read_model::Account>()
        .register::<decided_on_a_read_model::UserName>()
        .register::<decided_on_a_read_model::Names>()
        .register::<swallowed_failure::Mails>()
        .resource(process.outside::<Bank>())
        .resource(process.outside::<Post>())
        .resource(planted);
    let app = match planted.0 {
        Some(Mistake::ReplayedEffect) => app.register::<replayed_effect::wrong::Turnover>(),
        _ => app.register::<replayed_effect::right::Turnover>(),
    };
    match planted.0 {
        Some(Mistake::OrderBetweenStreams) => {
            app.register::<order_between_streams::wrong::Overview>()
        }
        Some(Mistake::ForgottenEvent) => app.register::<forgotten_event::wrong::Overview>(),
        _ => app.register::<order_between_streams::right::Overview>(),
    }
}

#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(crate) is_placed: bool,
    pub(crate) is_paid: bool,
    pub(crate) is_cancelled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("it is placed already")]
    IsPlaced,
    #[error("there is nothing to cancel")]
    NothingToCancel,
}

#[actor]
impl Order {
    #[command]
    pub(crate) fn place(&self, cents: u64) -> Result<Placed, OrderError> {
        if self.is_placed {
            return Err(OrderError::IsPlaced);
        }
        Ok(Placed { cents })
    }

    #[event]
    pub(crate) fn placed(&mut self, _cents: u64) {
        self.is_placed = true;
    }

    #[reaction]
    fn go_on(
        &self,
        event: &Message<Placed>,
        planted: Res<Planted>,
    ) -> (Outgoing<Charge>, Option<Outgoing<Remind>>) {
        let order = &event.stream_id;
        let is_wrong = planted.is(Mistake::LostSchedule);
        let remind = (!is_wrong).then(|| lost_schedule::right::reminder(order));
        (Charge.to(format!("payment-of-{order}")), remind)
    }

    #[command]
    pub(crate) fn cancel(&self) -> Result<Cancelled, OrderError> {
        if !self.is_placed || self.is_cancelled {
            return Err(OrderError::NothingToCancel);
        }
        Ok(Cancelled)
    }

    #[event]
    pub(crate) fn cancelled(&mut self) {
        self.is_cancelled = true;
    }

    #[reaction]
    fn give_back(&self, event: &Message<Cancelled>) -> Option<Outgoing<Refund>> {
        let payment = format!("payment-of-{}", event.stream_id);
        self.is_paid.then(|| Refund.to(payment))
    }

    #[command]
    pub(crate) fn note_paid(&self) -> Paid {
        Paid
    }

    #[event]
    pub(crate) fn paid(&mut self) {
        self.is_paid = true;
    }

    #[reaction]
    fn look_whether_it_is_wanted(
        &self,
        event: &Message<Paid>,
        planted: Res<Planted>,
    ) -> Option<Outgoing<Refund>> {
        if planted.is(Mistake::SuccessAfterTheEnd) {
            success_after_the_end::wrong(self, &event.stream_id)
        } else {
            success_after_the_end::right(self, &event.stream_id)
        }
    }

    #[command]
    pub(crate) fn remind(&self) -> Option<Reminded> {
        (!self.is_cancelled).then_some(Reminded)
    }

    #[event]
    pub(crate) fn reminded(&mut self) {}
}

#[derive(Debug, Default)]
pub(crate) struct Payment {
    is_refunded: bool,
}

#[actor]
impl Payment {
    #[command]
    async fn charge(
        &self,
        id: &StreamId,
        bank: Res<Outside<Bank>>,
        planted: Res<Planted>,
    ) -> Result<Charged, Failure> {
        if planted.is(Mistake::CallWithoutKey) {
            call_without_key::wrong(&bank, id).await?;
        } else {
            call_without_key::right(&bank, id).await?;
        }
        let order = order_of(id);
        Ok(Charged { order })
    }

    #[event]
    pub(crate) fn charged(&mut self, _order: String) {}

    #[reaction]
    fn tell_the_order(&self, event: &Charged) -> Outgoing<NotePaid> {
        NotePaid.to(&event.order)
    }

    #[command]
    pub(crate) async fn refund(
        &self,
        id: &StreamId,
        now: Now,
        bank: Res<Outside<Bank>>,
        planted: Res<Planted>,
    ) -> Result<Option<Refunded>, Failure> {
        if self.is_refunded {
            return Ok(None);
        }
        if planted.is(Mistake::KeyOfEachAttempt) {
            key_of_each_attempt::wrong(&bank, id, now).await?;
        } else {
            key_of_each_attempt::right(&bank, id).await?;
        }
        Ok(Some(Refunded))
    }

    #[event]
    pub(crate) fn refunded(&mut self) {
        self.is_refunded = true;
    }
}

/// Which order a payment is for.
pub(crate) fn order_of(payment: &StreamId) -> String {
    payment
        .as_str()
        .trim_start_matches("payment-of-")
        .to_owned()
}
