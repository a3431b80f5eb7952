//! What a transaction keeps in mind until it ends: how much happened in it, and what it has read for good.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::rc::Rc;

use super::Tx;
use crate::error::Result;

#[derive(Default)]
pub struct Memory {
    /// How many events it recorded.
    pub(super) happened: usize,
    read: HashMap<TypeId, Rc<dyn Any>>,
}

impl Memory {
    /// What a savepoint takes back was not read, and did not happen.
    pub(super) fn forget_since(&mut self, happened: usize) {
        self.happened = happened;
        self.read.clear();
    }
}

impl Tx<'_> {
    /// A `T` that is read at most once in a transaction; [`Tx::forget`] is for who changes it.
    pub fn once<T: 'static>(&mut self, read: impl FnOnce(&mut Tx) -> Result<T>) -> Result<Rc<T>> {
        let known = self.memory.read.get(&TypeId::of::<T>()).cloned();
        if let Some(known) = known.and_then(|known| known.downcast().ok()) {
            return Ok(known);
        }
        let new = Rc::new(read(self)?);
        self.memory.read.insert(TypeId::of::<T>(), new.clone());
        Ok(new)
    }

    pub fn forget<T: 'static>(&mut self) {
        self.memory.read.remove(&TypeId::of::<T>());
    }

    /// How many things happened in it so far.
    pub fn happened(&self) -> usize {
        self.memory.happened
    }
}
