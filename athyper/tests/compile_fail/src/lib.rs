//! Nothing: the cases lie under `cases/`, one rejection each, with the compiler's words beside it.
