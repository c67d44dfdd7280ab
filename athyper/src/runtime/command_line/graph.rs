//! `graph`: who provides what to whom.

use super::Output;
use super::arguments::Drawing;
use crate::runtime::kernel::Kernel;

pub(super) fn draw(kernel: &Kernel, format: Drawing) -> Output {
    Output::text(match format {
        Drawing::Mermaid => kernel.graph().to_mermaid(),
        Drawing::Dot => kernel.graph().to_dot(),
    })
}
