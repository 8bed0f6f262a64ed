//! The attribute macros of `sourced`. Use them from there: `use sourced::prelude::*;`.
//!
//! Each macro gives the item it stands on back first, untouched but for its own attributes, and adds code beside it.
//! What is wrong is said at the word that has to change, with what to type instead, and all of it in one build.

mod check;
mod diagnostics;
mod entry;
mod expand;
mod model;
mod names;
mod parse;
#[cfg(test)]
mod tests;

use check::Kind;
use parse::member::Role;
use proc_macro::TokenStream;

/// Makes a type an actor: it decides commands, evolves by events and reacts to them, one stream each.
///
/// The attribute stands on the type's own `impl` block. The methods in it stay ordinary methods, which a unit test can
/// call; an attribute says what each is for, and its receiver says what it may do:
///
/// | attribute | receiver | what it does |
/// |---|---|---|
/// | `#[command]` | `&self`, may be `async` | decides a command: returns events, a refusal or a failure |
/// | `#[event]` | `&mut self` | changes the state by an event: cannot refuse, wait or reach out |
/// | `#[reaction]` | `&self`, may be `async` | returns commands after an event was stored |
/// | `#[before_evolve]` | `&mut self` | runs before each event that there is an `#[event]` method for |
/// | `#[state]` | none | makes the first state; without it that is `Default::default()` |
///
/// What a command may return, for an actor with the events `ItemAdded` and `Renamed`:
///
/// | returned | what comes of it |
/// |---|---|
/// | `()` | it is done, and no event comes of it |
/// | `ItemAdded` | one event |
/// | `Option<ItemAdded>` | one event, or none |
/// | `Vec<ItemAdded>`, `[ItemAdded; 2]` | events of one type, in this order |
/// | `(ItemAdded, Renamed)`, up to six | events of several types, in this order |
/// | `CartEvent` | any one [event](#events) of the block; `Vec<CartEvent>` for any number |
/// | `Elsewhere<Debited>` | events in the stream of another actor, from `Other::emit` |
/// | these in each other, as `(ItemAdded, Option<Renamed>)` | all of them, in this order |
/// | `Result<_, YourError>` around all of it | the same, or a refusal |
/// | `Result<_, Failure>` around all of it | the same, or it is tried again |
/// | `Result<_, Rejected<YourError>>` around all of it | the same, or either of them |
///
/// The error of a command says what a "no" means. Any `std::error::Error` is a *refusal*: recorded, answered, and never
/// tried again. A `Failure` is tried again. A command that can do both returns `Result<_, Rejected<YourError>>`.
///
/// An outage is no refusal: `std::io::Error`, a boxed error, and the errors of the library itself do not compile as one.
/// Nobody can see them inside an error type of yours, though: with `#[from] std::io::Error` in an enum, `?` makes a
/// refusal of a server that was away for a minute. Where the `source` of a refusal is such an error, a warning is logged
/// with the command, which will not be tried again. Keep your error type to what the domain says, and make a `Failure` of
/// the rest.
///
/// A refused command leaves no event, so nothing can react to it: in a workflow that has to go on after a "no", return an
/// event for it.
///
/// A command may be decided more than once before it has an effect: after a failure, after the death of a process, and
/// when its stream got another event meanwhile. One that calls somebody else gives the call a key that is the same each
/// time, such as the id of the stream, and gives back what a later decision no longer wants.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// pub struct Cart {
///     n_items: u32,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// pub enum CartError {
///     #[error("the cart is full")]
///     Full,
/// }
///
/// #[actor]
/// impl Cart {
///     /// Adds a product to an open cart.
///     #[command]
///     pub fn add_item(
///         &self,
///         product_id: String,
///         #[serde(default = "one")] quantity: u32,
///     ) -> Result<ItemAdded, CartError> {
///         if self.n_items >= 10 {
///             return Err(CartError::Full);
///         }
///         Ok(ItemAdded { product_id, quantity })
///     }
///
///     /// A product was added.
///     #[event]
///     pub fn item_added(&mut self, _product_id: String, quantity: u32) {
///         self.n_items += quantity;
///     }
///
///     #[reaction]
///     fn tell_admin(&self, added: &ItemAdded) -> SendMail {
///         let text = format!("{} is in the cart", added.product_id);
///         SendMail { text }
///     }
///
///     #[command]
///     async fn send_mail(&self, text: String, mailer: Res<Mailer>) -> Result<(), Failure> {
///         mailer.send(text).await
///     }
/// }
///
/// fn one() -> u32 {
///     1
/// }
/// # pub struct Mailer;
/// # impl Mailer {
/// #     async fn send(&self, _: String) -> Result<(), Failure> { Ok(()) }
/// # }
///
/// // An ordinary method, and an ordinary struct.
/// let added = Cart::default().add_item("p1".into(), 1)?;
/// assert_eq!(added, ItemAdded { product_id: "p1".into(), quantity: 1 });
/// # Ok::<(), CartError>(())
/// ```
///
/// # Parameters
/// - **Owned parameters are the fields of the message**, and define it: `AddItem` for `add_item`, stored as
///   `cart.add_item`, with the visibility and the docs of the method and the serde attributes of the parameters. A
///   parameter that the method does not use may be called `_quantity`; the field is `quantity`.
/// - **A reference names a message that is defined elsewhere**: `command: &AddItem`, or `command: &Message<AddItem>`
///   for its id, seq, time and metadata.
/// - `Res<T>` (a resource), `Now`, `Replaying`, `Principal`, `&StreamId` and `&History` come from the surroundings, and not
///   from the message. They are told by the names of their types, as they are written here: `&StreamId` is the actor's own
///   stream, and an owned `StreamId` is a field as any other. A field of the type `Now`, `Replaying` or `Principal` needs
///   another name for it, as by `type Owner = Principal`. Events get none of them, so that a replay always comes out the
///   same.
/// - A command that emits step by step takes `emit: &mut Emitter<Self>`, or with the events that may come of it
///   `&mut Emitter<Self, (ItemAdded, ItemRemoved)>`; one that has events in another stream too takes
///   `to: Other<Account>`, which is a `StreamId` in the message: who sends the command says which stream it is. With
///   `#[stream(format!("name-{name}"))] user_name: Other<UserName>` it follows from the fields and `self`, and is no field.
///
/// The messages are structs of the module. Two actors that both have a method `cancel` both define `Cancel`: give each
/// actor a module of its own, or define one of the structs yourself and take it by reference. A method whose struct would hide
/// a name of Rust's prelude or of `sourced::prelude`, such as `option`, `send` or `delete`, does not compile; `delete_cart`
/// does, and `#[command("cart.delete")]` keeps the stored name.
///
/// A `#[deprecated]` on a method is one on its durable method, too.
///
/// # What is pure
/// An `#[event]`, `#[before_evolve]` or `#[state]` method runs again for each replay, today and in ten years, and has to come
/// out the same. So it has no way to wait, to refuse, or to be given anything but the event. Inside its body, the words that
/// show a clock, an id, chance, a file, the network, output or a changed static are refused: `SystemTime::now`,
/// `Utc::now`, `Uuid::new_v4`, `rand::`, `std::fs`, `tokio::`, `println!`, `COUNT.fetch_add`. What the functions that it calls
/// do, only the laws and lints show that `docs/laws.md` in the repository tells of.
///
/// # Events
/// `CartEvent` is an enum of all events of the block, each a variant called like its type. A command may return it, a
/// reaction to several events may take `&CartEvent` or `&Message<CartEvent>`, and a history can be matched with it.
///
/// ```
/// # use sourced::prelude::*;
/// # #[derive(Debug, Default)]
/// # struct Switch { is_on: bool }
/// #[actor]
/// impl Switch {
///     #[command]
///     fn press(&self) -> SwitchEvent {
///         if self.is_on { TurnedOff.into() } else { TurnedOn.into() }
///     }
///
///     #[event]
///     fn turned_on(&mut self) {
///         self.is_on = true;
///     }
///
///     #[event]
///     fn turned_off(&mut self) {
///         self.is_on = false;
///     }
///
///     #[reaction(TurnedOn, TurnedOff)]
///     fn tell(&self, event: &SwitchEvent) {
///         match event {
///             SwitchEvent::TurnedOn(_) => println!("light"),
///             SwitchEvent::TurnedOff(_) => println!("dark"),
///         }
///     }
/// }
///
/// assert_eq!(Switch::default().press(), SwitchEvent::TurnedOn(TurnedOn));
/// ```
///
/// # Reactions
/// `#[reaction]` with an event parameter serves that event. `#[reaction(ItemAdded, ItemRemoved)]` serves several.
/// `#[reaction]` with neither serves every event of the block that has no reaction of its own.
///
/// # Options
/// - `#[actor("shop.cart")]`: the actor's name, which is the prefix of its messages' names and its consumer group.
///   Without it, the name of the type: `cart`.
/// - `alias = "cart"`: an older name of the actor, once for each, the oldest last. The messages that it defines are read
///   under the old prefix too, but for those with a name of their own. Its consumer group keeps the oldest name, so that
///   its progress stays where it is: without the alias, a renamed actor would be a new group, from the beginning of the
///   log.
/// - `events = CartHappened`: what the enum of its events is called, when `CartEvent` is something else already.
/// - `derive(Eq, schemars::JsonSchema)`: what the messages that it defines derive besides.
/// - `snapshot_every = 100`, `snapshot_version = 2`: see [Snapshots](#snapshots).
/// - `crate = path`: where the library is, when it is not `::sourced`.
///
/// # Snapshots
/// With `snapshot_every = n` the state is stored after every `n` events or so, and the next decision reads it and the
/// events after it, instead of the whole stream. It pays where streams have many hundreds of events. The state has to be
/// `Serialize` and `DeserializeOwned`, and complete that way: a field that serde skips is not in the snapshot.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// struct Meter {
///     total: u64,
/// }
///
/// #[actor(snapshot_every = 2)]
/// impl Meter {
///     #[command]
///     fn read(&self, units: u64) -> Used {
///         Used { units }
///     }
///
///     #[event]
///     fn used(&mut self, units: u64) {
///         self.total += units;
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().register::<Meter>().build().await?;
/// let meter = app.actor::<Meter>("meter-1");
/// for units in [1, 2, 3] {
///     meter.read(units).await?;
/// }
/// let loaded = meter.load().await?;
/// assert_eq!(loaded.state().total, 6);
/// assert_eq!(loaded.history().len(), 1); // the two before are in the snapshot
/// # Ok(()) }
/// ```
///
/// A snapshot is never the truth. It is taken of what is stored, after the transaction, and one that cannot be taken is
/// a warning in the log. It is used only when its fingerprint is that of the running program, and otherwise overwritten
/// in time. These change the fingerprint by themselves:
///
/// - a token in an `#[event]`, `#[before_evolve]` or `#[state]` method, docs and comments aside;
/// - a field or a variant of the state, or of a type inside it, that comes, goes, is renamed or has another type, one with
///   `#[serde(default)]` too.
///
/// **What nobody can see, you have to say**, with a higher `snapshot_version`: a change in a function that those methods
/// call, in `Default` of the state, in an event that is defined elsewhere or its upcasting, in a hand-written
/// `Deserialize`, or behind `#[serde(flatten)]`, `#[serde(untagged)]` and `#[serde(tag = "…")]`.
///
/// A handler that asks for `&History` gets all of it and reads the whole stream, and so does a reaction that comes so late
/// that the snapshot knows more than its event. A stream that gets all its events by `Other::emit`, from the commands of
/// other streams, gets no snapshot.
///
/// # Rules and schemas
/// With the feature `garde` and garde among your own dependencies, `#[garde(length(min = 1))]` on a parameter is a rule
/// of the field. A command that breaks one is let in by no gateway, dispatched by no app and decided by no durable method;
/// everything that it breaks is said at once. A struct of its own says `#[derive(garde::Validate)]`.
///
/// With the feature `schema`, `MessageType::schema` gives the JSON Schema of messages that derive
/// `schemars::JsonSchema`, and so do the nodes of `App::topology`.
///
/// # What it writes
/// A struct per message, the enum of the events, a table with a row per handler, a small impl per handler, and `CartRef`
/// with a durable method per command, which is what `App::actor` gives. The docs of `CartRef` show the flow: which command
/// is refused with what, emits what, and what is dispatched then.
///
/// A durable method takes `impl Into<String>` for a `String`, and whatever names a stream for an `Other`: give it `"tea"` as
/// it is, for with `"tea".into()` the compiler cannot know what is meant (E0283).
///
/// <details>
/// <summary>The cart above, written out</summary>
///
/// ```
/// # use sourced::prelude::*;
/// # #[derive(Debug, Default)]
/// # pub struct Cart { n_items: u32 }
/// # #[derive(Debug, thiserror::Error)]
/// # pub enum CartError { #[error("the cart is full")] Full }
/// # pub struct Mailer;
/// # impl Mailer {
/// #     async fn send(&self, _: String) -> Result<(), Failure> { Ok(()) }
/// # }
/// # fn one() -> u32 { 1 }
#[doc = include_str!("tests/cart.expanded.rs")]
/// ```
/// </details>
#[proc_macro_attribute]
pub fn actor(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::block(Kind::Actor, args.into(), &item.into()).into()
}

/// Makes a type a projector: a read model per stream, built from events and saved by itself.
///
/// The attribute stands on the type's own `impl` block. `#[event]` methods change the state by events that were defined
/// elsewhere. `#[sync]` methods save it, in the order in which they are written, in the transaction that acknowledges
/// the events: every event is in what they save exactly once.
///
/// ```
/// use sourced::prelude::*;
///
/// #[event("cart.item_added")]
/// pub struct ItemAdded {
///     pub price: u64,
/// }
///
/// #[derive(Debug)]
/// struct CartListing {
///     id: String,
///     total: u64,
/// }
///
/// #[projector]
/// impl CartListing {
///     #[state]
///     fn new(id: &StreamId) -> Self {
///         Self { id: id.to_string(), total: 0 }
///     }
///
///     #[event]
///     fn added(&mut self, event: &ItemAdded) {
///         self.total += event.price;
///     }
///
///     #[sync]
///     async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
///         tx.put("listings", &self.id, &self.total).await
///     }
/// }
///
/// let builder = sourced::App::builder().register::<CartListing>();
/// # drop(builder);
/// ```
///
/// `#[sync]` methods may also ask for `&StreamId`, `Res<T>`, `Now` and `Replaying`.
///
/// A block whose `#[event]` methods give rows back is that of a table, whose struct has [`derive@Projection`].
///
/// A `#[reaction]` returns commands after one of the events that there is an `#[event]` method for, on the state as of
/// it. They are stored in the same transaction; a replay does not call it.
///
/// `#[after_sync]` methods come after the commit. See [`macro@after_sync`].
///
/// # A state that is loaded
/// The state is made anew from the events of the stream, so it is never stored but in what `#[sync]` writes. With
/// `#[projector(stored)]` it is loaded from there instead: one load, one pass over the new events, one save, however long
/// the stream is. A `#[state]` that is `async` loads it, and gives `None` where nothing is stored; then, and in a replay, the
/// state begins with what the other `#[state]` makes, or with `Default`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sourced::prelude::*;
///
/// #[event("cart.item_added")]
/// pub struct ItemAdded {
///     pub price: u64,
/// }
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// struct CartTotal {
///     cents: u64,
/// }
///
/// #[projector(stored)]
/// impl CartTotal {
///     #[state]
///     async fn load(id: &StreamId, tx: &mut Tx<'_>) -> Result<Option<Self>, Failure> {
///         tx.get("totals", id).await
///     }
///
///     #[event]
///     fn added(&mut self, event: &Message<ItemAdded>) {
///         self.cents += event.payload.price;
///     }
///
///     #[sync]
///     async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
///         tx.put("totals", id, self).await
///     }
/// }
///
/// let builder = sourced::App::builder().register::<CartTotal>();
/// # drop(builder);
/// ```
///
/// What loads takes `&StreamId`, `Res<T>`, and `&mut Tx<'_>` to load in the transaction that saves. One with `#[reaction]`s
/// cannot take that, since they come before it: it loads from a resource, such as a pool of your own or
/// `Res<DocumentReader>`. A unit leaves such a projector to the workers.
///
/// # Options
/// - `#[projector("listings")]`: the name of the consumer group, under which its progress is kept. Without it, the name
///   of the type: `cart_listing`.
/// - `stored`: the state is loaded as it was saved.
/// - `global_order`, for a table: all events come one after the other in the order of their positions, whatever stream they are
///   in. One that fails holds up all that come after it.
/// - `crate = path`: where the library is, when it is not `::sourced`.
#[proc_macro_attribute]
pub fn projector(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::block(Kind::Projector, args.into(), &item.into()).into()
}

/// Makes a struct a row of a table that a `#[projector]` keeps up to date.
///
/// Each field is a column; `#[key]` says which identify the row. The table is made when an app is built with the projector,
/// in the schema or with the prefix of the backend, and can be queried like any other.
///
/// ```
/// use sourced::prelude::*;
///
/// #[event("todo.added")]
/// pub struct TodoAdded {
///     pub todo_id: u64,
///     pub title: String,
/// }
///
/// #[event("todo.renamed")]
/// pub struct TodoRenamed {
///     pub todo_id: u64,
///     pub title: String,
/// }
///
/// #[event("todo.completed")]
/// pub struct TodoCompleted {
///     pub todo_id: u64,
/// }
///
/// #[derive(Debug, Projection)]
/// #[projection(table = "outstanding_todos")]
/// pub struct OutstandingTodo {
///     #[key]
///     todo_id: u64,
///     #[index]
///     title: String,
///     #[projection(json)]
///     earlier_titles: Vec<String>,
/// }
///
/// #[projector]
/// impl OutstandingTodo {
///     #[event]
///     fn added(event: &TodoAdded) -> Self {
///         Self { todo_id: event.todo_id, title: event.title.clone(), earlier_titles: Vec::new() }
///     }
///
///     #[event]
///     fn renamed(&mut self, event: &TodoRenamed) {
///         let earlier = std::mem::replace(&mut self.title, event.title.clone());
///         self.earlier_titles.push(earlier);
///     }
///
///     #[event]
///     fn completed(self, _: &TodoCompleted) -> Delete {
///         Delete
///     }
/// }
///
/// let builder = sourced::App::builder().register::<OutstandingTodo>();
/// # drop(builder);
/// ```
///
/// What `#[event]` methods are like says what they do with the row of their event:
///
/// | method | the row |
/// |---|---|
/// | `fn added(event: &E) -> Self`, or `-> Option<Self>` | is made; it is a failure when it is there |
/// | `fn renamed(&mut self, event: &E)` | is changed; it is a failure when it is not there |
/// | `fn completed(self, event: &E) -> Delete`, or `-> Option<Self>` | ends; it is a failure when it is not there |
/// | `fn counted(row: Option<Self>, event: &E) -> Self`, or the others | may be there or not |
///
/// The event is `&E` or `&Message<E>`. Its fields of the same names as those of the key say which row it is about, unless
/// the attribute says something else: `#[event(key = customer_id)]` names another field, and `#[event(key = Self::by_day)]` a
/// function of `&Message<E>` that makes the key, which is a tuple when several fields are marked.
///
/// Besides there may be [`macro@after_sync`] methods, which are called for each row that has changed. Reactions belong in a
/// `#[handler]`.
///
/// # Attributes
/// - `#[projection(table = "outstanding_todos")]`: the name of the table. Without it, the name of the struct:
///   `outstanding_todo`.
/// - `#[projection(crate = path)]`: where the library is, when it is not `::sourced`.
/// - `#[key]` above one field or several, `#[unique]`, `#[index]`.
/// - `#[projection(json)]`: the field is anything of serde, and its column holds JSON.
/// - `#[projection(column = "due_at")]`: the name of the column. Without it, that of the field.
#[proc_macro_derive(Projection, attributes(projection, key, index, unique))]
pub fn derive_projection(item: TokenStream) -> TokenStream {
    entry::row(item.into()).into()
}

#[doc(hidden)]
#[proc_macro]
pub fn __key(input: TokenStream) -> TokenStream {
    entry::key(input.into()).into()
}

/// A command: on a method under [`macro@actor`] it decides one, on a struct it defines one.
///
/// A struct of its own is for commands that several modules share, and for a stored name that is not made of the
/// actor's and the method's.
///
/// ```
/// use sourced::prelude::*;
///
/// #[command("cart.rename")]
/// pub struct Rename {
///     pub name: String,
/// }
///
/// #[derive(Debug, Default)]
/// pub struct Cart;
///
/// #[actor]
/// impl Cart {
///     #[command]
///     fn rename(&self, command: &Rename) {
///         println!("{} it is, but nothing came of it", command.name);
///     }
/// }
/// ```
///
/// It derives `Debug`, `Clone`, `PartialEq`, `Serialize` and `Deserialize`, unless a `#[derive]` below it has them.
///
/// # Options
/// - `#[command("cart.rename")]`: the stored name, which must never change. Without it, the name of the type: `rename`.
/// - `alias = "cart.call"`: an older stored name of the same shape, any number of times. What was stored under it is read
///   as this type; what is stored from now on has the new name.
/// - `was = OldType`: the command that this one took the place of. See [upcasting](macro@event#upcasting).
/// - `crate = path`: where the library is, when it is not `::sourced`.
///
/// On a method that defines its command, the name, `alias` and `was` say how that is stored.
#[proc_macro_attribute]
pub fn command(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::message(Role::Command, args.into(), &item.into()).into()
}

/// An event: on a method under [`macro@actor`] or [`macro@projector`] it evolves by one, on a struct it defines one.
///
/// A struct of its own is for events that actors and projectors of several modules share, and for a stored name that is
/// not made of the actor's and the method's.
///
/// ```
/// use sourced::prelude::*;
///
/// #[event("cart.renamed")]
/// pub struct Renamed {
///     pub name: String,
/// }
///
/// #[derive(Debug, Default)]
/// pub struct Cart {
///     name: String,
/// }
///
/// #[actor]
/// impl Cart {
///     #[event]
///     fn renamed(&mut self, event: &Message<Renamed>) {
///         self.name.clone_from(&event.payload.name);
///     }
/// }
/// ```
///
/// It derives `Debug`, `Clone`, `PartialEq`, `Serialize` and `Deserialize`, unless a `#[derive]` below it has them.
///
/// # Options
/// - `#[event("cart.renamed")]`: the stored name, which must never change. Without it, the name of the type: `renamed`.
/// - `alias = "cart.called"`: an older stored name of the same shape, any number of times. What was stored under it is read
///   as this type; what is stored from now on has the new name.
/// - `was = OldType`: the event that this one took the place of. See [upcasting](macro@event#upcasting).
/// - `crate = path`: where the library is, when it is not `::sourced`.
///
/// On a method that defines its event, the name, `alias` and `was` say how that is stored.
///
/// On a method of a [`macro@projector`] of no table, `#[event(ItemAdded, ItemRemoved)]` lists the events that it is for. It
/// takes none of them, or all as one type, as with [`macro@on`].
///
/// # Upcasting
/// When an event gets another shape, the old one becomes a struct of its own under its old stored name, and the new one
/// says what it `was`, under a new name. `From` says what the old fields mean today. Chains may be of any length.
///
/// ```
/// use sourced::prelude::*;
/// use sourced::{MessageType, Payload};
///
/// #[event("cart.item_added")]
/// pub struct ItemAddedV1 {
///     pub product: String,
/// }
///
/// impl From<ItemAddedV1> for ItemAdded {
///     fn from(old: ItemAddedV1) -> Self {
///         Self { product: old.product, quantity: 1 }
///     }
/// }
///
/// #[derive(Debug, Default)]
/// pub struct Cart {
///     n_items: u32,
/// }
///
/// #[actor]
/// impl Cart {
///     #[event("cart.item_added.v2", was = ItemAddedV1)]
///     fn item_added(&mut self, _product: String, quantity: u32) {
///         self.n_items += quantity;
///     }
/// }
///
/// let old = Payload::parse(r#"{"product": "tea"}"#)?;
/// assert_eq!(ItemAdded::read("cart.item_added", &old)?.quantity, 1);
/// # Ok::<(), sourced::PayloadError>(())
/// ```
///
/// Old messages are read so on every path: loading, deciding commands that wait, reacting, projecting,
/// `StoredMessage::decode`. Their envelope keeps the stored name. Handlers take the newest type only; an app whose actor
/// handles an old one beside it is not built.
///
/// A new field with an obvious value needs none of this: `#[serde(default)]` on the field is enough. Where reading an old
/// shape may fail, or looks at several fields at once, `#[serde(try_from = "Raw")]` on the struct reads it through a type
/// of yours.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::message(Role::Event, args.into(), &item.into()).into()
}

/// Returns commands after an event was stored. It stands on a method under [`macro@actor`] or [`macro@projector`], and
/// means nothing elsewhere.
///
/// The method sees the state as of its event, so it does the same whenever it runs. It returns `()`, a command, one that
/// says where it goes, `Option`, `Vec`, an array or a tuple of these, or a `Result` of any of them. Different commands in
/// one `Vec` forget their types with `.any()`.
///
/// The state is that of the event's stream, also where the event is another actor's. To reach a stream of your own, such
/// as a parent that waits for several children, dispatch a command to it: `Done { .. }.to(parent)`. A command that says
/// no stream goes to the event's.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// pub struct Cart {
///     order: u32,
/// }
///
/// #[actor]
/// impl Cart {
///     #[event]
///     fn placed(&mut self, number: u32) {
///         self.order = number;
///     }
///
///     #[command]
///     fn pack(&self, number: u32) {
///         println!("{number}");
///     }
///
///     #[reaction]
///     fn send_off(&self, placed: &Placed) -> Outgoing<Pack> {
///         Pack { number: placed.number }.to("warehouse-1")
///     }
/// }
/// ```
///
/// # Options
/// - `#[reaction(ItemAdded, ItemRemoved)]`: the events it serves. The method takes none of them, or all as one type, as with
///   [`macro@on`]. With neither a list nor an event parameter, it serves every event of the block that has no reaction of
///   its own.
#[proc_macro_attribute]
pub fn reaction(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::Reaction, &item.into()).into()
}

/// Makes the state before the first event. It stands on a function under [`macro@actor`] or [`macro@projector`], and
/// means nothing elsewhere.
///
/// Without it, the first state is `Default::default()`.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug)]
/// pub struct Cart {
///     id: String,
/// }
///
/// #[actor]
/// impl Cart {
///     #[state]
///     fn new(id: &StreamId) -> Self {
///         Self { id: id.to_string() }
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn state(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::State, &item.into()).into()
}

/// Saves a read model. It stands on a method under [`macro@projector`], and means nothing elsewhere.
///
/// It runs in the transaction that acknowledges the events, so everything written through `tx` happens exactly once. It
/// may be called again from the start when the database asks for it.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Total(u64);
///
/// #[projector]
/// impl Total {
///     #[sync]
///     async fn save(&self, tx: &mut Tx<'_>, now: Now) -> Result<(), Failure> {
///         println!("saved at {now:?}");
///         tx.put("totals", "all", &self.0).await
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn sync(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::Sync, &item.into()).into()
}

/// Makes a type a handler: it does something about events, and keeps no state.
///
/// The attribute stands on the type's own `impl` block. `#[on]` methods are called once for each of their events, after
/// it was stored; a replay does not call them again. What they do outside may happen twice when a worker dies in the
/// middle; the commands that they return are stored together with the acknowledgement, once.
///
/// ```
/// use sourced::prelude::*;
///
/// #[event("order.started")]
/// pub struct Started {
///     pub customer: String,
/// }
///
/// #[event("order.cancelled")]
/// pub struct Cancelled;
///
/// #[derive(Debug, Default)]
/// struct OrderTelemetry;
///
/// #[handler]
/// impl OrderTelemetry {
///     #[on]
///     async fn started(&self, event: &Message<Started>, now: Now) -> Result<(), Failure> {
///         println!("{} started {:?} for {}", event.stream_id, *now, event.payload.customer);
///         Ok(())
///     }
///
///     #[on(Cancelled)]
///     fn ended(&self, id: &StreamId, history: &History) {
///         println!("{id} ended after {} events", history.len());
///     }
/// }
///
/// let builder = sourced::App::builder().register::<OrderTelemetry>();
/// # drop(builder);
/// ```
///
/// `#[on]` methods take an event by reference, `&Message<…>` for its envelope, `&StreamId`, `&History`, `Res<T>`, `Now`
/// and `Replaying`. They return what a `#[reaction]` returns.
///
/// # Options
/// - `#[handler("telemetry")]`: the name of the consumer group, under which its progress is kept. Without it, the name
///   of the type: `order_telemetry`.
/// - `crate = path`: where the library is, when it is not `::sourced`.
#[proc_macro_attribute]
pub fn handler(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::block(Kind::Handler, args.into(), &item.into()).into()
}

/// Does something about an event. It stands on a method under [`macro@handler`], and means nothing elsewhere.
///
/// ```
/// use sourced::prelude::*;
///
/// #[event("order.started")]
/// pub struct Started;
///
/// #[derive(Debug, Default)]
/// struct Greeter;
///
/// #[handler]
/// impl Greeter {
///     #[on]
///     fn started(&self, _: &Started) {}
/// }
/// ```
///
/// # Options
/// - `#[on(Started, Cancelled)]`: the events it serves. The method takes none of them, or all as one type, which has `From`
///   for each of them: an enum of yours, or that of an actor's events. `&Message<…>` of it is the envelope besides.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// pub struct Lamp;
///
/// #[actor]
/// impl Lamp {
///     #[event]
///     fn turned_on(&mut self) {}
///
///     #[event]
///     fn turned_off(&mut self) {}
/// }
///
/// #[derive(Debug, Default)]
/// struct Watch;
///
/// #[handler]
/// impl Watch {
///     #[on(TurnedOn, TurnedOff)]
///     fn note(&self, event: &Message<LampEvent>) {
///         match event.payload {
///             LampEvent::TurnedOn(_) => println!("{} is on", event.stream_id),
///             LampEvent::TurnedOff(_) => println!("{} is off", event.stream_id),
///         }
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn on(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::On, &item.into()).into()
}

/// Runs before each event that the state evolves by. It stands on a method under [`macro@actor`] or [`macro@projector`],
/// and means nothing elsewhere.
///
/// It is for what all events have in common: how many there were, when the last one was. Events that the type has no
/// `#[event]` method for pass it by.
///
/// ```
/// use sourced::prelude::*;
/// use sourced::Timestamp;
///
/// #[derive(Debug, Default)]
/// struct Cart {
///     last_change: Option<Timestamp>,
/// }
///
/// #[actor]
/// impl Cart {
///     #[before_evolve]
///     fn note(&mut self, event: &StoredMessage) {
///         self.last_change = Some(event.created_at);
///     }
///
///     #[event]
///     fn opened(&mut self) {}
/// }
/// ```
#[proc_macro_attribute]
pub fn before_evolve(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::BeforeEvolve, &item.into()).into()
}

/// Does something about what was saved, after the commit. It stands on a method under [`macro@projector`], and means
/// nothing elsewhere.
///
/// It is called once for each batch of events of a stream, on the state after it, and not in a replay unless it asks for
/// `Replaying`. It may ask for `&StreamId`, `Res<T>` and `Now` too. It returns nothing, or `Result<(), Failure>`.
///
/// It is for hints that may get lost: when the process ends between the commit and it, it is not called again, and when it
/// fails or panics, that is logged as a warning and changes nothing. Several are called in the order in which they are
/// written, up to the first that fails. What has to happen belongs in a `#[reaction]` or a `#[handler]`. A unit inside a
/// transaction of the caller's does not call it, since nobody knows whether that commits.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Total(u64);
///
/// #[projector]
/// impl Total {
///     #[sync]
///     async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
///         tx.put("totals", "all", &self.0).await
///     }
///
///     #[after_sync]
///     async fn announce(&self) {
///         println!("the total is {}", self.0);
///     }
/// }
/// ```
///
/// In a projector of a table it is called for each row that a batch has created or changed, on the row as it was saved, and
/// not for rows whose events are all a replay unless it asks for `Replaying`. One that asks for `RowChange` is called for rows
/// that ended, too, on the row as it was stored last. It cannot ask for the `&StreamId`, since a row may be of many streams.
///
/// ```
/// use sourced::prelude::*;
///
/// #[event("stock.moved")]
/// pub struct Moved {
///     pub sku: String,
///     pub units: i64,
/// }
///
/// #[derive(Projection)]
/// struct Stock {
///     #[key]
///     sku: String,
///     units: i64,
/// }
///
/// #[projector]
/// impl Stock {
///     #[event]
///     fn moved(row: Option<Self>, event: &Moved) -> Option<Self> {
///         let units = row.map_or(0, |row| row.units) + event.units;
///         (units > 0).then(|| Self { sku: event.sku.clone(), units })
///     }
///
///     #[after_sync]
///     async fn announce(&self, change: RowChange) {
///         println!("{change:?}: {} of {}", self.units, self.sku);
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn after_sync(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::AfterSync, &item.into()).into()
}
