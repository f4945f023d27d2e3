//! From words to [`Meaning`]: route, needs, intent and the slots of a group request.

mod meaning;

pub use meaning::{
    Access, Day, Frequency, GroupSlots, Intent, Meaning, Memory, NeedFound, Outline, PartOfDay, Reason,
    Setting, Signal, Size, Staff, Time,
};
