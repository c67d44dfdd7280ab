//! What the macros registered in every linked crate, in an order that does not depend on the linker.

use std::collections::BTreeMap;

use crate::foundation::config::SectionDescriptor;
use crate::foundation::container::Place;
use crate::foundation::problem::{Problem, ProblemClass, Problems};
use crate::private::{
    ATHYPER_COMPONENTS_V0, ATHYPER_JOBS_V0, ATHYPER_SCHEDULES_V0, ATHYPER_SECTIONS_V0, ModuleDescriptor, crate_of,
};
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

    /// Finds crates that registered items without saying that they are modules: they were linked by accident, and would be
    /// missing as soon as nothing else names them.
    pub(super) fn check_modules(&self) -> Problems {
        let named: Vec<&str> = inventory::iter::<ModuleDescriptor>.into_iter().map(|module| module.name).collect();
        let places = self
            .components
            .iter()
            .map(|item| (item.module, item.label, item.place))
            .chain(self.jobs.iter().map(|item| (item.module, item.label, item.place)))
            .chain(self.schedules.iter().map(|item| (item.job.module, item.job.label, item.job.place)))
            .chain(self.sections.iter().map(|item| (item.module, item.label, item.place)));
        let mut unnamed: BTreeMap<&'static str, (&str, Place)> = BTreeMap::new();
        for (module, label, place) in places {
            let name = crate_of(module);
            if !named.contains(&name) {
                unnamed.entry(name).or_insert((label, place));
            }
        }
        let mut problems = Problems::new();
        for (name, (label, place)) in unnamed {
            problems.push(
                Problem::new(
                    ProblemClass::Wiring,
                    "ATH-MODULE-UNNAMED",
                    format!("crate `{name}` registers items but does not say that it is a module"),
                )
                .with_detail("such as", label, Some(place.to_string()))
                .with_fix(format!(
                    "write `athyper::module!();` in the root of `{name}`, and `athyper::modules!({name});` in the product"
                )),
            );
        }
        problems
    }
}
