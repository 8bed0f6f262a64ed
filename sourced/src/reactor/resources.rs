//! Resources: what the program brings for its handlers, shared by all of them.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::context::{Context, FromContext};
use super::documents::DocumentReader;
use crate::failure::Failure;

/// A resource registered with [`AppBuilder::resource`](crate::AppBuilder::resource): a mailer, a client, a pool.
///
/// ```
/// use sourced::Res;
///
/// struct Mailer { sender: String }
/// fn greet(mailer: &Res<Mailer>) -> String {
///     format!("from {}", mailer.sender)
/// }
/// assert_eq!(greet(&Res::new(Mailer { sender: "shop".into() })), "from shop");
/// ```
pub struct Res<T>(Arc<T>);

impl<T> Res<T> {
    /// Wraps a value, for calling a handler by hand in a test.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Clone for Res<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Res<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Res<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Send + Sync + 'static> FromContext for Res<T> {
    fn needs(needs: &mut Needs) {
        needs.0.push(Need {
            id: TypeId::of::<T>(),
            name: type_name::<T>(),
            shared: TypeId::of::<Arc<T>>(),
        });
    }

    fn from_context(cx: &Context) -> Result<Self, Failure> {
        let found = cx.resources().by_type.get(&TypeId::of::<T>()).cloned();
        found
            .and_then(|resource| resource.downcast().ok())
            .map(Self)
            .ok_or_else(|| NoResource(type_name::<T>()).into())
    }
}

/// A handler asked for a resource that nobody brought. It is inside the [`Failure`] of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no resource `{0}` is registered")]
pub struct NoResource(pub &'static str);

/// The resources of an app, by type.
#[derive(Clone, Default)]
pub struct Resources {
    by_type: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// The names of those that are here, by the types of their `Arc`s.
    by_shared_type: HashMap<TypeId, &'static str>,
}

impl Resources {
    /// Adds one; an earlier one of the same type is replaced.
    pub fn insert<T: Send + Sync + 'static>(&mut self, resource: T) {
        self.by_type.insert(TypeId::of::<T>(), Arc::new(resource));
        self.by_shared_type
            .insert(TypeId::of::<Arc<T>>(), type_name::<T>());
    }

    /// The names of the needed types that are not here, with what to do where another was meant.
    pub fn missing<'n>(
        &self,
        needs: &'n Needs,
    ) -> impl Iterator<Item = (&'static str, Option<String>)> + use<'_, 'n> {
        // This one is never missing.
        let reader = TypeId::of::<DocumentReader>();
        let absent = move |need: &&Need| !self.by_type.contains_key(&need.id) && need.id != reader;
        let missing = needs.0.iter().filter(absent);
        missing.map(|need| (need.name, self.meant(need)))
    }

    /// `Res` shares what it gives, so nobody needs an `Arc` around it.
    fn meant(&self, need: &Need) -> Option<String> {
        let Need { id, name, shared } = need;
        if self.by_type.contains_key(shared) {
            return Some(format!(
                "`Arc<{name}>` is registered: register `{name}` itself, `Res` shares it"
            ));
        }
        let inner = self.by_shared_type.get(id)?;
        Some(format!(
            "`{inner}` is registered: ask for `Res<{inner}>`, which shares it"
        ))
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources")
            .field("count", &self.by_type.len())
            .finish_non_exhaustive()
    }
}

/// The resources that handlers ask for.
#[derive(Debug, Default)]
pub struct Needs(Vec<Need>);

#[derive(Debug)]
struct Need {
    id: TypeId,
    name: &'static str,
    /// The type of its `Arc`.
    shared: TypeId,
}

impl Needs {
    /// Notes what a parameter of this type needs.
    pub fn add<T: FromContext>(&mut self) {
        T::needs(self);
    }
}
