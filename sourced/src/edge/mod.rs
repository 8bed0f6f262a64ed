//! The edge: where raw input from outside becomes commands.
//!
//! A [`Gateway`] knows which commands the outside may send, who may send them, and what the program does to each before
//! it is dispatched. A client says the name of a type and a payload, and nothing else: ids, seqs, causes, times, metadata
//! and principals are the program's.

mod draft;
mod error;
mod incoming;

pub use draft::Draft;
pub use error::{Denied, EdgeError};
pub use incoming::{Body, Incoming};

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::message::Command;
use crate::registry::{Registry, form_value};

/// The answer of a hook or a guard that has to wait for it: `Box::pin(async move { .. })`.
pub type Answer<'a> = BoxFuture<'a, Result<(), EdgeError>>;

type Hook = Arc<dyn for<'a> Fn(&'a mut Draft) -> Answer<'a> + Send + Sync>;
type Guard = Arc<dyn for<'a> Fn(&'a Draft) -> Answer<'a> + Send + Sync>;

/// The way in for commands from outside. Made by [`App::gateway`](crate::App::gateway), or by itself.
///
/// ```
/// use serde_json::json;
/// use sourced::edge::{Denied, Gateway};
/// use sourced::prelude::*;
/// use sourced::Registry;
///
/// #[command("cart.add_item")]
/// struct AddItem {
///     product: String,
///     quantity: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sourced::EdgeError> {
/// let gateway = Gateway::new(Registry::new().command::<AddItem>())
///     .authorize(|draft| match draft.principal() {
///         Principal::Anonymous => Err(Denied::new("log in first")),
///         _ => Ok(()),
///     })
///     .before_each::<AddItem>(|command, _| {
///         command.product = command.product.to_lowercase();
///         Ok(())
///     });
///
/// let command = gateway
///     .command("cart.add_item", json!({"product": "TEA", "quantity": 2}))
///     .to("cart-1")
///     .by(Principal::user("u-7"))
///     .accept()
///     .await?;
/// // app.dispatch(command).await?
///
/// let error = gateway.command("cart.add_item", r#"{"quantity": "two"}"#).to("cart-1").accept().await;
/// let violations = error.unwrap_err().into_violations();
/// assert_eq!(violations.len(), 2);
/// assert_eq!(violations[0].to_string(), "`product` is missing");
/// # drop(command);
/// # Ok(()) }
/// ```
///
/// Input is read, then the hooks change or refuse it in the order in which they were added, then the guards of
/// [`Gateway::authorize`] look at what came of it. A guard answers whether *this principal* may; whether the command makes
/// sense now is for its actor to decide, and a refusal.
///
/// What has to wait for its answer, for a table of who owns which cart perhaps, is added by the methods that end in
/// `_async`. Where it cannot be found out, the answer is a [`Failure`](crate::Failure), by `?`.
#[doc(alias = "command context")]
#[derive(Clone)]
#[must_use = "a gateway does nothing until it is given a command"]
pub struct Gateway {
    exposed: Arc<Registry>,
    hooks: Vec<Hook>,
    guards: Vec<Guard>,
}

impl Gateway {
    /// Lets these commands through.
    pub fn new(exposed: Registry) -> Self {
        Self {
            exposed: Arc::new(exposed),
            hooks: Vec::new(),
            guards: Vec::new(),
        }
    }

    /// Has every command pass through this, which may change or refuse it.
    pub fn before(
        self,
        hook: impl Fn(&mut Draft) -> Result<(), EdgeError> + Send + Sync + 'static,
    ) -> Self {
        self.before_async(move |draft| {
            let answer = hook(draft);
            Box::pin(async move { answer })
        })
    }

    /// Has every command pass through this, which may wait, and may change or refuse it.
    pub fn before_async(
        mut self,
        hook: impl for<'a> Fn(&'a mut Draft) -> Answer<'a> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// Has every command of this type pass through this, which may change or refuse it.
    pub fn before_each<C: Command>(
        self,
        hook: impl Fn(&mut C, &mut Draft) -> Result<(), EdgeError> + Send + Sync + 'static,
    ) -> Self {
        self.before(move |draft| match draft.command::<C>()? {
            Some(mut command) => {
                hook(&mut command, draft)?;
                draft.replace(&command)
            }
            None => Ok(()),
        })
    }

    /// Has every command of this type pass through this, which may wait, and may change or refuse it.
    pub fn before_each_async<C: Command>(
        self,
        hook: impl for<'a> Fn(&'a mut C, &'a mut Draft) -> Answer<'a> + Send + Sync + 'static,
    ) -> Self {
        let hook = Arc::new(hook);
        self.before_async(move |draft| {
            let hook = Arc::clone(&hook);
            Box::pin(async move {
                let Some(mut command) = draft.command::<C>()? else {
                    return Ok(());
                };
                hook(&mut command, draft).await?;
                draft.replace(&command)
            })
        })
    }

    /// Asks this whether a command may be sent by whom it is from. With several, all have to allow it.
    pub fn authorize(
        self,
        guard: impl Fn(&Draft) -> Result<(), Denied> + Send + Sync + 'static,
    ) -> Self {
        self.authorize_async(move |draft| {
            let answer = guard(draft);
            Box::pin(async move { Ok(answer?) })
        })
    }

    /// Asks this whether a command may be sent by whom it is from, and waits for the answer.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sourced::edge::{Denied, Gateway};
    /// use sourced::prelude::*;
    /// use sourced::Registry;
    ///
    /// struct Owners; // a table, perhaps
    /// impl Owners {
    ///     async fn owns(&self, user: &str, cart: &str) -> Result<bool, std::io::Error> {
    ///         Ok((user, cart) == ("u-7", "cart-7"))
    ///     }
    /// }
    ///
    /// #[command("cart.place")]
    /// struct Place;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let owners = Arc::new(Owners);
    /// let gateway = Gateway::new(Registry::new().command::<Place>()).authorize_async(move |draft| {
    ///     let owners = Arc::clone(&owners);
    ///     Box::pin(async move {
    ///         let user = draft.principal().user_id().unwrap_or_default();
    ///         let cart = draft.stream_id().map_or("", StreamId::as_str);
    ///         match owners.owns(user, cart).await.map_err(Failure::from)? {
    ///             true => Ok(()),
    ///             false => Err(Denied::new("not your cart").into()),
    ///         }
    ///     })
    /// });
    /// let place = |cart| gateway.command("cart.place", "").to(cart).by(Principal::user("u-7")).accept();
    /// assert!(place("cart-7").await.is_ok());
    /// assert!(place("cart-8").await.unwrap_err().is_denied());
    /// # }
    /// ```
    pub fn authorize_async(
        mut self,
        guard: impl for<'a> Fn(&'a Draft) -> Answer<'a> + Send + Sync + 'static,
    ) -> Self {
        self.guards.push(Arc::new(guard));
        self
    }

    /// A command as JSON: text, or a value that was parsed before.
    pub fn command(&self, type_name: &str, body: impl Into<Body>) -> Incoming<'_> {
        let value = body.into().into_value();
        Incoming::new(self, type_name, value, crate::registry::CommandType::read)
    }

    /// A command as the fields of a form, in which everything is text: see
    /// [`CommandType::read_form`](crate::registry::CommandType::read_form).
    pub fn form<N: AsRef<str>, T: Into<String>>(
        &self,
        type_name: &str,
        pairs: impl IntoIterator<Item = (N, T)>,
    ) -> Incoming<'_> {
        let value: Value = form_value(pairs);
        Incoming::new(
            self,
            type_name,
            Ok(value),
            crate::registry::CommandType::read_form,
        )
    }

    /// The commands it lets through.
    pub fn exposed(&self) -> &Registry {
        &self.exposed
    }

    /// Runs the hooks, then the guards.
    async fn pass(&self, draft: &mut Draft) -> Result<(), EdgeError> {
        for hook in &self.hooks {
            hook(draft).await?;
        }
        for guard in &self.guards {
            guard(draft).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("exposed", &self.exposed)
            .finish_non_exhaustive()
    }
}
