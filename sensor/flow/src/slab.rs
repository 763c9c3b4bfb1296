//! Places with dense numbers that are used again, in pages: growing copies nothing and needs no
//! room for old and new side by side.

/// Places of a page.
const PAGE: usize = 4096;

/// Values by the number of their place.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pages: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            pages: Vec::new(),
            free: Vec::new(),
            len: 0,
        }
    }

    /// Values in it.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Every place that was ever used lies below.
    pub(crate) fn end(&self) -> u32 {
        let full = self.pages.len().saturating_sub(1) * PAGE;
        u32::try_from(full + self.pages.last().map_or(0, Vec::len)).unwrap_or(u32::MAX)
    }

    /// Puts `value` in a free place and tells which.
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        if let Some(slot) = self.free.pop() {
            if let Some(place) = self.place(slot) {
                *place = Some(value);
            }
            return slot;
        }
        let slot = self.end();
        match self.pages.last_mut().filter(|page| page.len() < PAGE) {
            Some(page) => page.push(Some(value)),
            None => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(Some(value));
                self.pages.push(page);
            }
        }
        slot
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        let slot = slot as usize;
        self.pages.get(slot / PAGE)?.get(slot % PAGE)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.place(slot)?.as_mut()
    }

    /// Takes out what is there; the place is free then.
    pub(crate) fn take(&mut self, slot: u32) -> Option<T> {
        let value = self.place(slot)?.take()?;
        self.len -= 1;
        self.free.push(slot);
        Some(value)
    }

    fn place(&mut self, slot: u32) -> Option<&mut Option<T>> {
        let slot = slot as usize;
        self.pages.get_mut(slot / PAGE)?.get_mut(slot % PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_pages_grow() {
        let mut slab = Slab::new();
        let count = PAGE as u32 * 2 + 3;
        for value in 0..count {
            assert_eq!(slab.insert(value), value);
        }
        assert_eq!((slab.len(), slab.end()), (count as usize, count));
        assert_eq!(slab.take(PAGE as u32), Some(PAGE as u32));
        assert_eq!(slab.take(PAGE as u32), None);
        assert_eq!(slab.get(PAGE as u32 + 1), Some(&(PAGE as u32 + 1)));
        assert_eq!(slab.insert(7), PAGE as u32);
        assert_eq!(slab.get_mut(PAGE as u32), Some(&mut 7));
        assert_eq!(slab.get(count), None);
    }
}
