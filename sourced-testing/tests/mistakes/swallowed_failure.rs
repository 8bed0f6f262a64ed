//! **A swallowed failure.** Who orders gets a mail.
//!
//! - Wrong: a mail is not worth a failure, so the handler writes a line into its log and goes on. The event is acknowledged,
//!   and the mail is never sent.
//! - Right: what fails is handled again, with a key that keeps the second mail from being sent when the first one was.
//! - The story: `cannot get through with its mail to`, and then `handles .. for mails`.

use sourced::prelude::*;
use sourced_testing::simulation::Outside;

use crate::outside::Post;
use crate::shop::{Mistake, Placed, Planted};

#[derive(Debug, Default)]
pub(crate) struct Mails;

#[handler]
impl Mails {
    #[on]
    async fn placed(
        &self,
        event: &Message<Placed>,
        post: Res<Outside<Post>>,
        planted: Res<Planted>,
    ) -> Result<(), Failure> {
        if planted.is(Mistake::SwallowedFailure) {
            wrong(&post, event).await;
            Ok(())
        } else {
            right(&post, event).await
        }
    }
}

async fn wrong(post: &Outside<Post>, event: &Message<Placed>) {
    if let Err(error) = right(post, event).await {
        tracing_would_say(&error);
    }
}

async fn right(post: &Outside<Post>, event: &Message<Placed>) -> Result<(), Failure> {
    let mail = format!("mail about {}", event.stream_id);
    let key = event.id.to_string();
    post.call(mail.clone(), |post| post.send(&mail, key))
        .await?;
    Ok(())
}

/// Nobody reads it.
fn tracing_would_say(_: &Failure) {}
