"""Bytes become upright pictures and back; masks, anomaly maps and overlays."""
