//! Counters, gauges and histograms of one kernel, and the text Prometheus reads.
