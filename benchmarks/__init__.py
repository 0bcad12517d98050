"""Measurements, each beside a peer doing the same work in the same run. No test rests on them."""
