//! What the macros registered in every linked crate, in an order that does not depend on the linker.

use super::modules::RegisteredItem;
use crate::foundation::config::SectionDescriptor;
use crate::private::{ATHYPER_COMPONENTS_V0, ATHYPER_JOBS_V0, ATHYPER_SCHEDULES_V0, ATHYPER_SECTIONS_V0};
use crate::runtime::container::ComponentDescriptor;
use crate::runtime::jobs::JobDescriptor;
use crate::runtime::scheduler::ScheduleDescriptor;

/// Everything the macros registered.
#[derive(Debug, Default)]
pub(super) struct Registrations {
    pub(super) components: Vec<ComponentDescriptor>,
    pub(super) jobs: Vec<JobDescriptor>,
    pub(super) schedules: Vec<ScheduleDescriptor>,
    pub(super) sections: Vec<SectionDescriptor>,
}

impl Registrations {
    /// Reads the linker's tables.
    pub(super) fn collect() -> Self {
        let mut components = ATHYPER_COMPONENTS_V0.to_vec();
        let mut jobs = ATHYPER_JOBS_V0.to_vec();
        let mut schedules = ATHYPER_SCHEDULES_V0.to_vec();
        components.sort_by_key(|item| (item.module, item.place));
        jobs.sort_by_key(|item| (item.module, item.place));
        schedules.sort_by_key(|item| item.name);
        let mut sections = ATHYPER_SECTIONS_V0.to_vec();
        sections.sort_by_key(|item| item.name);
        Self { components, jobs, schedules, sections }
    }

    /// Each of them, by where its code lies.
    pub(super) fn items(&self) -> impl Iterator<Item = RegisteredItem> {
        let components = self.components.iter().map(|item| (item.module, item.label, item.place));
        let schedules = self.schedules.iter().map(|item| item.job);
        let jobs = self.jobs.iter().copied().chain(schedules).map(|item| (item.module, item.label, item.place));
        let sections = self.sections.iter().map(|item| (item.module, item.label, item.place));
        components.chain(jobs).chain(sections).map(|(module, label, place)| RegisteredItem { module, label, place })
    }
}
